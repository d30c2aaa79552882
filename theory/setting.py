"""What the model is: the vocabulary that theory and numerics share.

Data are N samples x^mu in R^D drawn from a **linear manifold**, x = F z with z ~ N(0, I). Its covariance
F F^T has K **subspaces**, variance lambda_k with dimension m_k, and D - sum m_k normal directions of variance 0.

Noise is variance exploding in canonical form, x_t = x_0 + sqrt(t) xi: **t is the noise variance in units of the
data**. A linear schedule x_tau = alpha x_0 + sigma xi is the same process looked at through a moving lens,

    t = sigma^2 / alpha^2,     s_schedule(x, tau) = s(x / alpha, t) / alpha,

so every prediction is written once, in t, and can be asked for in any schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.network import Network
from theory.real import brief, number, real_array, whole

__all__ = [
    "ENSEMBLES",
    "FAIR",
    "LARGEST",
    "QUERIES",
    "REMEDIES",
    "SCHEDULES",
    "SMALLEST",
    "LinearManifold",
    "Schedule",
    "Setting",
    "Subspace",
    "equal_classes",
    "group_spectrum",
    "without_remedies",
]

Array = NDArray[np.float64]
Ensemble = Literal["gaussian", "sphere", "mixture"]
Query = Literal["fresh", "trajectory"]
SMALLEST, LARGEST = 1e-100, 1e100  # variances and noise variances: their squares are float64 numbers
MOST_DIRECTIONS = 10**8
EPS = float(np.finfo(np.float64).eps)
NORMAL = 1e-12  # of the largest variance: what single precision leaves along a direction in which data do not vary
ROUNDINGS = 8  # how many of D eps a matrix that was computed may be off by
ENSEMBLES: tuple[Ensemble, ...] = ("gaussian", "sphere", "mixture")
QUERIES: tuple[Query, ...] = ("fresh", "trajectory")
FAIR = 0.5  # the share of a class, of two of equal weight
REMEDIES = {"temperature": 1.0, "bandwidth": 0.0}
"""What is said to keep a score from memorizing, and its value where it is not applied."""


def _positive(value: Any, what: str) -> float:
    """`value` as a finite positive float, or a ValueError that names `what`."""
    found = number(value)
    if not (SMALLEST <= found <= LARGEST):
        raise ValueError(
            f"{what} must be positive and finite, between {SMALLEST:g} and {LARGEST:g}, got {brief(value)}"
        )
    return found


def _real_array(value: Any, what: str) -> Array:
    """`value` as a float64 array, or a ValueError that names `what`."""
    return real_array(value, what).astype(np.float64)


def _precision(value: Any) -> float:
    """The spacing of numbers near 1 in the dtype that `value` came in, that of float64 at least."""
    dtype = np.asarray(value).dtype
    return max(EPS, float(np.finfo(dtype).eps)) if dtype.kind == "f" else EPS


@dataclass(frozen=True)
class Subspace:
    """`dimension` orthonormal directions along which the data have variance `variance` (data units squared)."""

    variance: float
    dimension: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "variance", _positive(self.variance, "the variance of a subspace"))
        object.__setattr__(self, "dimension", whole(self.dimension, "the dimension of a subspace", 1, MOST_DIRECTIONS))


def _subspace(part: Any) -> Subspace:
    """A Subspace, or the (variance, dimension) pair of one."""
    if isinstance(part, Subspace):
        return part
    try:
        return Subspace(*part)
    except TypeError:
        raise ValueError(f"a subspace must be a pair (variance, dimension), got {part!r}") from None


@dataclass(frozen=True)
class LinearManifold:
    """K subspaces in R^D; the remaining D - sum m_k directions are normal to the manifold.

    Coordinates are those of the principal axes, the subspaces one after the other and the normal directions last.
    """

    subspaces: tuple[Subspace, ...]
    ambient_dimension: int = 0

    def __post_init__(self) -> None:
        parts = tuple(_subspace(part) for part in self.subspaces)
        if not parts:
            raise ValueError("a linear manifold needs at least one subspace, got none; write for example 1.0x20")
        intrinsic = sum(s.dimension for s in parts)
        ambient = whole(self.ambient_dimension or intrinsic, "the ambient dimension", 1, MOST_DIRECTIONS)
        if ambient < intrinsic:
            raise ValueError(
                f"the ambient dimension must be at least the {intrinsic} directions of the subspaces, got {ambient}"
            )
        object.__setattr__(self, "subspaces", parts)
        object.__setattr__(self, "ambient_dimension", ambient)

    @classmethod
    def parse(cls, text: str, ambient_dimension: int | None = None) -> Self:
        """Read "1.0x20,0.1x4": variance x dimension, comma separated; the dimension may be left out (1).

        Raises:
            ValueError: where a part is not VARIANCExDIMENSION.
        """
        parts = []
        for part in text.split(","):
            variance, times, dimension = part.strip().partition("x")
            try:
                parts.append(Subspace(float(variance), int(dimension) if times else 1))
            except ValueError as error:
                raise ValueError(
                    f"subspaces are written VARIANCExDIMENSION, comma separated, as in 1.0x20,0.1x4; "
                    f"got {part.strip()!r} ({error})"
                ) from None
        return cls(
            tuple(parts), 0 if ambient_dimension is None else whole(ambient_dimension, "the ambient dimension", 1)
        )

    @classmethod
    def from_spectrum(cls, eigenvalues: ArrayLike, *, resolution: float = 1.0 + 1e-9) -> Self:
        """Group the D eigenvalues of a covariance into subspaces: see `group_spectrum`."""
        return cls(group_spectrum(eigenvalues, resolution), np.size(eigenvalues))

    @classmethod
    def from_covariance(cls, covariance: ArrayLike, *, resolution: float = 1.0 + 1e-9) -> Self:
        """The manifold of a covariance matrix, shape (D, D).

        Raises:
            ValueError: unless the matrix is finite, square, symmetric and positive semi-definite.
        """
        matrix = _real_array(covariance, "a covariance")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise ValueError(f"a covariance must be a square matrix (D, D), got shape {matrix.shape}")
        if not np.isfinite(matrix).all():
            raise ValueError("a covariance must be finite, got NaN or infinite entries")
        rounding = matrix.shape[0] * _precision(covariance)
        scale = float(np.abs(matrix).max()) or 1.0
        matrix = matrix / scale  # so that nothing overflows
        off = np.abs(matrix - matrix.T).max()
        if off > ROUNDINGS * rounding:
            raise ValueError(
                f"a covariance must be symmetric, got entries that differ by {off:.2g} of the largest; symmetrize it with "
                "(C + C.T) / 2 if rounding broke it"
            )
        eigenvalues = np.linalg.eigvalsh(matrix)
        if eigenvalues[0] < -ROUNDINGS * rounding * np.abs(eigenvalues).max():
            raise ValueError(
                f"a covariance must be positive semi-definite, got the eigenvalue {eigenvalues[0] * scale:.3g}; give all its "
                "digits, or float32 if it has no more"
            )
        return cls(_grouped(np.maximum(eigenvalues, 0) * scale, resolution, rounding), matrix.shape[0])

    @classmethod
    def from_data(cls, data: ArrayLike, *, resolution: float = 2.0) -> Self:
        """The effective manifold of a data set, shape (N, D): the spectrum of its covariance about its mean.

        Sample eigenvalues scatter even where the population's are equal, so those within a factor `resolution`
        of the largest of their group become one subspace.

        Raises:
            ValueError: unless the data are a finite two-dimensional array that is not constant.
        """
        samples = _real_array(data, "data")
        if samples.ndim != 2:
            raise ValueError(f"data must be a two-dimensional array (samples, dimensions), got shape {samples.shape}")
        if samples.shape[0] < 2 or samples.shape[1] < 1:
            raise ValueError(f"data must hold at least 2 samples of 1 dimension, got shape {samples.shape}")
        if not np.isfinite(samples).all():
            raise ValueError("data must be finite, got NaN or infinite entries; drop or impute them first")
        # about the first sample in units of a power of two: nothing overflows, and a constant is exactly zero
        unit = math.frexp(float(np.abs(samples).max()))[1]
        scaled = np.ldexp(samples, -unit)
        scaled = scaled - scaled[0]
        # the thin singular values are the spectrum without ever forming the D x D matrix
        singular = np.linalg.svd(scaled - scaled.mean(axis=0), compute_uv=False)
        spectrum = np.zeros(samples.shape[1])
        spectrum[: singular.size] = singular**2 / samples.shape[0]
        if not spectrum[0] > samples.shape[1] * (ROUNDINGS * EPS) ** 2:  # what rounding leaves of a constant
            if scaled.any():
                raise ValueError(
                    f"data must vary by more than the rounding of numbers up to {np.abs(samples).max():.3g}; subtract what they "
                    "have in common from all digits there are"
                )
            raise ValueError("data must vary, got a constant data set: every sample is the same point")
        decades = math.log10(spectrum[0]) + 2 * unit * math.log10(2)
        if not math.log10(SMALLEST) <= decades <= math.log10(LARGEST):
            raise ValueError(
                f"the variance of data must lie between {SMALLEST:g} and {LARGEST:g}, got about 1e{decades:+.0f}; change the "
                "unit of the data"
            )
        return cls.from_spectrum(np.ldexp(spectrum, 2 * unit), resolution=resolution)

    @property
    def variances(self) -> Array:
        """lambda_k, shape (K,)."""
        return np.array([s.variance for s in self.subspaces])

    @property
    def dimensions(self) -> NDArray[np.int64]:
        """m_k, shape (K,)."""
        return np.array([s.dimension for s in self.subspaces], dtype=np.int64)

    @property
    def intrinsic_dimension(self) -> int:
        """M = sum m_k."""
        return int(self.dimensions.sum())

    @property
    def spectrum(self) -> Array:
        """The variance of every direction, normal ones included, shape (D,)."""
        normal = np.zeros(self.ambient_dimension - self.intrinsic_dimension)
        return np.concatenate([np.repeat(self.variances, self.dimensions), normal])

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each subspace sits among the D coordinates."""
        ends = np.cumsum(self.dimensions)
        return tuple(slice(int(e - m), int(e)) for e, m in zip(ends, self.dimensions, strict=True))

    def scaled(self, factor: float) -> LinearManifold:
        """Every variance times a factor, the directions as they are.

        Raises:
            ValueError: for variances outside their domain.
        """
        parts = tuple(Subspace(s.variance * factor, s.dimension) for s in self.subspaces)
        return LinearManifold(parts, self.ambient_dimension)

    def __str__(self) -> str:
        parts = ",".join(f"{s.variance:g}x{s.dimension}" for s in self.subspaces)
        normal = self.ambient_dimension - self.intrinsic_dimension
        return parts + (f" in R^{self.ambient_dimension}" if normal else "")


