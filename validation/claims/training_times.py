"""Claims: losses and clocks of random features in training, by flow and by descent; the published clocks are not theirs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import training_times as experiment
from theory.averages import two_resolvents
from theory.network import Network
from theory.predictions import training_times as prediction
from theory.setting import LinearManifold, Setting, Subspace
from validation.claim import Claim, Control, Done, Picked
from validation.comparison import Case, cases, compare, evaluated, told, wrong
from validation.job import Evaluation
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["claims", "curves", "figures"]

Array = NDArray[np.float64]


def of(text: str, samples: int, time: float, training: tuple[float, ...], **network: Any) -> Setting:
    """A network at one time of the Ornstein-Uhlenbeck process."""
    return Setting.of(text, samples=samples, schedule="ou", times=[time], network=Network(times=training, **network))


WIDE = of("1.0x20", 80, 0.1, (10.0, 100.0, 1000.0), features=160)
QUIET = of("1.0x20", 40, 0.01, (100.0, 10000.0), features=80)
MANY = of("1.0x20", 160, 0.1, (10.0, 1000.0), features=160)
CASES = cases(
    prediction,
    experiment.measure_limit,
    {
        "wide": (340, WIDE),
        "many": (270, MANY),
        "two": (150, of("0.5x10,1.5x10", 80, 0.1, (10.0, 1000.0), features=160)),
        "narrow": (100, of("1.0x20", 120, 0.05, (10.0, 100.0, 1000.0), features=80, activation="erf", ridge=0.01)),
        "relu": (60, of("1.0x20", 80, 0.1, (10.0, 100.0), features=160, activation="relu")),
    },
)
LITTLE = cases(prediction, experiment.measure_limit, {"quiet": (400, QUIET)}, in_headline=0.25)["quiet"]
KERNEL = cases(
    prediction, experiment.measure_limit, {"kernel": (100, of("1.0x10", 20, 0.1, (10.0, 100.0), features=320))}
)["kernel"]
STEP = 1.0
DOWN = of("1.0x10", 40, 0.1, (10.0, 100.0, 300.0), features=80)
DESCENT = cases(prediction, experiment.measure_descent, {"descent": (80, DOWN)}, step=STEP)["descent"]
BATCHES = cases(prediction, experiment.measure_descent, {"batches": (150, DOWN)}, step=STEP, batch=10)["batches"]
# What extrapolation from 20 and 40 dimensions is off by, relative, and four times that from 10 and 20. Of order 1/D^2: long
# runs from 10 and 20 are off by up to 0.2 % of losses up to a training time of 300, and later by 4 % of losses and tau_half
# and 6 % of the clock, most along a direction of low variance.
EARLY, LATE, LATE_CLOCK, SOON = 0.0025, 0.0125, 0.025, 300.0
LIMIT = "the limit, by flow at two sizes, extrapolated"
NEVER = "of modes along which nothing is learned"
TRAINING = np.geomspace(1.0, 1e5, 61)
SAMPLES = np.geomspace(20, 2000, 25).astype(int)


def infinite(observable: str, setting: Setting) -> Array:
    """Of infinitely many features."""
    return np.asarray(getattr(prediction, observable)(setting.trained(features=math.inf)))


def second_order(observable: str, late: float, setting: Setting) -> Array:
    """What extrapolation leaves of an observable at training times, in the shape of its values."""
    values = np.abs(getattr(prediction, observable)(setting))
    share = np.where(_tau(setting) > SOON, late, EARLY) * (20 / setting.manifold.ambient_dimension) ** 2
    return np.asarray(values * share.reshape(1, -1, *[1] * (values.ndim - 2)))


def slow(observable: str, setting: Setting) -> Array:
    """At rates without their factor 2."""
    return np.asarray(getattr(prediction, observable)(setting.trained(times=tuple(_tau(setting) / 2))))


def fewer(setting: Setting) -> Array:
    """When the test loss is least with half as many samples."""
    return prediction.tau_gen(setting.at(samples=setting.samples // 2))


def alike(observable: str, setting: Setting) -> Array:
    """With one variance, the mean, in all directions."""
    manifold = setting.manifold
    mean = float(manifold.variances @ manifold.dimensions) / manifold.intrinsic_dimension
    parts = tuple(Subspace(mean, part.dimension) for part in manifold.subspaces)
    one = setting.at(manifold=LinearManifold(parts, manifold.ambient_dimension))
    return np.asarray(getattr(prediction, observable)(one))


def without_features(setting: Setting) -> prediction.Flow:
    """The flow of a linear model, s(x) = A x, at the first time of an isotropic setting: a mode a principal component."""
    alpha2, psi_n = float(setting.alpha[0]) ** 2, setting.samples / setting.manifold.ambient_dimension
    sigma2, p = alpha2 * float(setting.t[0]), np.ones(1)
    loop = two_resolvents.of_samples(setting.manifold.variances, p, psi_n, (alpha2, sigma2), sigma2 / alpha2)
    rates = (alpha2 * loop.points + sigma2)[None]
    return prediction.Flow(loop, rates, np.ones_like(rates), p, sigma2, 0.0, sigma2)


def linear(observable: str, setting: Setting) -> Array:
    """Of a linear model."""
    flow = without_features(setting)
    losses = flow.train if observable == "train_loss" else flow.test
    return losses(flow.learned(_tau(setting)))[None]


def linear_clock(setting: Setting) -> Array:
    """The clock at which a linear model memorizes: when its slowest mode is learned."""
    flow = without_features(setting)
    return np.array([[1 / (2 * flow.sigma2 * flow.rates.real.min())]])


def averaged(observable: str, setting: Setting) -> Array:
    """Of infinitely many features on samples whose covariance is that of the distribution."""
    many = setting.trained(features=math.inf)
    k, psi_n = prediction.constants(many)[0], setting.samples / setting.manifold.ambient_dimension
    lam = float(setting.manifold.variances[0])
    fast = prediction.derivation()["fast_rate"](lam, k.c, k.b2, k.v2, psi_n)
    slow_rate = prediction.derivation()["product"](k.b2, k.v2, psi_n) / fast
    share = prediction.derivation()["share"](fast, fast - slow_rate, k.v2, psi_n)
    h, H = (_learned(times, fast, slow_rate, share, k.sigma2) for times in (_tau(setting), 2 * _tau(setting)))
    return np.asarray(1 - k.b2 * (H if observable == "train_loss_kernel" else 2 * h - (k.c * lam + k.b2) * h**2))[None]


def _learned(tau: Array, fast: Array, slow_rate: Array, share: Array, sigma2: float) -> Array:
    learned = prediction.derivation()["learned"]
    return np.asarray(share * learned(fast, sigma2, tau) + (1 - share) * learned(slow_rate, sigma2, tau))


def from_the_kernel(observable: str, setting: Setting) -> Array:
    """By how much as many features as there are are off from infinitely many, shape (T, S)."""
    name = observable.removesuffix("_kernel")
    return np.asarray(np.abs(getattr(prediction, name)(setting) - infinite(name, setting)))


def train_by_steps(setting: Setting) -> Array:
    """The training loss of steps."""
    return prediction.train_loss(setting) + prediction.step_excess(setting, STEP)[0]


def test_by_steps(setting: Setting) -> Array:
    """The test loss of steps."""
    return prediction.test_loss(setting) + prediction.step_excess(setting, STEP)[1]


BY_STEPS = {"train_loss": train_by_steps, "test_loss": test_by_steps}


def slow_steps(observable: str, setting: Setting) -> Array:
    """A loss of steps at rates without their factor 2."""
    return BY_STEPS[observable](setting.trained(times=tuple(_tau(setting) / 2)))


def _tau(setting: Setting) -> Array:
    assert setting.network is not None
    return setting.network.tau


def claims() -> list[Claim]:
    """Losses and what is retained, by flow and by descent, their ends, the clocks, and those that were published."""
    return [*_losses(), *_ends(), *_retained(), *_clocks(), *_published(), *_kernel(), *_descent()]


def _losses() -> list[Claim]:
    wide, narrow, relu = CASES["wide"], CASES["narrow"], CASES["relu"]
    return [
        *(
            compare(
                wide,
                name,
                wrong("a linear model, without features", linear, name, WIDE),
                LIMIT,
                allowed_bias=_left(name, wide),
            )
            for name in ("train_loss", "test_loss")
        ),
        *(
            compare(at, name, _slow(name, at), f"{LIMIT}, {words}", allowed_bias=_left(name, at))
            for at, words in (
                (narrow, "more samples than features, and a ridge"),
                (relu, "an activation of nonzero mean"),
            )
            for name in ("train_loss", "test_loss")
        ),
        compare(
            LITTLE,
            "train_loss",
            _slow("train_loss", LITTLE),
            LIMIT,
            allowed_bias=_left("train_loss", LITTLE),
            headline=True,
        ),
    ]


def _left(name: str, at: Case, late: float = LATE) -> Evaluation:
    return evaluated(second_order, name, late, at.setting)


def _slow(name: str, at: Case) -> Control:
    return wrong("rates without their factor 2", slow, name, at.setting)


def _ends() -> list[Claim]:
    return [
        compare(
            CASES["wide"],
            name,
            wrong("infinitely many features", infinite, name, WIDE),
            "the limit of endless training, at two sizes, extrapolated",
            bias=LATE,
        )
        for name in ("train_loss_final", "test_loss_final")
    ]


def _retained() -> list[Claim]:
    two = CASES["two"]
    return [
        compare(
            two,
            "retained_coefficient",
            wrong("one variance in all directions", alike, "retained_coefficient", two.setting),
            "low variance is lost first",
            allowed_bias=_left("retained_coefficient", two),
        ),
        compare(
            two,
            "learning_clock",
            wrong("one variance in all directions", alike, "learning_clock", two.setting),
            "first fast, and slow once the distribution is learned; low variance is slower, and then faster",
            allowed_bias=_left("learning_clock", two, LATE_CLOCK),
        ),
    ]


def _clocks() -> list[Claim]:
    more = {name: wrong("half as many samples", fewer, CASES[name].setting) for name in ("wide", "many")}
    return [
        *(compare(CASES[name], "tau_gen", more[name], LIMIT, bias=EARLY) for name in more),
        *(
            compare(
                CASES[name],
                "tau_half",
                wrong("infinitely many features", infinite, "tau_half", CASES[name].setting),
                LIMIT,
                bias=LATE,
            )
            for name in more
        ),
        compare(
            LITTLE,
            "learning_clock",
            wrong("infinitely many features", infinite, "learning_clock", QUIET),
            LIMIT,
            allowed_bias=_left("learning_clock", LITTLE, LATE_CLOCK),
        ),
    ]


def _published() -> list[Claim]:
    late = Picked("learning_clock", np.s_[:, -1])
    return [
        compare(
            LITTLE,
            "tau_mem_published",
            wrong("a linear model, without features", linear_clock, QUIET),
            f"what is still learned at a training time of {_tau(QUIET)[-1]:g} is slower: it is the clock {NEVER}",
            name="published.mem",
            measured=late,
            expected="disagrees",
            headline=True,
        ),
        *(
            compare(
                CASES[name],
                "tau_gen_published",
                wrong("half as many samples", fewer, CASES[name].setting),
                "the least test loss is later, and later the more samples there are",
                name=f"published.gen.{name}",
                expected="disagrees",
            )
            for name in ("wide", "many")
        ),
    ]


def _kernel() -> list[Claim]:
    at = KERNEL.setting
    return [
        compare(
            KERNEL,
            name,
            wrong("principal components replaced by their mean", averaged, name, at),
            "the limit of infinitely many features, but for how far as many are from it",
            bias=4 * EARLY,
            allowed_bias=evaluated(from_the_kernel, name, at),
        )
        for name in ("train_loss_kernel", "test_loss_kernel")
    ]


def _descent() -> list[Claim]:
    words = {"descent": "by descent on all samples", "batches": "by descent on samples drawn for each step"}
    return [
        compare(
            at,
            name,
            wrong("rates without their factor 2", slow_steps, name, DOWN),
            f"the limit, {words[where]}, at two sizes, extrapolated",
            predicted=BY_STEPS[name],
            bias=4 * EARLY,
        )
        for where, at in (("descent", DESCENT), ("batches", BATCHES))
        for name in BY_STEPS
    ]


# of the figure
LOSSES = {
    (name, p): evaluated(getattr(prediction, name), WIDE.trained(times=tuple(TRAINING), features=p))
    for name in ("train_loss", "test_loss")
    for p in (160, math.inf)
}


def over_samples(name: str, features: float) -> Array:
    """A clock of the case wide over SAMPLES, shape (SAMPLES,)."""
    at = [WIDE.at(samples=int(N)).trained(features=features) for N in SAMPLES]
    return np.array([np.ravel(getattr(prediction, name)(one))[0] for one in at])


CLOCKS = {
    (name, p): evaluated(over_samples, name, p)
    for name, p in (
        ("tau_gen", 160),
        ("tau_half", 160),
        ("tau_half", math.inf),
        ("tau_mem", 160),
        ("tau_mem_published", 160),
    )
}


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return [*LOSSES.values(), *CLOCKS.values()]


def figures(done: Done) -> list[Figure]:
    """Losses over the training time, and the clocks over the number of samples."""
    with draw.style():
        figure, axes = draw.canvas(2)
        _draw_losses(axes[0], done)
        _draw_clocks(axes[1], done)
    caption = (
        f"Random features in training: {told(WIDE)}. Left: training loss (below) and test loss, in the limit of many dimensions; "
        "dotted, of infinitely many features; dashed, the test loss of a linear model, which has no second clock. Right: the "
        "clocks for other numbers of samples; dotted, $\\tau_{1/2}$ of infinitely many features, and in grey $n^*$, where 160 no "
        "longer follow it; dashed, what was published for $\\tau_{\\rm mem}$. Error bars: one standard error over data sets and "
        "networks."
    )
    return [Figure("training_times", caption, figure)]


def _draw_losses(axis: Axes, done: Done) -> None:
    found = done[CASES["wide"].experiment.name]
    for series, name in enumerate(("train_loss", "test_loss")):
        draw.theory(axis, TRAINING, done[LOSSES[name, 160].name][0], name.replace("_", " "), series=2 * series)
        axis.plot(TRAINING, done[LOSSES[name, math.inf].name][0], color="0.5", linestyle=":", linewidth=1)
        measured = found[name][0]
        draw.measured(
            axis, _tau(WIDE), measured.mean, measured.sem, "simulation" if series else None, series=2 * series
        )
    many = WIDE.trained(times=tuple(TRAINING))
    draw.control(axis, TRAINING, linear("test_loss", many)[0], "control, linear model")
    draw.logarithmic(axis)
    axis.set(xlabel=r"training time $\tau$", ylabel="loss", ylim=(0.3, 1.6))
    draw.legend(axis)


def _draw_clocks(axis: Axes, done: Done) -> None:
    labels = {"tau_gen": r"$\tau_{\rm gen}$", "tau_half": r"$\tau_{1/2}$", "tau_mem": r"$\tau_{\rm mem}$"}
    for series, (name, label) in enumerate(labels.items()):
        draw.theory(axis, SAMPLES, done[CLOCKS[name, 160].name], label, series=series)
    draw.control(axis, SAMPLES, done[CLOCKS["tau_mem_published", 160].name], r"published $\tau_{\rm mem}$")
    axis.plot(SAMPLES, done[CLOCKS["tau_half", math.inf].name], color="0.5", linestyle=":", linewidth=1)
    for at in (CASES["wide"], CASES["many"]):
        for series, name in enumerate(("tau_gen", "tau_half")):
            measured = done[at.experiment.name][name]
            draw.measured(axis, [at.setting.samples], measured.mean, measured.sem, series=series)
    axis.axvline(float(prediction.linear_range(WIDE)[0]), color="0.8", zorder=0)
    axis.set_yscale("log")
    draw.logarithmic(axis)
    axis.set(xlabel="samples $N$", ylabel="training time")
    draw.legend(axis)
