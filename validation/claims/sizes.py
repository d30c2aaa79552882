"""Claims over the sizes: what is exact at finite N and D holds from (10, 2) to (10^6, 100), and no limit does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from numerics.experiments import sizes as experiment
from numerics.measurement import Measurement
from theory.predictions import collapse, condensation, frozen_jacobian, subspace_loss, supervision_region
from theory.setting import Setting
from validation import figures as draw
from validation.claim import Claim, Control, Experiment, Results
from validation.report import Figure

__all__ = ["STATEMENT", "claims", "figures", "prepare"]

STATEMENT = "what is exact at finite N and D holds from (N, D) = (10, 2) to (10^6, 100), where the limits do not hold"

Array = NDArray[np.float64]

CASES = {
    str(samples): Setting.of(f"1.0x{dimension}", samples=samples, times=np.array([t]))
    for samples, dimension, t in (
        (10, 2, 0.2),
        (100, 5, 0.3),
        (1000, 10, 0.3),
        (10**4, 30, 1.0),
        (10**5, 60, 2.0),
        (10**6, 100, 3.0),
    )
}
REPEATS = dict(zip(CASES, (1000, 1000, 1000, 100, 40, 20), strict=True))
EXPERIMENTS = {
    name: Experiment(f"sizes.{name}", experiment.measure, {"setting": setting}, REPEATS[name])
    for name, setting in CASES.items()
}


@dataclass(frozen=True)
class Observable:
    """What is measured at every size: its exact value, its limit if it has one, and its name in the figure."""

    exact: Callable[[Setting], Array]
    limit: Callable[[Setting], Array] | None
    label: str
    limit_is: str = "thermodynamic limit"


def _own_weight_asymptotic(setting: Setting) -> Array:
    """That of Y2 on trajectories: the own sample has all the weight or none."""
    return condensation.participation_asymptotic(setting.at(query="trajectory"))


def _signal_to_noise_typical(setting: Setting) -> Array:
    return setting.samples / subspace_loss.critical_samples_typical(setting)


OBSERVABLES = {
    "participation": Observable(
        condensation.participation, condensation.participation_asymptotic, "participation ratio $E\\,Y_2$"
    ),
    "entropy": Observable(condensation.entropy, None, "entropy (nats)"),
    "heat_capacity": Observable(condensation.heat_capacity, None, "heat capacity"),
    "estimated_dimension": Observable(
        frozen_jacobian.estimated_dimension, frozen_jacobian.estimated_dimension_frozen, "estimated dimension"
    ),
    "shell_ratio": Observable(supervision_region.shell_ratio, supervision_region.shell_ratio_asymptotic, "shell ratio"),
    "signal_to_noise": Observable(
        subspace_loss.signal_to_noise, _signal_to_noise_typical, "signal to noise", "order 1/N at a typical x"
    ),
    "own_weight": Observable(collapse.own_weight, _own_weight_asymptotic, "own weight, trajectories"),
    "memorized_probability": Observable(
        collapse.memorized_probability,
        collapse.memorized_probability_asymptotic,
        "memorized probability",
        "second-order approximation",
    ),
}


def claims() -> list[Claim]:
    """Every observable, over all sizes."""
    return [_claim(observable) for observable in OBSERVABLES]


def _claim(observable: str) -> Claim:
    known = OBSERVABLES[observable]
    first, *others = EXPERIMENTS.values()
    return Claim(
        name=f"sizes.{observable}",
        statement=f"{observable} of one subspace of variance 1: exact at finite N and D",
        observable=observable,
        coordinates={
            "samples": [setting.samples for setting in CASES.values()],
            "dimension": [setting.manifold.ambient_dimension for setting in CASES.values()],
            "time": _over_sizes(lambda setting: setting.times),
        },
        experiment=first,
        measured=lambda results: _flat(results[observable]),
        predict=lambda: _over_sizes(known.exact),
        control=_control(known),
        others=tuple(others),
    )


def _control(known: Observable) -> Control:
    """The limit, or a wrong number of samples where there is none."""
    if (limit := known.limit) is not None:
        return Control(known.limit_is, lambda _: _over_sizes(limit))
    return Control("twice as many samples", lambda _: _over_sizes(lambda s: known.exact(s.at(samples=2 * s.samples))))


def _over_sizes(f: Callable[[Setting], Array]) -> Array:
    """A number at each size."""
    return np.concatenate([np.ravel(f(setting)) for setting in CASES.values()])


def _flat(m: Measurement) -> Measurement:
    """Without the axis of the one subspace."""
    return Measurement(np.ravel(m.mean), np.ravel(m.sem), m.n)


def prepare() -> None:
    """Compute the exact values, which takes seconds, while the experiments run."""
    for setting in CASES.values():
        for known in OBSERVABLES.values():
            known.exact(setting)


def figures(results: Mapping[str, Results]) -> list[Figure]:
    """Every observable against the size."""
    with draw.style():
        figure, axes = draw.canvas(4, 2, width=2.6, height=2.5)
        for axis, observable in zip(axes.ravel(), OBSERVABLES, strict=True):
            _panel(axis, observable, results)
        axes[0, 0].legend()
    caption = (
        "From $N = 10$ samples in $D = 2$ dimensions to $10^6$ in 100, one subspace of variance 1: exact at finite $N$ and $D$, "
        "simulation, and dashed the thermodynamic limit where there is one, for the signal to noise the order $1/N$ at a typical "
        "$x$ and for the memorized probability the second-order approximation. Noise variances $t$ (data units squared): "
        f"{', '.join(f'{setting.times[0]:g}' for setting in CASES.values())}. Lines join the sizes. "
        "Error bars: one standard error over data sets, most smaller than the markers."
    )
    return [Figure("sizes", caption, figure)]


def _panel(axis: Axes, observable: str, results: Mapping[str, Results]) -> None:
    known, sizes = OBSERVABLES[observable], [setting.samples for setting in CASES.values()]
    draw.theory(axis, sizes, _over_sizes(known.exact), "exact")
    if known.limit is not None:
        draw.control(axis, sizes, _over_sizes(known.limit), "limit")
    claim = _claim(observable)
    mean, sem, _ = claim.points(*(results[e.name] for e in claim.experiments))
    draw.measured(axis, sizes, mean, sem, "simulation", series=1)
    axis.set_xscale("log")
    if observable == "signal_to_noise":
        axis.set_yscale("log")
    labels = [f"$10^{round(np.log10(s.samples))}$\n{s.manifold.ambient_dimension}" for s in CASES.values()]
    axis.set_xticks(sizes, labels)
    axis.minorticks_off()
    axis.set(xlabel="samples $N$ (above), dimension $D$ (below)", ylabel=known.label)