def group_spectrum(eigenvalues: ArrayLike, resolution: float) -> tuple[Subspace, ...]:
    """Group eigenvalues, shape (D,), into subspaces, largest variance first.

    A group takes every eigenvalue within a factor `resolution` of its largest, and the mean of its members as its
    variance, so the total variance is kept. Eigenvalues below 1e-12 of the largest, or below D times the precision of their
    dtype, are normal directions and join none; negative ones so small are rounding.

    Raises:
        ValueError: where an eigenvalue is negative or not finite, or none is positive.
    """
    values, precision = _real_array(eigenvalues, "a spectrum"), _precision(eigenvalues)
    if values.ndim != 1 or not np.isfinite(values).all() or not (values > 0).any():
        raise ValueError("a spectrum must be one-dimensional, finite, non-negative and not all zero")
    rounding = values.size * precision
    if values.min() < -ROUNDINGS * rounding * values.max():
        raise ValueError(f"a spectrum must be non-negative, got the eigenvalue {values.min():.3g}")
    return _grouped(values, resolution, rounding if precision > EPS else 0.0)  # float64 spectra may be exact


def _grouped(values: Array, resolution: float, rounding: float) -> tuple[Subspace, ...]:
    """Eigenvalues that are off by `rounding` of the largest, as subspaces."""
    if not number(resolution) >= 1:
        raise ValueError(f"the resolution must be a factor of at least 1, got {brief(resolution)}")
    if not (values > 0).any():
        raise ValueError("a spectrum must be one-dimensional, finite, non-negative and not all zero")
    values = np.sort(values)[::-1]
    largest = _positive(values[0], "the largest variance of a spectrum")
    values = values[values > max(NORMAL, rounding) * largest]
    groups = []
    while values.size:
        members = values >= values[0] / resolution - rounding * largest
        groups.append(Subspace(float(values[members].mean()), int(members.sum())))
        values = values[~members]
    return tuple(groups)


