r"""The engine: every Gibbs average over the training set from one streaming pass.

The training set y^mu under noise variance t defines, at each query x, the weights

    w_mu = exp(-E_mu / T) / Z,      E_mu = |x - y^mu|^2 / 2t,      Z = sum_mu exp(-E_mu / T),

and everything empirical is an average over them: the posterior mean, the score (mean - x)/t, its Jacobian, the energy
and its variance (the heat capacity), the entropy, the participation ratio sum w^2.

Nothing of size M x N is ever held. A block of queries goes the way that is fastest for what it is like:

    numerics.engine.tiling       few dimensions: direct differences, tiles of samples too far away are skipped
    numerics.engine.screening    concentrated weights: a float32 product finds the candidates, float64 weighs them
    numerics.engine.products     everything else: two matrix products a block, or direct differences where they lose digits
    numerics.engine.dense        the same by the products of the array's own library, where nothing is compiled for it

and whichever it was, the answer carries a bound on what rounding and neglect did to the weights. Of many small data sets
at once `posterior_means` has the mean and the density, for a tenth of what as many passes cost.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from numerics.arrays import Array, checked, finite_extent, lift, namespace, of_its_library, on_gpu, scaled, slices
from numerics.engine.layout import Measured
from numerics.engine.question import Question
from numerics.engine.sets import means
from numerics.engine.ways import Samples
from numerics.moments import GibbsMoments
from numerics.threads import parallel, workers
from theory.real import brief, plain_array

__all__ = ["GibbsMoments", "gibbs_moments", "posterior_means"]

QUERY_BLOCK, SAMPLE_BLOCK, SAMPLE_ENTRIES = 512, 1024, 2**20
GPU_BLOCKS = 4096, 16384
COLDEST, HOTTEST = 1e-100, 1e100  # temperatures: their squares, and those of energies over them, are float64 numbers
WORTH_THREADS = 1e7  # pairs times dimensions


def gibbs_moments(
    queries: Array,
    data: Array,
    t: Array | float,
    *,
    temperature: float = 1.0,
    covariance: Literal["diagonal", "full"] | None = None,
    basis: Array | None = None,
    dtype: Any = None,
    tolerance: float | None = None,
) -> GibbsMoments:
    """All Gibbs averages of the samples `data` at the points `queries`, in one pass and O((N + M) D) memory.

    Whatever way the distances are had, `error` of the answer bounds what rounding and neglect did to the weights.

    Args:
        queries: x, shape (M, D).
        data: y^mu, shape (N, D), the same library and device.
        t: noise variance, data units squared: a number, shape (M,), or (T, 1) and (T, M) for T times in one pass.
        temperature: T; 1 is the posterior.
        covariance: also the posterior covariance, `diagonal` or `full`.
        basis: orthonormal columns, shape (D, k): the covariance is taken along them, its diagonal (k,) or all of it (k, k).
        dtype: of distances and weights, float64 or float32 of the library; by default that of the arrays, float32 for halves.
        tolerance: the share of the weight that may be neglected; by default the rounding of the dtype.

    Returns:
        GibbsMoments, arrays of the same library and device.

    Raises:
        ValueError: for shapes, values, libraries or devices that do not fit.
    """
    queries = checked(queries, "queries", "(M, D)", finite=False)
    data = checked(data, "data", "(N, D)", finite=False)
    xp = namespace(queries, data)
    if queries.shape[1] != data.shape[1]:
        raise ValueError(f"queries and data must share the dimension D, got {queries.shape[1]} and {data.shape[1]}")
    if covariance not in (None, "diagonal", "full"):
        raise ValueError(f"covariance must be None, 'diagonal' or 'full', got {covariance!r}")
    if np.ndim(temperature) or not (0 < _numeric(temperature, "temperature") < np.inf):
        raise ValueError(f"temperature must be one positive and finite number, got {brief(temperature)}")
    temperature = float(temperature)
    dtype = _working_dtype(dtype, queries, data)
    question = Question(temperature, covariance, _basis(basis, covariance, queries), _tolerance(tolerance, dtype, xp))
    queries, data = xp.astype(queries, dtype, copy=False), xp.astype(data, dtype, copy=False)
    times = _times(t, queries, xp)
    threads = _threads(queries, data)
    measured = Measured.of(data, _sample_block(data), threads)
    size = _checked_range(queries, measured.extent, times, temperature)
    rows = xp.reshape(times, (-1, queries.shape[0]))
    exponent = _lift(size, times, temperature, dtype, xp)
    if exponent:
        found = _lifted(exponent, queries, data, rows, question, threads)
    else:
        found = _moments(queries, measured, size, rows, question, threads)
    return found if times.ndim == 2 else found.each(lambda a: a[0, ...])


def posterior_means(queries: Array, data: Array, t: Array | float) -> tuple[Array, Array]:
    """The posterior mean and the log density of each of B small data sets, at points of its own.

    What `gibbs_moments` finds of one after the other, without its bound. Where nothing is compiled, log weights are rounded by
    the precision of (|x|^2 + |y|^2)/2t.

    Args:
        queries: x, shape (B, M, D).
        data: N samples of each data set, shape (B, N, D), the same library and device.
        t: noise variance, data units squared, a number or shape (B, M).

    Returns:
        means, shape (B, M, D), and log p^_t in inverse data units to the power D, (B, M).

    Raises:
        ValueError: for shapes, values, libraries or devices that do not fit.
    """
    queries, data = (_tables(*each) for each in ((queries, "queries", "(B, M, D)"), (data, "data", "(B, N, D)")))
    xp = namespace(queries, data)
    if queries.shape[::2] != data.shape[::2]:
        raise ValueError(
            f"queries and data must share B and D, got shapes {tuple(queries.shape)} and {tuple(data.shape)}"
        )
    given: Array = t if hasattr(t, "shape") else _numeric(t, "t")
    if tuple(given.shape) not in ((), tuple(queries.shape[:2])):
        raise ValueError(
            f"t must be a number, or have shape (B, M) = {tuple(queries.shape[:2])}, got {tuple(given.shape)}"
        )
    dtype = _working_dtype(None, queries, data)
    queries, data = xp.astype(queries, dtype, copy=False), xp.astype(data, dtype, copy=False)
    rows, samples = (xp.reshape(a, (-1, a.shape[2])) for a in (queries, data))
    times = _times(namespace(given).reshape(given, (-1,)) if given.shape else given, rows, xp)
    _checked_range(rows, finite_extent(samples, "data"), times, 1.0)
    return means(queries, data, xp.astype(xp.reshape(times, queries.shape[:2]), dtype))


def _tables(a: Array, what: str, shape: str) -> Array:
    """Tables of one size, one for each data set."""
    a = of_its_library(a, what)
    if a.ndim != 3:
        raise ValueError(f"{what} must have shape {shape}, got {tuple(a.shape)}; one table is a[None]")
    if 0 in a.shape:
        raise ValueError(f"{what} must not be empty, got shape {tuple(a.shape)}")
    rows = checked(namespace(a).reshape(a, (-1, a.shape[2])), what, shape, finite=False)
    return namespace(rows).reshape(rows, a.shape)


def _working_dtype(dtype: Any, queries: Array, data: Array) -> Any:
    """The dtype asked for, or that of the arrays; halves are exact in float32."""
    xp = namespace(queries, data)
    try:
        wanted = xp.empty((0,), dtype=dtype or xp.result_type(queries.dtype, data.dtype)).dtype
    except TypeError:
        wanted = None
    if dtype is None and wanted not in (xp.float32, xp.float64) and xp.isdtype(wanted, "real floating"):
        return xp.float32
    if wanted not in (xp.float32, xp.float64):
        raise ValueError(f"dtype must be float64 or float32 of the library, got {dtype!r}")
    return wanted


def _tolerance(tolerance: float | None, dtype: Any, xp: Any) -> float:
    if tolerance is None:
        return float(xp.finfo(dtype).eps)
    if np.ndim(tolerance) or not (0 < _numeric(tolerance, "tolerance") < 1):
        raise ValueError(
            f"tolerance must be a number between 0 and 1, the share of the weight to neglect, got {brief(tolerance)}"
        )
    return float(tolerance)


def _basis(basis: Array | None, covariance: str | None, queries: Array) -> Array | None:
    """Orthonormal columns in float64."""
    if basis is None:
        return None
    if covariance is None:
        raise ValueError("a basis is for the covariance; ask for covariance='diagonal' or 'full' along it")
    basis = checked(basis, "basis", "(D, k)")
    xp = namespace(basis, queries)
    if basis.shape[0] != queries.shape[1]:
        raise ValueError(f"basis must have shape (D, k) with D = {queries.shape[1]}, got {tuple(basis.shape)}")
    basis = xp.astype(basis, xp.float64)
    off = float(xp.max(xp.abs(basis.T @ basis - xp.eye(basis.shape[1], dtype=basis.dtype, device=basis.device))))
    if off > 1e-5:  # orthonormal in float32 is enough
        raise ValueError(
            f"the columns of basis must be orthonormal, their products are off by {off:.2g}; take numpy.linalg.qr"
        )
    return basis


def _times(t: Array | float, queries: Array, xp: Any) -> Array:
    """t in float64, broadcast to shape (M,) or (T, M)."""
    if isinstance(t, (np.ndarray, np.generic)) or not hasattr(t, "device"):  # not yet an array of the library
        t = xp.asarray(_numeric(t, "t"), device=queries.device)
    given: Array = of_its_library(t, "t")
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
    scalar = value is None or isinstance(value, bool | str | bytes | complex)
    numbers = None if scalar else plain_array(value, what)
    if numbers is None or numbers.dtype.kind == "b":
        raise ValueError(f"{what} must be a real number or an array of them, got {brief(value)}")
    return numbers.astype(np.float64)


def _checked_range(queries: Array, extent: float, times: Array, temperature: float) -> float:
    """The largest coordinate, or a refusal of what the dtype cannot square or divide by; NaN would come of it."""
    xp = namespace(queries)
    largest = float(xp.finfo(queries.dtype).max)
    low, high = float(xp.min(times)) * temperature, float(xp.max(times)) * temperature
    if low < 10 / largest or high > largest / 1e4:
        raise ValueError(
            f"t times the temperature must lie between {10 / largest:.2g} and {largest / 1e4:.2g} in "
            f"{queries.dtype}, got {low:.2g} to {high:.2g}; change the unit of the data"
        )
    if not COLDEST <= temperature <= HOTTEST:
        raise ValueError(
            f"temperature must lie between {COLDEST:g} and {HOTTEST:g}, beyond which energies over it are lost to float64, "
            f"got {temperature:g}; change the unit of energy, or put it into t"
        )
    reach = max(finite_extent(queries, "queries"), extent)
    highest = (min(largest, float(np.finfo(np.float64).max) * min(low, 1.0)) / queries.shape[1]) ** 0.5 / 4
    if reach > highest:
        raise ValueError(
            f"queries and data must stay below {highest:.2g}, so that {queries.dtype} holds squared distances "
            f"and energies, got {reach:.2g}; change their unit"
        )
    return reach


def _lift(size: float, times: Array, temperature: float, dtype: Any, xp: Any) -> int:
    """The power of two that squares of differences need to be numbers of the dtype, as far as t leaves room for its square."""
    room = math.log2(float(xp.finfo(dtype).max) / 1e4) - math.log2(float(xp.max(times)) * temperature)
    return min(lift(size, dtype, xp), math.floor(room / 2))


def _lifted(exponent: int, queries: Array, data: Array, t: Array, question: Question, threads: int) -> GibbsMoments:
    """`_moments` of data so small, taken in units of a power of two."""
    x, y, times = scaled(queries, exponent), scaled(data, exponent), scaled(t, 2 * exponent)
    measured = Measured.of(y, _sample_block(y), threads)
    found = _moments(x, measured, max(finite_extent(x, "queries"), measured.extent), times, question, threads)
    scatter = None if found.scatter is None else scaled(found.scatter, -2 * exponent)
    given = namespace(queries).astype(queries, found.queries.dtype)
    return replace(found, queries=given, t=t, mean=scaled(found.mean, -exponent), scatter=scatter)


def _threads(queries: Array, data: Array) -> int:
    """How many are worth it; libraries other than NumPy have their own."""
    busy = isinstance(queries, np.ndarray) and queries.shape[0] * data.shape[0] * data.shape[1] > WORTH_THREADS
    return workers() if busy else 1


def _sample_block(data: Array) -> int:
    """Samples of a block: rows that a cache can hold, and not too few for a product."""
    return GPU_BLOCKS[1] if on_gpu(data) else max(256, min(SAMPLE_BLOCK, SAMPLE_ENTRIES // data.shape[1]))


def _query_block(data: Measured, queries: int, threads: int) -> int:
    """Of `queries` those of a block: where samples are few, more of them, but a block for each thread."""
    return max(QUERY_BLOCK, min(QUERY_BLOCK * SAMPLE_BLOCK // max(data.data.shape), -(-queries // threads)))


def _moments(queries: Array, data: Measured, size: float, t: Array, question: Question, threads: int) -> GibbsMoments:
    """The moments at times t, shape (T, M): blocks of queries, and parts of the samples where there are few blocks."""
    M = queries.shape[0]
    query_block = GPU_BLOCKS[0] if on_gpu(queries) else _query_block(data, M, threads)
    blocks = -(-M // query_block)
    # data far smaller than sqrt(tT) keep a unit within reach of it
    size = max(size, 1e-15 * (float(namespace(t).max(t)) * question.temperature) ** 0.5)
    parts = [Samples(piece, size) for piece in data.split(max(1, threads // blocks))]
    each = -(-M // (max(1, threads // len(parts)) * -(-blocks // threads)))  # even, and no more than the block
    tasks = [(block, part) for block in slices(M, each) for part in parts]

    def moments(task: tuple[slice, Samples]) -> GibbsMoments:
        block, part = task
        return part.moments(queries[block, :], t[:, block], question)

    found = parallel(moments, tasks, threads)
    merged = [reduce(add, found[i : i + len(parts)]) for i in range(0, len(found), len(parts))]
    return GibbsMoments.joined(merged, axis=1)
