"""Claims over the sizes: what is exact at finite N and D holds from (10, 2) to (10^6, 100), and no limit does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import sizes as experiment
from numerics.experiments import subspace_loss as loss_experiment
from numerics.measurement import Measurement
from theory.predictions import collapse, condensation, frozen_jacobian, kl_bound, subspace_loss, supervision_region
from theory.setting import Setting
from validation.claim import Claim, Control, Done
from validation.comparison import EXACT, evaluated
from validation.job import Evaluation, Experiment, Results
from validation.report import figures as draw
from validation.report.page import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["STATEMENT", "claims", "curves", "figures"]

STATEMENT = "what is exact at finite N and D holds from (N, D) = (10, 2) to (10^6, 100), where the limits do not hold"

Array = NDArray[np.float64]

CASES = {
    str(samples): Setting.of(f"1.0x{dimension}", samples=samples, times=np.array([t]))
    for samples, dimension, t in (
        (10, 2, 0.055),
        (100, 5, 0.095),
        (1000, 10, 0.17),
        (10**4, 30, 0.6),
        (10**5, 60, 1.1),
        (10**6, 100, 1.6),
    )
}  # about half the collapse time
# not at a million samples, which takes a minute more
LOST_NEAR = dict(zip(CASES, (0.5, 0.375, 0.41, 0.69, 0.87), strict=False))
BESIDE = np.array([0.88, 0.97, 1.03, 1.14])  # so narrow in the middle that interpolation adds no bias
REPEATS = dict(zip(CASES, (1000, 1000, 1000, 100, 60, 20), strict=True))
EXPERIMENTS = {
    name: Experiment(f"sizes.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}
LOSSES = {
    name: Experiment(
        f"sizes.loss.{name}",
        loss_experiment.measure,
        {"setting": CASES[name].at(times=near * BESIDE)},
        REPEATS[name],
    )
    for name, near in LOST_NEAR.items()
}


@dataclass(frozen=True)
class Sized:
    """What is measured at every size: its exact value, its limit, and its name in the figure."""

    exact: Callable[[Setting], Array]
    limit: Callable[[Setting], Array]
    label: str
    limit_is: str = "thermodynamic limit"


def own_weight_asymptotic(setting: Setting) -> Array:
    """That of Y2 on trajectories: the own sample has all the weight or none."""
    return condensation.participation_asymptotic(setting.at(query="trajectory"))


SIZED = {
    "participation": Sized(
        condensation.participation, condensation.participation_asymptotic, "participation ratio $E\\,Y_2$"
    ),
    "entropy": Sized(condensation.entropy, condensation.entropy_asymptotic, "entropy (nats)"),
    "heat_capacity": Sized(condensation.heat_capacity, condensation.heat_capacity_asymptotic, "heat capacity"),
    "estimated_dimension": Sized(
        frozen_jacobian.estimated_dimension, frozen_jacobian.estimated_dimension_asymptotic, "estimated dimension"
    ),
    "shell_ratio": Sized(supervision_region.shell_ratio, supervision_region.shell_ratio_asymptotic, "shell ratio"),
    "signal_to_noise": Sized(
        subspace_loss.signal_to_noise, subspace_loss.signal_to_noise_asymptotic, "signal to noise"
    ),
    "kl": Sized(kl_bound.kl_exact, kl_bound.kl_asymptotic, r"$E\,\mathrm{KL}(p_t\|\hat p_t)$ (nats)"),
    "own_weight": Sized(collapse.own_weight, own_weight_asymptotic, "own weight, trajectories"),
    "memorized_probability": Sized(
        collapse.memorized_probability,
        collapse.memorized_probability_asymptotic,
        "memorized probability",
        "second-order approximation",
    ),
    "loss_time": Sized(subspace_loss.loss_time_exact, subspace_loss.loss_time_asymptotic, "loss time"),
}


def claims() -> list[Claim]:
    """Every observable, over all sizes."""
    return [_claim(observable) for observable in SIZED]


def _claim(observable: str) -> Claim:
    known, experiments = SIZED[observable], _experiments(observable)
    settings = [CASES[name] for name in experiments]
    coordinates = {
        "samples": [setting.samples for setting in settings],
        "dimension": [setting.manifold.ambient_dimension for setting in settings],
        "time": [setting.times[0] for setting in settings],
    }
    if experiments is LOSSES:
        del coordinates["time"]
    return Claim(
        name=f"sizes.{observable}",
        statement=f"{observable} of one subspace of variance 1: {EXACT}",
        observable=observable,
        coordinates=coordinates,
        experiments=tuple(experiments.values()),
        measured=Flat(observable),
        predicted=_over_sizes(known.exact, settings),
        control=Control(known.limit_is, _over_sizes(known.limit, settings)),
    )


def _experiments(observable: str) -> dict[str, Experiment]:
    return LOSSES if observable == "loss_time" else EXPERIMENTS


def _over_sizes(f: Callable[[Setting], Array], settings: Iterable[Setting]) -> tuple[Evaluation, ...]:
    """A number at each size."""
    return tuple(evaluated(f, setting) for setting in settings)


@dataclass(frozen=True)
class Flat:
    """Picks an observable, without the axis of the one subspace."""

    observable: str

    def __call__(self, results: Results) -> Measurement:
        """The measurement, shape (1,)."""
        return results[self.observable].each(np.ravel)


def curves() -> list[Evaluation]:
    """What the figure needs besides the claims."""
    return []


def figures(done: Done) -> list[Figure]:
    """Every observable against the size."""
    with draw.style():
        figure, axes = draw.canvas(5, 2, width=2.6, height=2.5)
        for axis, observable in zip(axes.ravel(), SIZED, strict=True):
            _panel(axis, observable, done)
        axes[0, 0].legend()
    caption = (
        "From $N = 10$ samples in $D = 2$ dimensions to $10^6$ in 100, one subspace of variance 1: exact at finite $N$ and $D$, "
        "simulation, and dashed the thermodynamic limit, for the memorized probability the second-order approximation. Noise "
        "variances $t$ (data units squared), about half the collapse time: "
        f"{', '.join(f'{setting.times[0]:g}' for setting in CASES.values())}. Lines join the sizes. "
        "Error bars: one standard error over data sets, most smaller than the markers."
    )
    return [Figure("sizes", caption, figure)]


def _panel(axis: Axes, observable: str, done: Done) -> None:
    settings, rows = [CASES[name] for name in _experiments(observable)], _claim(observable).rows(done)
    sizes = [setting.samples for setting in settings]
    limits = [np.ravel(done[one.name])[0] for one in _over_sizes(SIZED[observable].limit, settings)]
    draw.theory(axis, sizes, [row["predicted"] for row in rows], "exact")
    draw.control(axis, sizes, limits, "limit")
    mean, sem = ([row[what] for row in rows] for what in ("measured", "sem"))
    draw.measured(axis, sizes, mean, sem, "simulation", series=1)
    axis.set_xscale("log")
    if observable == "signal_to_noise":
        axis.set_yscale("log")
    labels = [f"$10^{round(np.log10(s.samples))}$\n{s.manifold.ambient_dimension}" for s in CASES.values()]
    axis.set_xticks([setting.samples for setting in CASES.values()], labels)
    axis.minorticks_off()
    axis.set(xlabel="samples $N$ (above), dimension $D$ (below)", ylabel=SIZED[observable].label)
