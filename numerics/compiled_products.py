r"""Compiled products: S of a block of samples and queries, and sums of samples by weight, at the rate of the registers.

Queries lie along the vectors. Both products are then sums over k of numbers of samples times vectors of queries: S is
a sum over coordinates, the total of samples by weight one over samples. A tile of the result, `ROWS` by up to `VECTORS`
vectors, stays in registers while k runs: each step loads `VECTORS` vectors and `ROWS` numbers and multiplies them all.
What a BLAS packs first is here laid out so from the start, and the numbers of a tile are used while they are in the
first caches: a few queries are overlapped with a block of samples, weighed, and the samples are summed, before the next.

Samples are laid out in squares of `ROWS` samples by `ROWS` coordinates: a step of either sum reads its numbers of samples
in one place, and the next steps go on from there.
"""

from __future__ import annotations

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.core.config import CPU_FEATURES
from numba.extending import intrinsic

from numerics.compiled_exp import exp, exponential, larger
from numerics.compiled_loops import SUMS, _rescale, double

__all__ = ["LANES_BYTES", "ROWS", "RUN", "VECTORS", "above", "rescored", "weighed"]

_WIDE = binding.get_host_cpu_features().get("avx512f") if CPU_FEATURES is None else "+avx512f" in CPU_FEATURES
LANES_BYTES, ROWS, VECTORS = (64, 8, 3) if _WIDE else (32, 4, 3)  # ROWS x VECTORS sums, in 32 or 16 registers
SHIFT = ROWS.bit_length() - 1  # log2 ROWS
RUN = 64 // ROWS  # tiles whose weights are added up in the dtype, before they go to the sums in float64
PIECE = 256  # coordinates of ROWS samples that are laid out at a time, in the first cache
EPS = float(np.finfo(np.float32).eps)
INT, INDEX = ir.IntType(64), ir.IntType(32)
FAST = ("contract", "nsz", "reassoc")


class _Pointer:
    """The numbers of an array from some offset on, in the IR of a function."""

    def __init__(self, context, builder, kind, value, offset):
        self.builder = builder
        self.element = context.get_value_type(kind.dtype)
        self.align = kind.dtype.bitwidth // 8
        data = context.make_array(kind)(context, builder, value).data
        self.at = builder.gep(data, [offset])

    def scalar(self, offset):
        return self.builder.load(self.builder.gep(self.at, [offset]))

    def vector(self, lanes, offset=0):
        found = self.builder.load(self._as_vector(lanes, offset))
        found.align = self.align
        return found

    def store(self, value, offset=0):
        self.builder.store(value, self._as_vector(value.type.count, offset)).align = self.align

    def _as_vector(self, lanes, offset):
        at = self.builder.gep(self.at, [offset if isinstance(offset, ir.Value) else INT(offset)])
        return self.builder.bitcast(at, ir.VectorType(self.element, lanes).as_pointer())


class _Arguments:
    """The arguments of an intrinsic: pointers into its arrays, their shapes, and its integers."""

    def __init__(self, context, builder, signature, values, names):
        self.context, self.builder = context, builder
        self.kinds = dict(zip(names.split(), signature.args, strict=True))
        self.values = dict(zip(names.split(), values, strict=True))

    def __getitem__(self, name):
        return self.values[name]

    def shape(self, name):
        array = self.context.make_array(self.kinds[name])(self.context, self.builder, self[name])
        return cgutils.unpack_tuple(self.builder, array.shape)

    def row(self, name, *index):
        """A pointer to the numbers from this index on, its last places 0."""
        offset, shape = INT(0), self.shape(name)
        for i, length in zip((*index, *[INT(0)] * len(shape)), shape, strict=False):
            offset = self.builder.add(self.builder.mul(offset, length), i)
        return _Pointer(self.context, self.builder, self.kinds[name], self[name], offset)

    def lanes(self, name):
        """Numbers of the dtype of an array in a vector."""
        return LANES_BYTES * 8 // self.kinds[name].dtype.bitwidth


def _spread(builder, scalar, lanes):
    """A vector of equal numbers."""
    vector = ir.VectorType(scalar.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, INDEX(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INDEX, lanes), [0] * lanes))


