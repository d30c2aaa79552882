r"""The engine's sums on a GPU in one fused pass, without the M x N matrix; experimental.

It has run in Triton's interpreter only, and its tiles were compiled for Hopper; no GPU was at hand so far.

With squared distances s = |x - y|^2, their least value s* and u = (s* - s)/2tT, every query needs

    s*,    sum e,    sum e^2,    sum e u,    sum e u^2,    sum e y,    the index of s*,        e = exp(u).

A program holds a tile of queries and streams a chunk of the samples past it, tile by tile, with the sums relative to the
least distance so far. When that falls, every earlier u changes by the same g <= 0, so that with f = exp(g)

    sum e -> f sum e,    sum e u -> f (sum e u + g sum e),    sum e u^2 -> f (sum e u^2 + 2 g sum e u + g^2 sum e).

Chunks are merged by the same rule in torch, in float64. Nothing is atomic: the result does not depend on the order in
which programs run. Inside the kernels u is in units of log 2, because the GPU's exponential is that of base two.

Distances come in two ways.

- **Differences**: sum_d (y_d - x_d)^2. The error is at most about (D + 2) rounding units of the distance itself, at any
  offset and any t. Tiles are (samples, queries), which puts queries along the threads: sums over samples stay inside a
  thread, and one load of a sample serves all queries of a warp.
- **Products**: |x|^2 + |y|^2 - 2 x.y on centred data. The error is relative to |x|^2 + |y|^2, and the caller decides
  whether t forgives it. Tiles are (queries, samples), as the matrix units leave them.

What is rounded where: distances, exponentials and sums over one tile are in the dtype of the data. Sums over tiles are in
float64, with one exception: the sum of e y for float32 differences above UNROLLED dimensions, for which the registers do
not suffice. There LONGEST_CHUNK bounds the number of tiles added in float32 to 256; their roundings add up to at most
256 units of 2^-24, and at random to 16. Up to UNROLLED dimensions the mean comes from sum e (y - x), with an error
relative to |y - x|; above, from y less the mean of the data.
"""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

try:
    import torch
    import triton
    import triton.language as tl
except ImportError:  # the module can be imported all the same; `available` says that it cannot be used
    torch = triton = tl = None

__all__ = ["LARGEST_DIMENSION", "PRECISIONS", "available", "fused_sums", "supported"]

LARGEST_DIMENSION = 128
OLDEST_TRITON = (3, 5)  # the first with products of float64
PRECISIONS = ("ieee", "tf32x3")  # of float32 products: float32 arithmetic, or three products of TF32 each
UNROLLED = 16  # up to this dimension a thread holds its queries and their means in registers
SHORTEST_CHUNK, LONGEST_CHUNK = 512, 8192  # samples
PADDING = 256  # samples; every tile divides it, so that tiles are read whole
PROGRAMS_PER_PROCESSOR = 8  # several waves of programs, so that an unfinished last wave costs little
STATE_BYTES = 2**28  # of the sums of all chunks, in memory at a time
LOWEST = -750.0  # exponentials from here on are zero in float64


def available(x: Any) -> bool:
    """Whether kernels run where `x` is: a torch tensor on a CUDA device, or any tensor under Triton's interpreter.

    The device must have compute capability 8.0, and Triton be OLDEST_TRITON, or later.
    """
    if triton is None or not isinstance(x, torch.Tensor):
        return False
    if os.environ.get("TRITON_INTERPRET") == "1":
        return True
    if not (x.is_cuda and torch.version.cuda) or torch.cuda.get_device_capability(x.device) < (8, 0):
        return False
    return tuple(int(number) for number in triton.__version__.split(".")[:2]) >= OLDEST_TRITON


def supported(queries: Any, data: Any) -> bool:
    """Whether the kernels serve these arrays: (M, D) and (N, D), D <= 128, float32 or float64, of one device."""
    if not (available(queries) and available(data)):
        return False
    return bool(
        queries.ndim == data.ndim == 2
        and 0 not in (*queries.shape, *data.shape)
        and queries.shape[1] == data.shape[1] <= LARGEST_DIMENSION
        and data.shape[0] < 2**31 - LONGEST_CHUNK  # samples are counted in 32 bits
        and queries.dtype == data.dtype
        and data.dtype in (torch.float32, torch.float64)
        and queries.device == data.device
    )


