r"""Compiled products: S of a block of samples and queries, and sums of samples by weight, at the rate of the registers.

Both are sums over k of a scalar of one matrix times a row of another. A tile of the result, `ROWS` by up to `VECTORS`
vectors, stays in registers while k runs: each step loads `VECTORS` vectors and `ROWS` scalars and multiplies them all.
What a BLAS packs first is here laid out so from the start, and the numbers of a tile are used while they are in the
first cache: a few queries are overlapped with a block of samples, weighed, and the samples are summed, before the next.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from numerics.compiled_exp import exp
from numerics.compiled_loops import SUMS, _rescale, double, lay_out

__all__ = ["CHUNK", "LANES_BYTES", "ROWS", "VECTORS", "above", "rescored", "weighed"]

_WIDE = bool(binding.get_host_cpu_features().get("avx512f"))
LANES_BYTES, ROWS, VECTORS = (64, 8, 3) if _WIDE else (32, 4, 3)  # ROWS x VECTORS sums, in 32 or 16 registers
CHUNK = 64  # samples that are passed over together where none of them is wanted
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

    def moved(self, offset):
        other = object.__new__(_Pointer)
        other.__dict__ |= self.__dict__ | {"at": self.builder.gep(self.at, [offset])}
        return other

    def scalar(self, offset):
        return self.builder.load(self.builder.gep(self.at, [offset]))

    def vector(self, lanes, offset=0):
        found = self.builder.load(self._as_vector(lanes, offset))
        found.align = self.align
        return found

    def store(self, value, offset=0):
        self.builder.store(value, self._as_vector(value.type.count, offset)).align = self.align

    def _as_vector(self, lanes, offset):
        at = self.builder.gep(self.at, [INT(offset)])
        return self.builder.bitcast(at, ir.VectorType(self.element, lanes).as_pointer())


def _spread(builder, scalar, lanes):
    """A vector of equal numbers."""
    vector = ir.VectorType(scalar.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, INDEX(0))
    return builder.shuffle_vector(one, one, _mask([0] * lanes))


def _summed(builder, a, a_row, b, b_row, count, lanes, vectors, term):
    """sum_k term(q, v, a[q a_row + k], b[k b_row + v]), k < count, for ROWS scalars a and vectors b: lists of vectors."""
    vector = ir.VectorType(b.element, lanes)
    before = builder.block
    loop, after = builder.append_basic_block("sum"), builder.append_basic_block("summed")
    starts = [a.moved(builder.mul(a_row, INT(q))) for q in range(ROWS)]
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(INT)
    sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(ROWS)]
    row = b.moved(builder.mul(k, b_row))
    loaded = [row.vector(lanes, v * lanes) for v in range(vectors)]
    more = []
    for q in range(ROWS):
        scalar = _spread(builder, starts[q].scalar(k), lanes)
        more.append([builder.fadd(sums[q][v], term(q, v, scalar, loaded[v]), flags=FAST) for v in range(vectors)])
    following = builder.add(k, INT(1))
    k.add_incoming(INT(0), before)
    k.add_incoming(following, loop)
    for q in range(ROWS):
        for v in range(vectors):
            sums[q][v].add_incoming(ir.Constant(vector, None), before)
            sums[q][v].add_incoming(more[q][v], loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    return more


def _columns(builder, rows):
    """The columns of a matrix of which these vectors are the ROWS rows."""
    lanes = rows[0].type.count
    masks = [_mask([i // 2 + lanes * (i % 2) + half * lanes // 2 for i in range(lanes)]) for half in range(2)]
    # the first half of the rows and the second, interleaved again and again, end up column by column
    for _ in range(int(math.log2(ROWS))):
        pairs = zip(rows[: ROWS // 2], rows[ROWS // 2 :], strict=True)
        rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in masks]
    parts = [_mask(list(range(c, c + ROWS))) for c in range(0, lanes, ROWS)]
    return [builder.shuffle_vector(row, row, part) for row in rows for part in parts]


def _mask(lanes):
    return ir.Constant(ir.VectorType(INDEX, len(lanes)), lanes)


class _Arguments:
    """The arguments of an intrinsic: pointers into its arrays, their shapes, and its integers."""

    def __init__(self, context, builder, signature, values, names):
        self.context, self.builder = context, builder
        self.kinds = dict(zip(names, signature.args, strict=True))
        self.values = dict(zip(names, values, strict=True))

    def __getitem__(self, name):
        return self.values[name]

    def shape(self, name):
        array = self.context.make_array(self.kinds[name])(self.context, self.builder, self[name])
        return cgutils.unpack_tuple(self.builder, array.shape)

    def row(self, name, *index):
        """A pointer to a row, or to the entry that the last index names."""
        offset, shape = INT(0), self.shape(name)
        for i, length in zip((*index, INT(0))[: len(shape)], shape, strict=True):
            offset = self.builder.add(self.builder.mul(offset, length), i)
        return _Pointer(self.context, self.builder, self.kinds[name], self[name], offset)


@intrinsic(prefer_literal=True)
def _overlap(typingctx, samples, j, queries, p, count, S, peaks, c, vectors, differences):
    """S[l, j + q] = sum_k samples[j + q, k] queries[p, k, l], k < count, or minus half the squared differences.

    peaks[c, l] is raised to the largest of them.
    """
    names = ("samples", "j", "queries", "p", "count", "S", "peaks", "c")
    intp, V, apart = types.intp, vectors.literal_value, differences.literal_value

    def codegen(context, builder, signature, values):
        of = _Arguments(context, builder, signature, values, (*names, "vectors", "differences"))
        lanes = LANES_BYTES * 8 // samples.dtype.bitwidth

        def term(q, v, scalar, vector):
            if not apart:
                return builder.fmul(scalar, vector, flags=FAST)
            difference = builder.fsub(vector, scalar, flags=FAST)
            return builder.fmul(difference, difference, flags=FAST)

        a, b = of.row("samples", of["j"]), of.row("queries", of["p"], INT(0))
        sums = _summed(builder, a, of.shape("samples")[1], b, of.shape("queries")[2], of["count"], lanes, V, term)
        top = of.row("peaks", of["c"])
        for v in range(V):
            line = [row[v] for row in sums]
            if apart:
                half = ir.Constant(line[0].type, [-0.5] * lanes)
                line = [builder.fmul(one, half) for one in line]
            largest = top.vector(lanes, v * lanes)
            for one in line:
                largest = builder.select(builder.fcmp_ordered(">", one, largest), one, largest)
            top.store(largest, v * lanes)
            for i, column in enumerate(_columns(builder, line)):
                of.row("S", INT(v * lanes + i), of["j"]).store(column)
        return context.get_dummy_value()

    return types.void(samples, intp, queries, intp, intp, S, peaks, intp, vectors, differences), codegen


@intrinsic(prefer_literal=True)
def _gather(typingctx, e, q, samples, d, count, x, total, i, shrink, vectors, differences):
    """total[i:, d:] = shrink[q:] total + sum_j e[q:, j] samples[j, d:], j < count, or of samples[j, d:] - x[i:, d:]."""
    names = ("e", "q", "samples", "d", "count", "x", "total", "i", "shrink")
    intp, V, apart = types.intp, vectors.literal_value, differences.literal_value

    def codegen(context, builder, signature, values):
        of = _Arguments(context, builder, signature, values, (*names, "vectors", "differences"))
        lanes = LANES_BYTES * 8 // e.dtype.bitwidth
        rows = [builder.add(of["i"], INT(q)) for q in range(ROWS)]
        origins = [of.row("x", row, of["d"]) for row in rows]

        def term(q, v, scalar, vector):
            if apart:
                vector = builder.fsub(vector, origins[q].vector(lanes, v * lanes), flags=FAST)
            return builder.fmul(scalar, vector, flags=FAST)

        a, b = of.row("e", of["q"]), of.row("samples", INT(0), of["d"])
        sums = _summed(builder, a, of.shape("e")[1], b, of.shape("samples")[1], of["count"], lanes, V, term)
        factors, wide = of.row("shrink", of["q"]), ir.VectorType(ir.DoubleType(), lanes)
        for q in range(ROWS):
            to, factor = of.row("total", rows[q], of["d"]), _spread(builder, factors.scalar(INT(q)), lanes)
            for v in range(V):
                more = sums[q][v] if sums[q][v].type == wide else builder.fpext(sums[q][v], wide)
                old = builder.fmul(factor, to.vector(lanes, v * lanes), flags=FAST)
                to.store(builder.fadd(old, more, flags=FAST), v * lanes)
        return context.get_dummy_value()

    return types.void(e, intp, samples, intp, intp, x, total, intp, shrink, vectors, differences), codegen


@njit(nogil=True)
def _overlaps(samples, n, queries, p, vectors, count, S, peaks, differences):
    """S of a panel of queries and n samples, shape (W, n), and the largest of each chunk of samples, shape (n / CHUNK, W)."""
    peaks[:] = -np.inf
    for j in range(0, n, ROWS):
        c = j // CHUNK
        if differences:
            if vectors == 3:
                _overlap(samples, j, queries, p, count, S, peaks, c, 3, True)
            elif vectors == 2:
                _overlap(samples, j, queries, p, count, S, peaks, c, 2, True)
            else:
                _overlap(samples, j, queries, p, count, S, peaks, c, 1, True)
        elif vectors == 3:
            _overlap(samples, j, queries, p, count, S, peaks, c, 3, False)
        elif vectors == 2:
            _overlap(samples, j, queries, p, count, S, peaks, c, 2, False)
        else:
            _overlap(samples, j, queries, p, count, S, peaks, c, 1, False)


@njit(nogil=True)
def _lay_out(data, centre, scale, samples):
    """Rows of the samples, the last of them again up to a multiple of ROWS, which raises no peak."""
    n = data.shape[0]
    lay_out(data, centre, scale, samples)
    for j in range(n, -(-n // ROWS) * ROWS):
        samples[j] = samples[n - 1]


@njit(nogil=True)
def _gathered(e, n, queries, samples, x, total, i, shrink, lanes, differences):
    """total of so many queries from i on, e and shrink those of the panel; see _gather."""
    d, D = 0, total.shape[1]
    while d < D:
        left = (D - d) // lanes
        vectors = 2 if left == 4 else min(VECTORS, left)  # one alone is slow
        for q in range(0, queries, ROWS):
            if differences:
                if vectors == 3:
                    _gather(e, q, samples, d, n, x, total, i + q, shrink, 3, True)
                elif vectors == 2:
                    _gather(e, q, samples, d, n, x, total, i + q, shrink, 2, True)
                else:
                    _gather(e, q, samples, d, n, x, total, i + q, shrink, 1, True)
            elif vectors == 3:
                _gather(e, q, samples, d, n, x, total, i + q, shrink, 3, False)
            elif vectors == 2:
                _gather(e, q, samples, d, n, x, total, i + q, shrink, 2, False)
            else:
                _gather(e, q, samples, d, n, x, total, i + q, shrink, 1, False)
        d += vectors * lanes


@njit(fastmath=SUMS, nogil=True)
def _weigh(S, q, n, peaks, lane, bar, top, rate, e, sums):
    """e = exp((S - top) rate) of a query, 0 in chunks below the bar, and its sums."""
    zero, lowest = S.dtype.type(0), S.dtype.type(-700)
    top, rate, bar = S.dtype.type(top), S.dtype.type(rate), S.dtype.type(bar)
    weight = weight_squared = log_weight = log_weight_squared = zero
    chunks, c = (n + CHUNK - 1) // CHUNK, 0
    while c < chunks:
        after = c + 1
        if peaks[c, lane] < bar:
            for j in range(np.uint64(c * CHUNK), np.uint64(min(after * CHUNK, n))):
                e[q, j] = zero
            c = after
            continue
        while after < chunks and peaks[after, lane] >= bar:
            after += 1
        for j in range(np.uint64(c * CHUNK), np.uint64(min(after * CHUNK, n))):
            u = (S[q, j] - top) * rate
            w = exp(u)
            u = max(u, lowest)
            e[q, j] = w
            weight += w
            weight_squared += w * w
            log_weight += w * u
            log_weight_squared += w * u * u
        c = after
    sums[0], sums[1], sums[2], sums[3] = weight, weight_squared, log_weight, log_weight_squared


@njit(nogil=True)
def _peak(peaks, lane, n):
    """The largest S of n samples."""
    largest = peaks[0, lane]
    for c in range(-(-n // CHUNK)):
        largest = max(largest, peaks[c, lane])
    return largest


@njit(nogil=True)
def _lowered(bar):
    """So that rounding does not raise it."""
    return bar - EPS * abs(bar)


@njit(nogil=True)
def _raise(S, q, n, peaks, lane, start, top, best, i):
    """The largest S so far, and whose it is."""
    largest = _peak(peaks, lane, n)
    if largest > top[i] or start == 0:
        top[i] = largest
        j = 0
        while S[q, j] != largest:
            j += 1
        best[i] = start + j


@njit(fastmath=SUMS, nogil=True, cache=True)
def weighed(
    data, centre, scale, differences, panels, vectors, rate, reach, x, samples, S, e, peaks, top, best, sums, total
):
    """Over the samples for all queries, m with padding, and T times.

    The rows of panels, of numerics.panels, are [x', 1], or x where differences are wanted. At the times of `rate`, 1/scale of
    S, and `reach`, how far below the largest S counts, both shape (T, m), it finds top and best, shape (m,), the largest S
    and whose it is, and adds up sums, shape (T, m, 4), of e, e^2, e u and e u^2, and total, shape (T, m, D with padding),
    of e y', or of e (y - x) where x, shape (m, D with padding), is subtracted.
    """
    D, W, T, m, block = centre.size, panels.shape[2], rate.shape[0], top.size, samples.shape[0]
    at_once = S.shape[0] // W
    before, shrink, more = np.empty(at_once * W), np.empty(at_once * W), np.empty(4)
    count = D if differences else D + 1
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples)
        for group in range(0, panels.shape[0], at_once):
            first = group * W
            own = min(at_once * W, m - first)
            for g in range(min(at_once, panels.shape[0] - group)):
                part = S[g * W : (g + 1) * W]
                _overlaps(samples, n, panels, group + g, vectors[group + g], count, part, peaks[g], differences)
            for q in range(own):
                before[q] = top[first + q]
                _raise(S, q, n, peaks[q // W], q % W, start, top, best, first + q)
            for k in range(T):
                for q in range(own):
                    i = first + q
                    shrink[q] = 1.0
                    if top[i] > before[q]:
                        shrink[q] = _rescale(sums, k, i, (before[q] - top[i]) * rate[k, i] if start else 0.0)
                    bar = _lowered(top[i] - reach[k, i])
                    _weigh(S, q, n, peaks[q // W], q % W, bar, top[i], rate[k, i], e, more)
                    for s in range(4):
                        sums[k, i, s] += more[s]
                _gathered(e, n, own, samples, x, total[k], first, shrink, W // VECTORS, differences)


@njit(nogil=True)
def _wanted(S, lane, n, peaks, bound, lowest, reach, i, columns, found):
    """Raise lowest to max S - bound; columns from `found` on are those whose S + bound is not below lowest - reach."""
    largest = _peak(peaks, lane, n)
    lowest[i] = max(lowest[i], largest - bound[i])
    bar = S.dtype.type(_lowered(lowest[i] - reach[i] - bound[i]))
    if largest >= bar:
        for c in range(-(-n // CHUNK)):
            if peaks[c, lane] >= bar:
                for j in range(np.uint64(c * CHUNK), np.uint64(min((c + 1) * CHUNK, n))):
                    columns[np.uint64(found)] = j
                    found += S[lane, j] >= bar
    return found


@njit(nogil=True, cache=True)
def above(data, centre, scale, panels, vectors, samples, S, peaks, bound, lowest, reach):
    """The pairs whose S + bound is not below lowest - reach, as arrays of queries, samples and S; data, shape (n, D).

    `lowest`, shape (m,), is raised to max S - bound first. The rows of panels, of numerics.panels, are [x', 1].
    """
    D, W, m, block = centre.size, panels.shape[2], lowest.size, samples.shape[0]
    room, found = 4096, 0
    rows, columns, values = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, S.dtype)
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples)
        for p in range(panels.shape[0]):
            _overlaps(samples, n, panels, p, vectors[p], D + 1, S, peaks[0], False)
            own = min(W, m - p * W)
            if found + own * n >= room:
                room = 2 * (found + own * n)
                rows, columns, values = _longer(rows, room), _longer(columns, room), _longer(values, room)
            for lane in range(own):
                first, found = found, _wanted(S, lane, n, peaks[0], bound, lowest, reach, p * W + lane, columns, found)
                for a in range(first, found):
                    rows[a], values[a] = p * W + lane, S[lane, columns[a]]
                    columns[a] += start
    return rows[:found], columns[:found], values[:found]


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
    S,
    peaks,
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
    D, W, m, block, seen = centre.size, panels.shape[2], lowest.size, samples.shape[0], 0
    columns, squares, e = np.empty(block + 1, np.int64), np.empty(block), np.empty(block)
    for start in range(0, data.shape[0], block):
        n = min(block, data.shape[0] - start)
        _lay_out(data[start : start + n], centre, scale, samples)
        for p in range(panels.shape[0]):
            _overlaps(samples, n, panels, p, vectors[p], D + 1, S, peaks[0], False)
            for lane in range(min(W, m - p * W)):
                i = p * W + lane
                count = _wanted(S, lane, n, peaks[0], bound, lowest, reach, i, columns, 0)
                if count == 0:
                    continue
                seen += count
                low, first = _pair_squares(x, i, data, columns, start, count, squares)
                if nearest[i] < 0 or low < least[i]:
                    for k in range(rate.shape[0]):
                        if nearest[i] >= 0:
                            total[k, i] *= _rescale(sums, k, i, (low - least[i]) * rate[k, i])
                    least[i], nearest[i] = low, begin + first
                for k in range(rate.shape[0]):
                    _add_pairs(x, i, data, columns, start, count, squares, least[i], rate[k, i], cut, e, sums, k, total)
    return seen