def _added(builder, a, b, c):
    """c + a b, rounded once."""
    return builder.fadd(c, builder.fmul(a, b, flags=FAST), flags=FAST)


def _loop(builder, count, starts, body):
    """Values that body(k, values) makes of those before, from `starts` on, for k < count, count > 0."""
    before = builder.block
    loop, after = builder.append_basic_block("loop"), builder.append_basic_block("looped")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, values = builder.phi(INT), [builder.phi(start.type) for start in starts]
    more = body(k, values)
    following = builder.add(k, INT(1))
    for value, start, new in zip([k, *values], [INT(0), *starts], [following, *more], strict=True):
        value.add_incoming(start, before)
        value.add_incoming(new, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    return more


def _case_by_case(builder, vectors, differences, emit):
    """emit(V, apart) for the numbers that `vectors`, 1 to VECTORS, and `differences`, 0 or 1, turn out to have."""
    cases = [(V, apart) for V in range(1, VECTORS + 1) for apart in (0, 1)]
    done = builder.append_basic_block("done")
    blocks = [builder.append_basic_block("case") for _ in cases]
    which = builder.switch(builder.add(builder.mul(vectors, INT(2)), differences), blocks[-1])
    for (V, apart), block in zip(cases, blocks, strict=True):
        which.add_case(INT(2 * V + apart), block)
        builder.position_at_end(block)
        emit(V, bool(apart))
        builder.branch(done)
    builder.position_at_end(done)


def _quotient_and_rest(builder, k):
    return builder.lshr(k, INT(SHIFT)), builder.and_(k, INT(ROWS - 1))


@intrinsic
def _overlap(typingctx, samples, norms, tile, panels, p, count, S, peaks, largest, vectors, differences):
    """S[j] = sum_k samples[j, k] panels[p, k] + norms[j], k < count, for the samples j of a tile, lane by lane.

    With differences it is minus half the sum of their squares. peaks[tile] is the largest, and raises `largest`.
    """

    def codegen(context, builder, signature, values):
        names = "samples norms tile panels p count S peaks largest vectors differences"
        of = _Arguments(context, builder, signature, values, names)
        lanes, width = of.lanes("samples"), of.shape("panels")[2]
        j = builder.shl(of["tile"], INT(SHIFT))

        def emit(V, apart):
            norm, panel = of.row("norms", j), of.row("panels", of["p"])
            zero = ir.Constant(ir.VectorType(norm.element, lanes), None)
            starts = [zero if apart else _spread(builder, norm.scalar(INT(q)), lanes) for q in range(ROWS)]

            def step(k, before):
                sums = list(before)
                group, rest = _quotient_and_rest(builder, k)
                square = of.row("samples", of["tile"], group, INT(0), rest)
                offset = builder.mul(k, width)
                own = [panel.vector(lanes, builder.add(offset, INT(v * lanes))) for v in range(V)]
                for q in range(ROWS):
                    y = _spread(builder, square.scalar(INT(q * ROWS)), lanes)
                    for v in range(V):
                        one, other = own[v], y
                        if apart:
                            one = other = builder.fsub(own[v], y, flags=FAST)
                        sums[q * V + v] = _added(builder, one, other, sums[q * V + v])
                return sums

            sums = _loop(builder, of["count"], [start for start in starts for _ in range(V)], step)
            if apart:
                sums = [builder.fmul(one, ir.Constant(one.type, [-0.5] * lanes)) for one in sums]
            peak, most = of.row("peaks", of["tile"]), of.row("largest")
            for v in range(V):
                top = sums[v]
                for q in range(ROWS):
                    of.row("S", builder.add(j, INT(q))).store(sums[q * V + v], v * lanes)
                    top = larger(builder, sums[q * V + v], top)
                peak.store(top, v * lanes)
                most.store(larger(builder, top, most.vector(lanes, v * lanes)), v * lanes)

        _case_by_case(builder, of["vectors"], of["differences"], emit)
        return context.get_dummy_value()

    intp = types.intp
    return types.void(samples, norms, intp, panels, intp, intp, S, peaks, largest, intp, intp), codegen


@intrinsic
def _gather(typingctx, e, samples, group, count, panels, p, total, shrink, vectors, differences):
    """total[p, d] = shrink total[p, d] + sum_j e[j] samples[j, d], j < count, for the coordinates d of a group.

    With differences the sum is of e[j] (samples[j, d] - panels[p, d]).
    """

    def codegen(context, builder, signature, values):
        names = "e samples group count panels p total shrink vectors differences"
        of = _Arguments(context, builder, signature, values, names)
        lanes = of.lanes("e")
        d = builder.shl(of["group"], INT(SHIFT))
        rows = [builder.add(d, INT(q)) for q in range(ROWS)]

        def emit(V, apart):
            origins = [of.row("panels", of["p"], row) for row in rows]
            weights, factors = of.row("e"), of.row("shrink")
            zero = ir.Constant(ir.VectorType(weights.element, lanes), None)
            width = of.shape("e")[1]

            def step(j, before):
                sums = list(before)
                tile, rest = _quotient_and_rest(builder, j)
                sample = of.row("samples", tile, of["group"], rest)
                offset = builder.mul(j, width)
                own = [weights.vector(lanes, builder.add(offset, INT(v * lanes))) for v in range(V)]
                for q in range(ROWS):
                    y = _spread(builder, sample.scalar(INT(q)), lanes)
                    for v in range(V):
                        z = builder.fsub(y, origins[q].vector(lanes, v * lanes), flags=FAST) if apart else y
                        sums[q * V + v] = _added(builder, own[v], z, sums[q * V + v])
                return sums

            sums = _loop(builder, of["count"], [zero] * (ROWS * V), step)
            for q in range(ROWS):
                to = of.row("total", of["p"], rows[q])
                for v in range(V):
                    factor, before = factors.vector(lanes, v * lanes), to.vector(lanes, v * lanes)
                    to.store(_added(builder, factor, before, _widened(builder, sums[q * V + v])), v * lanes)

        _case_by_case(builder, of["vectors"], of["differences"], emit)
        return context.get_dummy_value()

    intp = types.intp
    return types.void(e, samples, intp, intp, panels, intp, total, shrink, intp, intp), codegen


@intrinsic
def _weigh(typingctx, S, e, begin, count, v, top, rate, i, sums):
    """e[j] = exp(u), u = (S[j] - top) rate, in a vector of queries, for samples j from `begin` on.

    Their sums of e, e^2, e u and e u^2 are added to the four rows of `sums`; top and rate are those from query i on.
    """

    def codegen(context, builder, signature, values):
        of = _Arguments(context, builder, signature, values, "S e begin count v top rate i sums")
        lanes = of.lanes("S")
        lane = builder.mul(of["v"], INT(lanes))
        kind = ir.VectorType(of.row("S").element, lanes)
        zero, lowest = ir.Constant(kind, None), ir.Constant(kind, [-700.0] * lanes)
        queries = builder.add(of["i"], lane)
        largest, factor = (_narrowed(builder, of.row(name, queries).vector(lanes), kind) for name in ("top", "rate"))

        def step(k, before):
            weight, weight_squared, log_weight, log_weight_squared = before
            j = builder.add(of["begin"], k)
            u = builder.fmul(builder.fsub(of.row("S", j, lane).vector(lanes), largest), factor)
            w = exponential(builder, u)
            of.row("e", j, lane).store(w)
            u = larger(builder, u, lowest)
            wu = builder.fmul(w, u)
            return [
                builder.fadd(weight, w),
                _added(builder, w, w, weight_squared),
                builder.fadd(log_weight, wu),
                _added(builder, wu, u, log_weight_squared),
            ]

        found = _loop(builder, of["count"], [zero] * 4, step)
        for s, more in enumerate(found):
            to = of.row("sums", INT(s), lane)
            to.store(builder.fadd(to.vector(lanes), _widened(builder, more)))
        return context.get_dummy_value()

    intp = types.intp
    return types.void(S, e, intp, intp, intp, top, rate, intp, sums), codegen


def _widened(builder, vector):
    wide = ir.VectorType(ir.DoubleType(), vector.type.count)
    return vector if vector.type == wide else builder.fpext(vector, wide)


def _narrowed(builder, vector, kind):
    return vector if vector.type == kind else builder.fptrunc(vector, kind)


@intrinsic
def _reaching(typingctx, rows, j, bar, v):
    """Which lanes of a vector of rows[j] are not below the bar, in the bits of a number."""

    def codegen(context, builder, signature, values):
        of = _Arguments(context, builder, signature, values, "rows j bar v")
        lanes = of.lanes("rows")
        lane = builder.mul(of["v"], INT(lanes))
        own, least = of.row("rows", of["j"], lane).vector(lanes), of.row("bar", lane).vector(lanes)
        return builder.zext(builder.bitcast(builder.fcmp_ordered(">=", own, least), ir.IntType(lanes)), INT)

    return types.intp(rows, types.intp, bar, types.intp), codegen


@intrinsic
def _lowest_bit(typingctx, bits):
    """Where the lowest 1 of a number that is not 0 stands."""
    return types.intp(types.intp), lambda context, builder, signature, values: builder.cttz(values[0], ir.IntType(1)(1))


@njit(nogil=True)
def _overlaps(samples, norms, n, panels, p, vectors, count, S, peaks, largest, differences):
    """S of n samples and a panel of queries, the largest of each tile, and the largest of all."""
    largest[:] = -np.inf
    for tile in range(-(-n // ROWS)):
        _overlap(samples, norms, tile, panels, p, count, S, peaks, largest, vectors, differences)


@njit(fastmath=SUMS, nogil=True)
def _lay_out(data, centre, scale, samples, norms):
    """y' = (y - centre) scale and -|y'|^2/2; the last of them again up to a multiple of ROWS, which raises no peak."""
    n, D = data.shape
    row, squares = np.zeros(PIECE, samples.dtype), np.empty(ROWS)
    for tile in range(-(-n // ROWS)):
        squares[:] = 0
        for begin in range(0, D, PIECE):
            piece = slice(begin, min(begin + PIECE, D))
            origin = centre[piece]
            row[origin.size :] = 0
            for q in range(ROWS):
                sample, square = data[min(tile * ROWS + q, n - 1), piece], 0.0
                for k in range(origin.size):
                    y = (double(sample[k]) - origin[k]) * scale
                    row[k] = y
                    square += y * y
                squares[q] += square
                _place(row, samples, tile, begin // ROWS, q, -(-origin.size // ROWS))
        for q in range(ROWS):
            norms[tile * ROWS + q] = -squares[q] / 2


@intrinsic
def _place(typingctx, row, samples, tile, group, q, count):
    """Coordinates of sample q of a tile into `count` squares from the group on."""

    def codegen(context, builder, signature, values):
        of = _Arguments(context, builder, signature, values, "row samples tile group q count")

        def step(k, _):
            some = of.row("row", builder.shl(k, INT(SHIFT))).vector(ROWS)
            of.row("samples", of["tile"], builder.add(of["group"], k), of["q"]).store(some)
            return []

        _loop(builder, of["count"], [], step)
        return context.get_dummy_value()

    intp = types.intp
    return types.void(row, samples, intp, intp, intp, intp), codegen


@njit(nogil=True)
def _lowered(bar):
    """So that rounding does not raise it."""
    return bar - EPS * abs(bar)


@njit(nogil=True)
def _raise(S, vectors, peaks, largest, start, top, best, first):
    """The largest S so far of the queries of a panel, and whose it is."""
    for lane in range(vectors * largest.size // VECTORS):
        i, most = first + lane, largest[lane]
        if most > top[i] or start == 0:
            top[i] = most
            tile = 0
            while peaks[tile, lane] != most:
                tile += 1
            j = tile * ROWS
            while S[j, lane] != most:
                j += 1
            best[i] = start + j


@njit(nogil=True)
def _weigh_panel(S, e, n, peaks, bar, vectors, top, rate, i, sums):
    """The weights e of a panel, 0 in tiles of which no query of a vector needs one, and their sums."""
    sums[:] = 0
    lanes, tiles = peaks.shape[1] // VECTORS, -(-n // ROWS)
    for v in range(vectors):
        tile = 0
        while tile < tiles:
            after = tile
            while after < min(tiles, tile + RUN) and _reaching(peaks, after, bar, v):
                after += 1
            if after > tile:
                begin = tile * ROWS
                _weigh(S, e, begin, min(after * ROWS, n) - begin, v, top, rate, i, sums)
                tile = after
            else:
                e[tile * ROWS : (tile + 1) * ROWS, v * lanes : (v + 1) * lanes] = 0
                tile += 1


@njit(nogil=True, cache=True)
def weighed(
    data,
    centre,
    scale,
    differences,
    panels,
    vectors,
    rate,
    reach,
    samples,
    norms,
    S,
    e,
    peaks,
    largest,
    top,
    best,
    sums,
    total,
):
    """Over the samples for all queries, m with padding, and T times.

    The columns of panels, of numerics.panels, are x', or x where differences are wanted. At the times of `rate`, 1/scale of
    S, and `reach`, how far below the largest S counts, both shape (T, m), it finds top and best, shape (m,), the largest S
    and whose it is, and adds up sums, shape (T, m, 4), of e, e^2, e u and e u^2, and total, shape (T, P, D with padding, W),
    of e y', or of e (y - x).
    """
    (P, length, W), T, block = panels.shape, rate.shape[0], norms.size
    shrink, bar, more = np.empty(W), np.empty(W, S.dtype), np.empty((4, W))
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples, norms)
        for p in range(P):
            first = p * W
            before = top[first : first + W].copy()
            _overlaps(samples, norms, n, panels, p, vectors[p], data.shape[1], S, peaks, largest, differences)
            _raise(S, vectors[p], peaks, largest, start, top, best, first)
            for k in range(T):
                for lane in range(W):
                    i = first + lane
                    shrink[lane] = 1.0
                    if top[i] > before[lane]:
                        gap = (before[lane] - top[i]) * rate[k, i] if start else 0.0
                        shrink[lane] = _rescale(sums, k, i, gap)
                    bar[lane] = _lowered(top[i] - reach[k, i])
                _weigh_panel(S, e, n, peaks, bar, vectors[p], top, rate[k], first, more)
                for lane in range(W):
                    for s in range(4):
                        sums[k, first + lane, s] += more[s, lane]
                for group in range(length // ROWS):
                    _gather(e, samples, group, n, panels, p, total[k], shrink, vectors[p], differences)


@njit(nogil=True)
def _wanted(S, n, own, vectors, peaks, largest, bound, lowest, reach, first, bar, columns, counts):
    """Raise lowest to max S - bound; columns are those whose S + bound is not below lowest - reach, so many of each query."""
    W = largest.size
    lanes = W // VECTORS
    shift, rows = _lowest_bit(lanes), min(ROWS, 64 // lanes)  # as many as one number has bits for
    for lane in range(W):
        counts[lane], bar[lane] = 0, np.inf
        if lane < own:
            i = first + lane
            lowest[i] = max(lowest[i], largest[lane] - bound[i])
            bar[lane] = _lowered(lowest[i] - reach[i] - bound[i])
    for tile in range(-(-n // ROWS)):
        for v in range(vectors):
            if _reaching(peaks, tile, bar, v):
                for j in range(tile * ROWS, min((tile + 1) * ROWS, n), rows):
                    bits = 0
                    for r in range(min(rows, n - j)):
                        bits |= _reaching(S, j + r, bar, v) << r * lanes
                    while bits:
                        place = _lowest_bit(bits)
                        lane = v * lanes + (place & lanes - 1)
                        columns[lane, counts[lane]] = j + (place >> shift)
                        counts[lane] += 1
                        bits &= bits - 1


@njit(nogil=True, cache=True)
def above(data, centre, scale, panels, vectors, samples, norms, S, peaks, largest, bound, lowest, reach):
    """The pairs whose S + bound is not below lowest - reach, as arrays of queries, samples and S; data, shape (n, D).

    `lowest`, shape (m,), is raised to max S - bound first. The columns of panels, of numerics.panels, are x'.
    """
    (P, _, W), m, block = panels.shape, lowest.size, norms.size
    bar, columns, counts = np.empty(W, S.dtype), np.empty((W, block), np.int32), np.empty(W, np.int64)
    room, found = 4096, 0
    rows, numbers, values = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, S.dtype)
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples, norms)
        for p in range(P):
            own, first = min(W, m - p * W), p * W
            _overlaps(samples, norms, n, panels, p, vectors[p], data.shape[1], S, peaks, largest, 0)
            _wanted(S, n, own, vectors[p], peaks, largest, bound, lowest, reach, first, bar, columns, counts)
            more = found + counts[:own].sum()
            if more > room:
                room = 2 * more
                rows, values = _longer(rows, room), _longer(values, room)
                numbers = _longer(numbers, room)
            for lane in range(own):
                for a in range(counts[lane]):
                    j = columns[lane, a]
                    rows[found], numbers[found], values[found] = first + lane, start + j, S[j, lane]
                    found += 1
    return rows[:found], numbers[:found], values[:found]


@njit(nogil=True)
def _longer(a, room):
    longer = np.empty(room, a.dtype)
    longer[: a.size] = a
    return longer


@njit(fastmath=SUMS, nogil=True)
def _pair_squares(x, i, data, columns, start, count, squares):
    """|x - y|^2 of a query and some samples; the smallest, and the first that has it."""
    low, first = 1e308, 0
    for a in range(count):
        j, square = start + columns[a], 0.0
        for k in range(x.shape[1]):
            square += (double(data[j, k]) - x[i, k]) ** 2
        squares[a] = square
        if square < low:
            low, first = square, j
    return low, first


@njit(fastmath=SUMS, nogil=True)
def _add_pairs(x, i, data, columns, start, count, squares, least, rate, cut, e, sums, k, total):
    """Add the samples to the sums of a query at one time, u = (least - |x - y|^2) rate, but for those below -cut."""
    weight = weight_squared = log_weight = log_weight_squared = 0.0
    for a in range(count):
        u = max((least - squares[a]) * rate, -700.0)
        w = exp(u) if u >= -cut else 0.0
        e[a] = w
        weight += w
        weight_squared += w * w
        log_weight += w * u
        log_weight_squared += w * u * u
    sums[k, i, 0] += weight
    sums[k, i, 1] += weight_squared
    sums[k, i, 2] += log_weight
    sums[k, i, 3] += log_weight_squared
    for a in range(count):
        w, j = e[a], start + columns[a]
        if w > 0:
            for d in range(x.shape[1]):
                total[k, i, d] += w * (double(data[j, d]) - x[i, d])


@njit(nogil=True, cache=True)
def rescored(
    data,
    begin,
    centre,
    scale,
    panels,
    vectors,
    samples,
    norms,
    S,
    peaks,
    largest,
    bound,
    lowest,
    reach,
    x,
    rate,
    cut,
    least,
    nearest,
    sums,
    total,
):
    """Add those pairs of `above` whose weight counts, by direct differences in float64; how many pairs there were.

    `data` are the samples from `begin` on, x the queries in float64, shape (m, D). At the times of `rate`, 1/2tT, shape (T, m),
    it adds up sums, shape (T, m, 4), of e, e^2, e u and e u^2, and total, shape (T, m, D), of e (y - x), in units of the
    nearest sample so far and its squared distance `least`.
    """
    (P, _, W), (m, D), block, seen = panels.shape, x.shape, norms.size, 0
    bar, columns, counts = np.empty(W, S.dtype), np.empty((W, block), np.int32), np.empty(W, np.int64)
    squares, e = np.empty(block), np.empty(block)
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples, norms)
        for p in range(P):
            own, first = min(W, m - p * W), p * W
            _overlaps(samples, norms, n, panels, p, vectors[p], D, S, peaks, largest, 0)
            _wanted(S, n, own, vectors[p], peaks, largest, bound, lowest, reach, first, bar, columns, counts)
            for lane in range(own):
                count, i, mine = counts[lane], first + lane, columns[lane]
                if count == 0:
                    continue
                seen += count
                low, closest = _pair_squares(x, i, data, mine, start, count, squares)
                if nearest[i] < 0 or low < least[i]:
                    for k in range(rate.shape[0]):
                        if nearest[i] >= 0:
                            total[k, i] *= _rescale(sums, k, i, (low - least[i]) * rate[k, i])
                    least[i], nearest[i] = low, begin + closest
                for k in range(rate.shape[0]):
                    _add_pairs(x, i, data, mine, start, count, squares, least[i], rate[k, i], cut, e, sums, k, total)
    return seen
