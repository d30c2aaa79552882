r"""The engine: every Gibbs average over the training set from one streaming pass.

The training set y^mu under noise variance t defines, at each query x, the weights

    w_mu = exp(-E_mu / T) / Z,      E_mu = |x - y^mu|^2 / 2t,      Z = sum_mu exp(-E_mu / T),

and everything empirical is an average over them: the posterior mean, the score (mean - x)/t, its Jacobian, the energy and
its variance (the heat capacity), the entropy, the participation ratio sum w^2. The pass keeps, per query, the sums

    max log weight,  sum e,  sum e^2,  sum e u,  sum e u^2,  mean of y,  central second moment of y,     u = log(e),

with e the weights in units of the largest. Two such states over disjoint samples merge into that of their union, so
blocks, files and machines combine by `+`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, checked, namespace

__all__ = ["GibbsMoments", "gibbs_moments"]

QUERY_BLOCK, SAMPLE_BLOCK = 256, 1024
DIFFERENCE_BLOCK = 2**22  # elements of a block of direct differences
NEGLIGIBLE = 700.0  # log weights this far below the largest are held there: their squares would overflow


@dataclass(frozen=True)
class GibbsMoments:
    """Gibbs averages at M queries, or at T times of each: B is the shape (M,) or (T, M).

    Attributes:
        queries: x, shape (M, D).
        t: noise variance, shape B.
        temperature: T.
        count: number of samples N summed over.
        shift: the largest log weight, shape B.
        weight: sum e, e = weight over largest weight, shape B.
        weight_squared: sum e^2, shape B.
        log_weight: sum e log e, shape B.
        log_weight_squared: sum e log^2 e, shape B.
        mean: the posterior mean of y, shape B + (D,).
        scatter: sum e (y - mean)^2, shape B + (D,), or the outer products, B + (D, D); None unless asked for.
        nearest: index of the sample of largest weight, shape B; in a merged state, in the concatenation.
    """

    queries: Array
    t: Array
    temperature: float
    count: int
    shift: Array
    weight: Array
    weight_squared: Array
    log_weight: Array
    log_weight_squared: Array
    mean: Array
    scatter: Array | None
    nearest: Array

    def __add__(self, other: GibbsMoments) -> GibbsMoments:
        """The moments over both sets of samples; associative, and commutative but for the numbering of `nearest`.

        Raises:
            ValueError: for moments at other points, times or temperatures, as far as shapes tell.
        """
        if self._kind != other._kind:
            raise ValueError(
                "only moments at the same queries, times and temperature, with the same covariance, add up; got (queries, t, "
                f"temperature, rank of the covariance) {self._kind} and {other._kind}"
            )
        xp = namespace(self.shift, other.shift)
        shift = xp.maximum(self.shift, other.shift)
        mine, theirs = self._rescaled(shift), other._rescaled(shift)
        weight = mine[0] + theirs[0]
        share = (theirs[0] / weight)[..., None]
        step = other.mean - self.mean
        _, weight_squared, log_weight, log_weight_squared = (a + b for a, b in zip(mine, theirs, strict=True))
        return GibbsMoments(
            self.queries,
            self.t,
            self.temperature,
            self.count + other.count,
            shift,
            weight,
            weight_squared,
            log_weight,
            log_weight_squared,
            (mine[0] / weight)[..., None] * self.mean + share * other.mean,  # the lighter may lie far away
            _merged_scatter(self, other, shift, share, step),
            xp.where(self.shift >= other.shift, self.nearest, other.nearest + self.count),
        )

    @property
    def _kind(self) -> tuple[object, ...]:
        """What two states must share to add up, as far as shapes tell."""
        rank = None if self.scatter is None else self.scatter.ndim
        return tuple(self.queries.shape), tuple(self.t.shape), self.temperature, rank

    def _rescaled(self, shift: Array) -> tuple[Array, Array, Array, Array]:
        """The four scalar sums in units of a larger largest weight."""
        xp = namespace(shift)
        gap = xp.maximum(self.shift - shift, xp.asarray(-NEGLIGIBLE, dtype=shift.dtype, device=shift.device))
        scale = xp.exp(gap)
        first = self.log_weight + gap * self.weight
        second = self.log_weight_squared + 2 * gap * self.log_weight + gap**2 * self.weight
        return scale * self.weight, scale**2 * self.weight_squared, scale * first, scale * second

    @property
    def log_partition(self) -> Array:
        """log Z = log sum_mu exp(-|x - y^mu|^2 / 2tT), shape B."""
        return self.shift + namespace(self.weight).log(self.weight)

    @property
    def score(self) -> Array:
        """(mean - x)/t, the score of the N samples under noise t (at T = 1), shape B + (D,)."""
        return (self.mean - self.queries) / self.t[..., None]

    @property
    def energy(self) -> Array:
        """<E>, E = |x - y|^2 / 2t, shape B."""
        return -self.temperature * (self.shift + self.log_weight / self.weight)

    @property
    def energy_variance(self) -> Array:
        """<E^2> - <E>^2, which is T^2 times the heat capacity, shape B."""
        average = self.log_weight / self.weight
        return self.temperature**2 * (self.log_weight_squared / self.weight - average**2)

    @property
    def entropy(self) -> Array:
        """-sum w log w, between 0 and log N, shape B."""
        return namespace(self.weight).log(self.weight) - self.log_weight / self.weight

    @property
    def participation(self) -> Array:
        """The participation ratio Y2 = sum w^2, between 1/N and 1, shape B."""
        return self.weight_squared / self.weight**2

    @property
    def largest_weight(self) -> Array:
        """max w, shape B."""
        return 1 / self.weight

    @property
    def covariance(self) -> Array:
        """Posterior covariance of y, diagonal B + (D,) or full B + (D, D); the Jacobian is -1/t + covariance/t^2.

        Raises:
            ValueError: unless it was asked for.
        """
        if self.scatter is None:
            raise ValueError("the covariance was not computed; ask for it with covariance='diagonal' or 'full'")
        return self.scatter / self.weight[(..., *(None,) * (self.scatter.ndim - self.weight.ndim))]


def gibbs_moments(
    queries: Array,
    data: Array,
    t: Array | float,
    *,
    temperature: float = 1.0,
    covariance: Literal["diagonal", "full"] | None = None,
    dtype: Any = None,
) -> GibbsMoments:
    """All Gibbs averages of the samples `data` at the points `queries`, in one pass and O((N + M) D) memory.

    Distances come from one matrix product where its rounding, relative to tT, stays below half the digits of
    the dtype, and from direct differences otherwise; sums are kept in float64 whatever the dtype.

    Args:
        queries: x, shape (M, D).
        data: y^mu, shape (N, D), the same library and device.
        t: noise variance, data units squared: a number, shape (M,), or (T, 1) and (T, M) for T times in one pass.
        temperature: T; 1 is the posterior.
        covariance: also the posterior covariance, `diagonal` or `full`.
        dtype: of the distances and weights, a dtype of the library; by default that of the arrays.

    Returns:
        GibbsMoments, arrays of the same library and device.

    Raises:
        ValueError: for shapes, values, libraries or devices that do not fit.
    """
    queries, data = checked(queries, "queries", "(M, D)"), checked(data, "data", "(N, D)")
    xp = namespace(queries, data)
    if queries.shape[1] != data.shape[1]:
        raise ValueError(f"queries and data must share the dimension D, got {queries.shape[1]} and {data.shape[1]}")
    if covariance not in (None, "diagonal", "full"):
        raise ValueError(f"covariance must be None, 'diagonal' or 'full', got {covariance!r}")
    if np.ndim(temperature) or not (0 < _numeric(temperature, "temperature") < np.inf):
        raise ValueError(f"temperature must be one positive and finite number, got {temperature!r}")
    temperature = float(temperature)
    dtype = dtype or xp.result_type(queries.dtype, data.dtype)
    if not xp.isdtype(xp.empty((0,), dtype=dtype).dtype, "real floating"):
        raise ValueError(f"dtype must be a real floating dtype of the library, got {dtype!r}")
    queries, data = xp.astype(queries, dtype), xp.astype(data, dtype)
    times = _times(t, queries, xp)
    _check_range(queries, data, times, temperature)
    # distances do not care about a common offset, but the matrix product does
    centre = xp.mean(xp.astype(data, xp.float64), axis=0)
    offset = xp.astype(centre, dtype)
    blocks = [
        _one_query_block(queries[rows, :], data, offset, times[..., rows], temperature, covariance)
        for rows in _slices(queries.shape[0], QUERY_BLOCK)
    ]
    return _stack(blocks, xp)


def _times(t: Array | float, queries: Array, xp: Any) -> Array:
    """t in float64, broadcast to shape (M,) or (T, M)."""
    if isinstance(t, (np.ndarray, np.generic)) or not hasattr(t, "device"):  # not yet an array of the library
        t = xp.asarray(_numeric(t, "t"), device=queries.device)
    given: Array = t
    namespace(queries, given)
    if xp.isdtype(given.dtype, "complex floating"):
        raise ValueError(f"t must be real, got dtype {given.dtype}")
    t = xp.astype(given, xp.float64)
    if t.ndim > 2 or 0 in t.shape or (t.ndim >= 1 and t.shape[-1] not in (1, queries.shape[0])):
        raise ValueError(
            f"t must be a number, or have shape (M,), (T, 1) or (T, M) with M = {queries.shape[0]}, got {tuple(t.shape)}"
        )
    wrong = ~(xp.isfinite(t) & (t > 0))
    if bool(xp.any(wrong)):
        raise ValueError(
            "t must be positive and finite, for it is the noise variance in data units squared; "
            f"got {float(t[wrong][0])}"
        )
    return xp.broadcast_to(t, (*t.shape[:-1], queries.shape[0]))


def _numeric(value: Any, what: str) -> NDArray[np.float64]:
    """Numbers on the host as float64, or a ValueError that names `what`."""
    try:
        numbers = np.asarray(value)
    except (TypeError, ValueError):  # ragged
        numbers = np.asarray(None)
    if numbers.dtype.kind not in "iuf":
        raise ValueError(f"{what} must be a real number or an array of them, got {value!r}")
    return numbers.astype(np.float64)


def _check_range(queries: Array, data: Array, times: Array, temperature: float) -> None:
    """Refuse what the dtype cannot square or divide by; NaN would come of it, silently on a GPU."""
    xp = namespace(queries, data)
    largest = float(xp.finfo(queries.dtype).max)
    low, high = float(xp.min(times)) * temperature, float(xp.max(times)) * temperature
    if low < 10 / largest or high > largest / 1e4:
        raise ValueError(
            f"t times the temperature must lie between {10 / largest:.2g} and {largest / 1e4:.2g} in "
            f"{queries.dtype}, got {low:.2g} to {high:.2g}; change the unit of the data"
        )
    reach = max(float(xp.max(xp.abs(queries))), float(xp.max(xp.abs(data))))
    highest = (min(largest, float(np.finfo(np.float64).max) * min(low, 1.0)) / queries.shape[1]) ** 0.5 / 4
    if reach > highest:
        raise ValueError(
            f"queries and data must stay below {highest:.2g}, so that {queries.dtype} holds squared distances "
            f"and energies, got {reach:.2g}; change their unit"
        )


def _slices(total: int, block: int) -> list[slice]:
    return [slice(start, min(start + block, total)) for start in range(0, total, block)]


def _one_query_block(
    x: Array, data: Array, offset: Array, t: Array, temperature: float, covariance: str | None
) -> GibbsMoments:
    xp = namespace(x)
    radius = xp.max(xp.sum(xp.astype(x - offset, xp.float64) ** 2, axis=-1))
    state: GibbsMoments | None = None
    pairs = math.prod(t.shape) * x.shape[1]  # elements of the differences to one sample, at all times
    block = max(1, DIFFERENCE_BLOCK // pairs) if covariance else SAMPLE_BLOCK
    for rows in _slices(data.shape[0], block):
        y = data[rows, :]
        if covariance:
            difference = y[None, :, :] - x[:, None, :]
            squares = xp.sum(difference**2, axis=-1)
        else:
            difference = None
            squares = _squared_distances(x, y, offset, radius, float(xp.min(t)) * temperature)
        moments = _one_block(x, y, difference, squares, t, temperature, covariance)
        state = moments if state is None else state + moments
    assert state is not None
    return state


def _squared_distances(x: Array, y: Array, offset: Array, radius: Array, scale: float) -> Array:
    """|x - y|^2, shape (M, n); `radius` bounds |x - offset|^2, and `scale` is the smallest tT they are divided by."""
    xp = namespace(x, y)
    y_centred = y - offset
    y_squares = xp.sum(y_centred**2, axis=-1)
    epsilon = float(xp.finfo(x.dtype).eps)
    largest = float(radius) + float(xp.max(y_squares))
    if epsilon * largest <= epsilon**0.5 * scale:
        centred = x - offset
        squares = xp.sum(centred**2, axis=-1)[:, None] + y_squares[None, :] - 2 * (centred @ y_centred.T)
        return xp.maximum(squares, xp.zeros((), dtype=squares.dtype, device=squares.device))
    # from the raw coordinates: an outlier far away takes the offset with it, and what is left is rounded to its size
    step = max(1, DIFFERENCE_BLOCK // (y.shape[0] * y.shape[1]))
    parts = [xp.sum((x[rows, None, :] - y[None, :, :]) ** 2, axis=-1) for rows in _slices(x.shape[0], step)]
    return xp.concat(parts, axis=0)


def _one_block(
    x: Array,
    y: Array,
    difference: Array | None,
    squares: Array,
    t: Array,
    temperature: float,
    covariance: str | None,
) -> GibbsMoments:
    """The moments over one block of samples."""
    xp = namespace(x)
    best = xp.argmin(squares, axis=-1)
    smallest = xp.min(squares, axis=-1)
    # log weights relative to the largest, in the working dtype; what is summed over blocks is float64
    scale = xp.astype(2 * t * temperature, squares.dtype)[..., None]
    u = -xp.minimum(squares - smallest[:, None], NEGLIGIBLE * scale) / scale
    e = xp.exp(u)
    weight = xp.sum(e, axis=-1, dtype=xp.float64)
    eu = e * u
    scatter = None
    if difference is None:
        total = e @ y if e.ndim == 2 else xp.reshape(xp.reshape(e, (-1, e.shape[-1])) @ y, (*e.shape[:-1], y.shape[-1]))
        mean = xp.astype(total, xp.float64) / weight[..., None]
    else:
        away = xp.sum(e[..., None] * difference, axis=-2, dtype=xp.float64) / weight[..., None]
        scatter = _scatter(e, difference, away, covariance)
        mean = xp.astype(x, xp.float64) + away
    return GibbsMoments(
        xp.astype(x, xp.float64),
        t,
        temperature,
        y.shape[0],
        -xp.astype(smallest, xp.float64) / (2 * t * temperature),
        weight,
        xp.astype(xp.vecdot(e, e), xp.float64),
        xp.sum(eu, axis=-1, dtype=xp.float64),
        xp.astype(xp.vecdot(eu, u), xp.float64),
        mean,
        scatter,
        xp.broadcast_to(best, t.shape),
    )


def _scatter(e: Array, difference: Array, away: Array, covariance: str | None) -> Array:
    """Sum e (y - mean)(y - mean)^T, or its diagonal, from y - x and mean - x: no cancellation at small t."""
    xp = namespace(e)
    rest = xp.astype(difference, xp.float64) - away[..., None, :]
    weighted = xp.astype(e, xp.float64)[..., None] * rest
    if covariance == "diagonal":
        return xp.sum(weighted * rest, axis=-2)
    return xp.matrix_transpose(weighted) @ rest


def _merged_scatter(a: GibbsMoments, b: GibbsMoments, shift: Array, share: Array, step: Array) -> Array | None:
    if a.scatter is None or b.scatter is None:
        return None
    xp = namespace(shift)
    extra = (None,) * (a.scatter.ndim - shift.ndim)
    left, right = xp.exp(a.shift - shift), xp.exp(b.shift - shift)
    between = step**2 if len(extra) == 1 else step[..., :, None] * step[..., None, :]
    pull = (left * a.weight)[(..., *extra)] * (share if len(extra) == 1 else share[..., None])
    return left[(..., *extra)] * a.scatter + right[(..., *extra)] * b.scatter + pull * between


def _stack(blocks: list[GibbsMoments], xp: Any) -> GibbsMoments:
    """Put blocks of queries side by side."""
    if len(blocks) == 1:
        return blocks[0]
    queries_axis = blocks[0].t.ndim - 1
    joined: dict[str, Any] = {}
    for field in fields(GibbsMoments):
        parts = [getattr(b, field.name) for b in blocks]
        if field.name in ("temperature", "count") or parts[0] is None:
            joined[field.name] = parts[0]
        else:
            joined[field.name] = xp.concat(parts, axis=0 if field.name == "queries" else queries_axis)
    return GibbsMoments(**joined)