def fused_sums(
    queries: Any, data: Any, t: Any, temperature: float, *, differences: bool = True, precision: str = "ieee"
) -> tuple[Any, ...]:
    """The sums over all samples at each query, with S = -|x - y|^2 / 2tT, u = S - max S and e = exp(u).

    Args:
        queries: x, shape (M, D), finite.
        data: y, shape (N, D), finite, of the same dtype and device.
        t: noise variance, float64, shape (M,).
        temperature: T.
        differences: distances from differences of coordinates; False allows products where D > UNROLLED.
        precision: of float32 products, one of PRECISIONS. tf32x3 leaves out terms of order 2^-22 of each, and its
            tiles are made for the shared memory of an H100, of which they take up to 180 KB.

    Returns:
        (max S, sum e, sum e^2, sum e u, sum e u^2, sum e y / sum e, index of max S): float64 tensors of shape (M,), the
        mean of shape (M, D), and int64 for the index, the first of equals.

    Raises:
        ValueError: for arrays that are not `supported`, t of another shape, or an unknown precision.
    """
    if not supported(queries, data):
        raise ValueError(
            f"expected float32 or float64 tensors (M, D) and (N, D) of one dtype, D <= {LARGEST_DIMENSION}, on one CUDA "
            f"device, and Triton; got {_described(queries)} and {_described(data)}"
        )
    if tuple(t.shape) != (queries.shape[0],):
        raise ValueError(f"t must have shape ({queries.shape[0]},), one for each query, got {tuple(t.shape)}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    scale = 2 * temperature * t.to(torch.float64)
    samples = _samples(data, differences or data.shape[1] <= UNROLLED)
    step = _queries_at_a_time(samples)
    with _on(data.device):
        parts = [
            _sums(queries[start : start + step], scale[start : start + step], samples, precision)
            for start in range(0, queries.shape[0], step)
        ]
    return tuple(torch.cat(same) for same in zip(*parts, strict=True))


def _described(x: Any) -> str:
    if triton is None or not isinstance(x, torch.Tensor):
        return type(x).__name__
    return f"{x.dtype} {tuple(x.shape)} on {x.device}"


def _on(device: Any) -> AbstractContextManager[Any]:
    """Kernels are launched on the current device, which need not be that of the tensors."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


# the samples, once for all queries


@dataclass(frozen=True)
class _Padded:
    """The samples as a kernel reads them.

    Attributes:
        count, dimension: N and D.
        differences: how distances are taken.
        data: for differences (D, N), as they are; for products (N, D), centred; padded with zeros.
        centred: (D, N), centred and padded; for the means of differences above UNROLLED.
        squares: |y|^2 of the centred samples, padded; for products.
        offset: what was taken off, shape (D,).
    """

    count: int
    dimension: int
    differences: bool
    data: Any
    centred: Any = None
    squares: Any = None
    offset: Any = None


def _samples(data: Any, differences: bool) -> _Padded:
    count, dimension = data.shape
    if dimension <= UNROLLED:
        return _Padded(count, dimension, True, _columns(data, PADDING))
    offset = torch.mean(data, dim=0, dtype=torch.float64).to(data.dtype)
    rest = data - offset
    if differences:
        return _Padded(count, dimension, True, _columns(data, PADDING), _columns(rest, PADDING), offset=offset)
    return _Padded(count, dimension, False, _rows(rest, PADDING), squares=_squares(rest, PADDING), offset=offset)


def _padded(matrix: Any, rows: int, columns: int) -> Any:
    """A contiguous copy, with zeros up to multiples of `rows` and `columns`."""
    copy = matrix.new_zeros((_up(matrix.shape[0], rows), _up(matrix.shape[1], columns)))
    copy[: matrix.shape[0], : matrix.shape[1]] = matrix
    return copy


def _columns(points: Any, multiple: int) -> Any:
    return _padded(points.T, 1, multiple)


def _rows(points: Any, multiple: int) -> Any:
    return _padded(points, multiple, 16)  # rows begin where 16 bytes can be loaded at once


def _squares(points: Any, multiple: int) -> Any:
    return _padded((points * points).sum(1)[None, :], 1, multiple)


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


# tiles and chunks


class _Tile(NamedTuple):
    queries: int
    samples: int
    warps: int


def _tile(samples: _Padded, precision: str, queries: int) -> _Tile:
    """As large as the registers allow, and no more queries than there are.

    Triton 3.7 compiles every entry for sm_90 within 255 registers a thread and spills at most 112 bytes of them, but for
    products in tf32x3 above D = 64, where it spills 300.
    """
    single = samples.data.dtype == torch.float32
    tile = (_difference_tile if samples.differences else _product_tile)(samples.dimension, single, precision)
    fewer = min(tile.queries, max(16, _power_of_two(queries)))
    if samples.dimension > UNROLLED:  # the mean's product has its operands in shared memory: keep them small
        return tile._replace(queries=fewer)
    return tile._replace(queries=fewer, samples=min(PADDING, tile.queries * tile.samples // fewer))


def _difference_tile(dimension: int, single: bool, _: str) -> _Tile:
    if dimension > UNROLLED:
        return _Tile(128, 32 if single else 16, 4 if dimension <= 64 else 8)
    if single:
        return _Tile(256, 16 if dimension <= 8 else 8, 4)
    return _Tile(128, 16 if dimension <= 4 else 8, 4)


def _product_tile(dimension: int, single: bool, precision: str) -> _Tile:
    if not single:
        return _Tile(64 if dimension <= 64 else 32, 32, 4)
    if precision == "tf32x3":
        return _Tile(128, 64 if dimension <= 64 else 32, 8)
    return _Tile(64, 32, 4 if dimension <= 64 else 8)


def _power_of_two(number: int) -> int:
    """The least that is not below `number`."""
    return 1 << (number - 1).bit_length()


def _queries_at_a_time(samples: _Padded) -> int:
    chunks = -(-samples.count // LONGEST_CHUNK)
    most = STATE_BYTES // (8 * (samples.dimension + 6) * chunks)
    return max(PADDING, most // PADDING * PADDING)


def _chunk(count: int, tiles: int, device: Any) -> int:
    """Samples to a program: few enough to occupy the device, and for the sums in float32."""
    processors = torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 1
    useful = min(-(-PROGRAMS_PER_PROCESSOR * processors // tiles), -(-count // SHORTEST_CHUNK))
    chunks = max(useful, -(-count // LONGEST_CHUNK))
    return _up(-(-count // chunks), PADDING)


# the passes


def _sums(x: Any, scale: Any, samples: _Padded, precision: str) -> tuple[Any, ...]:
    """What `fused_sums` returns, at a few queries; `scale` is 2tT."""
    queries, device = x.shape[0], x.device
    tile = _tile(samples, precision, queries)
    tiles = -(-queries // tile.queries)
    chunk = _chunk(samples.count, tiles, device)
    chunks = -(-samples.count // chunk)
    scalars = torch.empty((5, chunks, queries), dtype=torch.float64, device=device)
    totals = torch.empty((chunks, samples.dimension, queries), dtype=torch.float64, device=device)
    nearest = torch.empty((chunks, queries), dtype=torch.int32, device=device)
    inverse = torch.ones(tiles * tile.queries, dtype=x.dtype, device=device)
    inverse[:queries] = 1 / (scale * math.log(2))
    constants = {
        "D": samples.dimension,
        "ROWS": _power_of_two(samples.dimension),
        "BM": tile.queries,
        "BN": tile.samples,
        "PRECISION": precision,
        "num_warps": tile.warps,
        "num_stages": 2,
    }
    outputs, sizes = (scalars, totals, nearest), (queries, samples.count, chunk, tiles)
    if samples.differences:
        thin = samples.dimension <= UNROLLED
        again = samples.data if thin else samples.centred
        _by_differences[(tiles * chunks,)](
            _columns(x, tile.queries), samples.data, again, inverse, *outputs, *sizes, len(inverse),
            samples.data.shape[1], THIN=thin, **constants,
        )  # fmt: skip
    else:
        rest = x - samples.offset
        _by_products[(tiles * chunks,)](
            _rows(rest, tile.queries), samples.data, _squares(rest, tile.queries), samples.squares, inverse, *outputs,
            *sizes, samples.data.shape[1], **constants,
        )  # fmt: skip
    origin = x if samples.offset is None else samples.offset
    return _merged(scalars, totals, nearest, scale, origin.to(torch.float64))


def _merged(scalars: Any, totals: Any, nearest: Any, scale: Any, origin: Any) -> tuple[Any, ...]:
    """The sums over chunks, with u in units of one; `totals` count from `origin`."""
    smallest, weight, weight_squared, first, second = scalars
    first, second = first * math.log(2), second * math.log(2) ** 2
    least = smallest.amin(0)
    gap = torch.clamp((least - smallest) / scale, min=LOWEST)
    factor = torch.exp(gap)
    sum_of_weights = (factor * weight).sum(0)
    mean = origin + ((factor[:, None, :] * totals).sum(0) / sum_of_weights).T
    later = torch.iinfo(nearest.dtype).max
    return (
        -least / scale,
        sum_of_weights,
        (factor**2 * weight_squared).sum(0),
        (factor * (first + gap * weight)).sum(0),
        (factor * (second + gap * (2 * first + gap * weight))).sum(0),
        mean,
        torch.where(smallest == least, nearest, later).amin(0).to(torch.int64),
    )


# the kernels: arguments are pointers and integers, capital letters are compile-time constants


def _kernel(function: Callable[..., Any]) -> Any:
    # the numbers of queries and samples change from call to call, and special cases of them only cost compilations
    return function if triton is None else triton.jit(function, do_not_specialize=["M", "N", "tiles"])


@_kernel
def _absorb(squares, samples, inverse, least, nearest, w, w2, first, second, AXIS: tl.constexpr):
    """The weights of one tile, whose samples lie along AXIS, and the sums with them."""
    smallest = tl.min(squares, AXIS, keep_dims=True)
    closest = tl.min(tl.where(squares == smallest, samples, 2147483647), AXIS, keep_dims=True)
    nearest = tl.where(smallest < least, closest, nearest)
    smallest = tl.minimum(smallest, least)
    # held where the power of two is zero in float64 too: zero times infinity would be NaN
    u = tl.maximum((smallest - squares) * inverse, -1100.0)
    gap = tl.maximum((smallest - least) * inverse, -1100.0)
    e = tl.exp2(u)
    eu = e * u
    factor = tl.exp2(gap)
    gap, scale = gap.to(tl.float64), factor.to(tl.float64)
    second = scale * (second + gap * (2 * first + gap * w)) + tl.sum(eu * u, AXIS, keep_dims=True).to(tl.float64)
    first = scale * (first + gap * w) + tl.sum(eu, AXIS, keep_dims=True).to(tl.float64)
    w2 = scale * scale * w2 + tl.sum(e * e, AXIS, keep_dims=True).to(tl.float64)
    w = scale * w + tl.sum(e, AXIS, keep_dims=True).to(tl.float64)
    return e, factor, smallest, nearest, w, w2, first, second


@_kernel
def _store(scalars, nearest_at, row, step, inside, least, nearest, w, w2, first, second):
    tl.store(nearest_at + row, nearest, mask=inside)
    tl.store(scalars + row, least.to(tl.float64), mask=inside)
    tl.store(scalars + step + row, w, mask=inside)
    tl.store(scalars + 2 * step + row, w2, mask=inside)
    tl.store(scalars + 3 * step + row, first, mask=inside)
    tl.store(scalars + 4 * step + row, second, mask=inside)


@_kernel
def _by_differences(
    queries, data, again, inverse, scalars, totals, nearest_at, M, N, chunk, tiles, width, length,
    D: tl.constexpr, ROWS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, PRECISION: tl.constexpr, THIN: tl.constexpr,
):  # fmt: skip
    """Queries (D, width), samples (D, length); tiles of (samples, queries)."""
    tile, part = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    width, length = tl.cast(width, tl.int64), tl.cast(length, tl.int64)  # D times as much may exceed 32 bits
    rows = tile * BM + tl.arange(0, BM)[None, :]
    dimension = tl.arange(0, ROWS)[:, None]
    units = tl.load(inverse + rows)
    least = tl.full((1, BM), float("inf"), units.dtype)
    nearest = tl.zeros((1, BM), tl.int32)
    w = tl.zeros((1, BM), tl.float64)
    w2 = tl.zeros((1, BM), tl.float64)
    first = tl.zeros((1, BM), tl.float64)
    second = tl.zeros((1, BM), tl.float64)
    total = tl.zeros((ROWS, BM), tl.float64 if THIN else units.dtype)
    for start in range(part * chunk, min(part * chunk + chunk, N), BN):
        samples = start + tl.arange(0, BN)
        # explicit products-and-sums: for D = 1 a compiler might else fuse the square, unrounded, into least - square, and
        # u of the nearest would not be zero
        squares = tl.zeros((BN, BM), units.dtype)
        if THIN:
            for d in tl.static_range(D):
                difference = tl.load(data + d * length + samples)[:, None] - tl.load(queries + d * width + rows)
                squares = tl.fma(difference, difference, squares)
        else:
            for d in range(D):
                difference = tl.load(data + d * length + samples)[:, None] - tl.load(queries + d * width + rows)
                squares = tl.fma(difference, difference, squares)
        if start + BN > N:
            squares = tl.where(samples[:, None] < N, squares, float("inf"))
        e, factor, least, nearest, w, w2, first, second = _absorb(
            squares, samples[:, None], units, least, nearest, w, w2, first, second, 0
        )
        total *= factor.to(total.dtype)
        if THIN:
            # `again` points to the same samples. Through `data` the compiler would see common subexpressions, keep the
            # differences of all dimensions, and run out of registers
            for d in tl.static_range(D):
                difference = tl.load(again + d * length + samples)[:, None] - tl.load(queries + d * width + rows)
                pull = tl.sum(e * difference, 0, keep_dims=True).to(tl.float64)
                total = tl.where(dimension == d, total + pull, total)
        else:
            y = tl.load(again + dimension * length + samples[None, :], mask=dimension < D, other=0.0)
            total += tl.dot(y, e, input_precision=PRECISION)
    inside = rows < M
    part = tl.cast(part, tl.int64)
    step = tl.cast(tl.num_programs(0) // tiles, tl.int64) * M
    _store(scalars, nearest_at, part * M + rows, step, inside, least, nearest, w, w2, first, second)
    place = (part * D + dimension) * M + rows
    tl.store(totals + place, total.to(tl.float64), mask=inside & (dimension < D))


@_kernel
def _by_products(
    queries, data, query_squares, data_squares, inverse, scalars, totals, nearest_at, M, N, chunk, tiles, width,
    D: tl.constexpr, ROWS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Queries and samples in rows of `width`; tiles of (queries, samples)."""
    tile, part = tl.program_id(0) % tiles, tl.program_id(0) // tiles
    rows = tile * BM + tl.arange(0, BM)
    dimension = tl.arange(0, ROWS)[None, :]
    units = tl.load(inverse + rows)[:, None]
    least = tl.full((BM, 1), float("inf"), units.dtype)
    nearest = tl.zeros((BM, 1), tl.int32)
    w = tl.zeros((BM, 1), tl.float64)
    w2 = tl.zeros((BM, 1), tl.float64)
    first = tl.zeros((BM, 1), tl.float64)
    second = tl.zeros((BM, 1), tl.float64)
    total = tl.zeros((BM, ROWS), tl.float64)
    x = tl.load(queries + tl.cast(rows, tl.int64)[:, None] * width + dimension, mask=dimension < width, other=0.0)
    x_squares = tl.load(query_squares + rows)[:, None]
    for start in range(part * chunk, min(part * chunk + chunk, N), BN):
        samples = start + tl.arange(0, BN)
        y = tl.load(data + tl.cast(samples, tl.int64)[:, None] * width + dimension, mask=dimension < width, other=0.0)
        product = tl.dot(x, tl.trans(y), input_precision=PRECISION)
        squares = tl.maximum(x_squares + tl.load(data_squares + samples)[None, :] - 2 * product, 0.0)
        if start + BN > N:
            squares = tl.where(samples[None, :] < N, squares, float("inf"))
        e, factor, least, nearest, w, w2, first, second = _absorb(
            squares, samples[None, :], units, least, nearest, w, w2, first, second, 1
        )
        # not accumulated by the matrix units, whose sums are truncated
        total = total * factor.to(tl.float64) + tl.dot(e, y, input_precision=PRECISION).to(tl.float64)
    rows = rows[:, None]
    inside = rows < M
    part = tl.cast(part, tl.int64)
    step = tl.cast(tl.num_programs(0) // tiles, tl.int64) * M
    _store(scalars, nearest_at, part * M + rows, step, inside, least, nearest, w, w2, first, second)
    place = (part * D + dimension) * M + rows
    tl.store(totals + place, total, mask=inside & (dimension < D))