@dataclass(frozen=True)
class Schedule:
    """A linear noise schedule x_tau = alpha(tau) x_0 + sigma(tau) xi.

    Attributes:
        name: how the command line calls it.
        statement: alpha and sigma in a line.
        noise_variance: tau -> t = sigma^2 / alpha^2, increasing.
        time: its inverse, t -> tau.
        alpha: tau -> alpha(tau).
        last_time: tau must lie below it.
    """

    name: str
    statement: str
    noise_variance: Callable[[Array], Array]
    time: Callable[[Array], Array]
    alpha: Callable[[Array], Array]
    last_time: float = math.inf

    def __post_init__(self) -> None:
        for name in ("noise_variance", "time", "alpha"):
            object.__setattr__(self, name, _in_float64(getattr(self, name)))

    def __reduce__(self) -> tuple[Callable[[str], Schedule], tuple[str]]:
        return _schedule, (self.name,)  # its functions do not pickle, its name does

    def __repr__(self) -> str:
        return f"SCHEDULES[{self.name!r}]"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # of IPython and hypothesis, which would show its functions


def _in_float64(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Of small integers NumPy takes logarithms in half precision, and squares that wrap round.

    The name is kept: stored results know a schedule by what its functions are called.
    """
    return wraps(f)(lambda x: f(_real_array(x, "times")))


def _variance_preserving(
    name: str, statement: str, B: Callable[..., Any], tau: Callable[..., Any], last: float
) -> Schedule:
    """Alpha = exp(-B/2), sigma^2 = 1 - alpha^2, hence t = e^B - 1."""
    return Schedule(
        name,
        statement,
        lambda s: np.expm1(B(s)),
        lambda t: tau(np.log1p(t)),
        lambda s: np.exp(-B(s) / 2),
        last,
    )


def _schedules() -> dict[str, Schedule]:
    first, last = 0.1, 20.0  # beta(0), beta(1) of the linear-beta schedule, arXiv:2011.13456
    slope = last - first
    u0 = 0.008 / 1.008 * math.pi / 2  # offset of the cosine schedule, arXiv:2102.09672
    per_time = math.pi / 2 / 1.008

    def cosine_angle(s: Any) -> Any:
        return u0 + per_time * s

    known = [
        Schedule("ve", "alpha = 1, sigma^2 = tau", lambda s: s * 1.0, lambda t: t * 1.0, np.ones_like),
        *(
            _variance_preserving(
                name, "alpha = exp(-tau), sigma^2 = 1 - exp(-2 tau)", lambda s: 2 * s, lambda b: b / 2, math.inf
            )
            for name in ("ou", "vp")
        ),
        _variance_preserving(
            "ddpm",
            "beta linear from 0.1 to 20 on [0, 1), alpha = exp(-int beta / 2)",
            lambda s: s * (first + slope * s / 2),
            # the root of slope tau^2 / 2 + first tau = b, free of cancellation at small b
            lambda b: 2 * b / (first + np.sqrt(first**2 + 2 * slope * b)),
            1.0,
        ),
        Schedule(
            "cosine",
            "alpha^2 = cos^2(u(tau)) / cos^2(u(0)), u = pi/2 (tau + 0.008) / 1.008, on [0, 1)",
            lambda s: np.sin(per_time * s) * np.sin(cosine_angle(s) + u0) / np.cos(cosine_angle(s)) ** 2,
            # the difference of the two angles by its tangent, free of cancellation at small t
            lambda t: (
                np.arctan2(
                    math.cos(u0) * t / (np.sqrt(math.sin(u0) ** 2 + t) + math.sin(u0)),
                    math.cos(u0) ** 2 + math.sin(u0) * np.sqrt(math.sin(u0) ** 2 + t),
                )
                / per_time
            ),
            lambda s: np.cos(cosine_angle(s)) / math.cos(u0),
            1.0,
        ),
        Schedule("edm", "alpha = 1, sigma = tau", lambda s: s**2, np.sqrt, np.ones_like),
        Schedule(
            "flow",
            "rectified flow: alpha = 1 - tau, sigma = tau, on [0, 1)",
            lambda s: (s / (1 - s)) ** 2,
            lambda t: np.sqrt(t) / (1 + np.sqrt(t)),
            lambda s: 1 - s,
            1.0,
        ),
    ]
    return {schedule.name: schedule for schedule in known}


SCHEDULES = _schedules()


def _schedule(name: Any) -> Schedule:
    if isinstance(name, Schedule):
        return name
    if not isinstance(name, str) or name not in SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {name!r}")
    return SCHEDULES[name]


def _default_times() -> Array:
    return np.geomspace(0.01, 1.0, 9)


def without_remedies(setting: Setting, what: str, follows: Iterable[str] = (), *, network: bool = False) -> None:
    """Refuse a temperature, bandwidth or share that `what` does not follow, a network where it is not of one, none where it is.

    Raises:
        ValueError: where it is not that of the empirical score itself.
    """
    if network and setting.network is None:
        raise ValueError(
            f"{what} is of a trained network; give the setting one, as in setting.at(network=Network(features=128))"
        )
    if setting.network is not None and not network:
        raise ValueError(f"{what} is of the empirical score itself, not of a trained network; got {setting.network}")
    for name, value in setting.remedies.items():
        if name not in follows:
            raise ValueError(
                f"{what} is of the empirical score itself, with {name} {REMEDIES[name]:g}, and does not follow it; got {value:g}"
            )
    if "share" not in follows:
        equal_classes(setting, what)


def equal_classes(setting: Setting, what: str) -> None:
    """Refuse a mixture whose classes have different weights, which `what` does not follow.

    Raises:
        ValueError: where the share of a class is not 1/2.
    """
    if setting.share != FAIR:
        raise ValueError(
            f"{what} is of two classes of equal weight, and does not follow a share; got {setting.share:g}"
        )


@dataclass(frozen=True, eq=False)
class Setting:
    """A manifold, a number of samples, and the times to look at; equal to a setting of the same values, and hashable.

    Attributes:
        manifold: the data distribution.
        samples: N, at least 2.
        times: the schedule's own time tau, shape (T,); the noise variance itself for the default schedule `ve`.
        schedule: one of `SCHEDULES`.
        ensemble: `gaussian`; `sphere`, where each sample is rescaled to norm sqrt(tr Sigma); or `mixture`, of two Gaussians.
        query: what x is: `fresh`, a point of p_t that no sample knows, or `trajectory`, a noised training sample.
        point: x itself in the schedule's units, along the principal axes, D coordinates or those of the manifold alone;
            None for the average over x.
        temperature: T, that the weights of the empirical score are taken at; 1 for the score itself.
        bandwidth: h, the variance of the Gaussian kernel that smooths the score, data units squared; 0 for the score itself.
        separation: of the ensemble `mixture`, the distance of its two centres, data units, which lie at both sides of the origin
            along the first direction; 0 for the others.
        share: of the ensemble `mixture`, the weight of the class at the upper centre; 1/2 for classes of equal weight.
        network: that is trained on the samples; None for the empirical score itself.

    Raises:
        ValueError: for a count, time, schedule, ensemble, query, point, temperature, bandwidth, separation, share or network
            outside its domain.
    """

    manifold: LinearManifold
    samples: int = 1000
    times: Array = field(default_factory=_default_times)
    schedule: Schedule = SCHEDULES["ve"]
    ensemble: Ensemble = "gaussian"
    query: Query = "fresh"
    point: tuple[float, ...] | None = None
    temperature: float = 1.0
    bandwidth: float = 0.0
    separation: float = 0.0
    share: float = FAIR
    network: Network | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.manifold, LinearManifold):
            raise ValueError(
                f"manifold must be a LinearManifold, got {type(self.manifold).__name__}; build one with "
                "LinearManifold.parse, .from_covariance or .from_data"
            )
        object.__setattr__(self, "schedule", _schedule(self.schedule))
        if self.ensemble not in ENSEMBLES:
            raise ValueError(f"ensemble must be one of {', '.join(ENSEMBLES)}, got {self.ensemble!r}")
        if self.query not in QUERIES:
            raise ValueError(f"query must be one of {', '.join(QUERIES)}, got {self.query!r}")
        object.__setattr__(self, "samples", whole(self.samples, "the number of samples", 2))
        object.__setattr__(self, "times", self._checked_times())
        object.__setattr__(self, "point", self._checked_point())
        object.__setattr__(self, "temperature", _positive(self.temperature, "the temperature"))
        for name in ("bandwidth", "separation"):
            value = getattr(self, name)
            none = isinstance(value, int | float) and value == 0
            object.__setattr__(self, name, 0.0 if none else _positive(value, f"the {name}"))
        if not isinstance(self.network, Network | None):
            raise ValueError(f"network must be a Network, as in Network(features=128), or None; got {self.network!r}")
        if (self.ensemble == "mixture") != (self.separation > 0):
            raise ValueError(
                "the ensemble mixture, and no other, takes a separation, the distance of its two centres; got "
                f"{self.separation:g} for the ensemble {self.ensemble}"
            )
        object.__setattr__(self, "share", self._checked_share())

    @property
    def _values(self) -> tuple[Any, ...]:
        """What makes two settings one."""
        values = (getattr(self, one.name) for one in fields(self) if one.name != "times")
        return (tuple(self.times.tolist()), *values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Setting) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values)

    def _checked_point(self) -> tuple[float, ...] | None:
        if self.point is None:
            return None
        point = np.atleast_1d(_real_array(self.point, "a point"))
        sizes = self.manifold.intrinsic_dimension, self.manifold.ambient_dimension
        if point.ndim != 1 or point.size not in sizes or not np.isfinite(point).all():
            raise ValueError(
                f"a point must have finite coordinates, {' or '.join(map(str, dict.fromkeys(sizes)))} of them, along the "
                f"principal axes; got shape {point.shape}"
            )
        if np.abs(point).max() > LARGEST:
            raise ValueError(
                f"a point must have coordinates up to {LARGEST:g}, got {np.abs(point).max():g}; change the unit"
            )
        return tuple(point.tolist())

    def _checked_share(self) -> float:
        share = _positive(self.share, "the share of a class")
        if not share < 1:
            raise ValueError(f"the share of a class must be between 0 and 1, both excluded, got {self.share!r}")
        if share != FAIR and self.ensemble != "mixture":
            raise ValueError(f"the ensemble mixture, and no other, takes a share; got {share:g} for {self.ensemble}")
        return share

    def _checked_times(self) -> Array:
        try:
            given = np.ma.atleast_1d(np.ma.asanyarray(self.times))
            times = np.array([number(time) for time in given.ravel().tolist()]).reshape(given.shape)
        except (TypeError, ValueError):  # rows of different lengths
            raise ValueError(f"times must be numbers, got {brief(self.times)}") from None
        if given.dtype.kind in "mM" or (
            np.isnan(times).any() and (given.dtype.kind not in "fiu" or np.ma.is_masked(given))
        ):
            raise ValueError(f"times must be numbers, got {brief(self.times)}")
        if times.ndim != 1 or not times.size:
            raise ValueError(f"times must be a non-empty list of numbers, got shape {times.shape}")
        wrong = times[~(np.isfinite(times) & (times > 0) & (times < self.schedule.last_time))]
        if wrong.size:
            raise ValueError(
                f"times of the schedule {self.schedule.name} must be finite and between 0 and "
                f"{self.schedule.last_time:g}, both excluded, got {wrong[0]:g}"
            )
        with np.errstate(all="ignore"):
            t = self.schedule.noise_variance(times)
        if not ((t >= SMALLEST) & (t <= LARGEST)).all():
            raise ValueError(
                f"times must make noise variances between {SMALLEST:g} and {LARGEST:g}, got {times[0]:g} to {times[-1]:g} of "
                f"the schedule {self.schedule.name}"
            )
        times.setflags(write=False)
        return times

    @classmethod
    def of(cls, source: str | LinearManifold | Iterable[Any], **others: Any) -> Self:
        """A setting from "1.0x20,0.1x4", a manifold, or a sequence of (variance, dimension) pairs."""
        if isinstance(source, LinearManifold):
            return cls(source, **others)
        if isinstance(source, str):
            return cls(LinearManifold.parse(source), **others)
        try:
            parts = tuple(source)
        except TypeError:
            raise ValueError(
                f"a setting is made of 1.0x20,0.1x4, a manifold, or (variance, dimension) pairs; got {source!r}"
            ) from None
        return cls(LinearManifold(parts), **others)

    @property
    def t(self) -> Array:
        """The noise variance at each time, shape (T,), data units squared."""
        return self.schedule.noise_variance(self.times)

    @property
    def alpha(self) -> Array:
        """The contraction alpha at each time, shape (T,)."""
        return self.schedule.alpha(self.times)

    @property
    def log_samples(self) -> float:
        """log N, of an N of any size."""
        return math.log(self.samples)

    @property
    def offsets(self) -> Array:
        """|x_k|^2 at each time in data units squared, shape (T, K): of the point, or where there is none its mean over x."""
        if self.point is None:
            return np.asarray(self.manifold.dimensions * (self.manifold.variances + self.t[:, None]))
        squares = np.array([sum(x**2 for x in self.point[part]) for part in self.manifold.slices])
        return np.asarray(squares / self.alpha[:, None] ** 2)

    @property
    def squares(self) -> Array:
        """x^2 of one direction of each subspace, shape (T, K): their mean, of offsets."""
        return self.offsets / self.manifold.dimensions

    @property
    def remedies(self) -> dict[str, float]:
        """Temperature and bandwidth, where they are not those of the empirical score itself."""
        return {name: getattr(self, name) for name, none in REMEDIES.items() if getattr(self, name) != none}

    @property
    def extras(self) -> dict[str, float]:
        """What there is besides by name: the remedies, the separation of a mixture, and the share of a class that is not 1/2."""
        of_classes = {"separation": self.separation} if self.separation else {}
        return self.remedies | of_classes | ({"share": self.share} if self.share != FAIR else {})

    @property
    def plain(self) -> Self:
        """The same setting without remedies."""
        return self.at(**REMEDIES)

    def trained(self, **changes: Any) -> Self:
        """The same setting with a network, the default one where it has none, some of its attributes changed."""
        return self.at(network=replace(self.network or Network(), **changes))

    def at(self, **changes: Any) -> Self:
        """The same setting with some attributes changed."""
        return replace(self, **changes)
