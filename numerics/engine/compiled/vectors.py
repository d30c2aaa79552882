r"""Vector instructions of the compiled products: tiles of sums in registers, weights, comparisons, and where samples stand.

Queries lie along the vectors. Both products are then sums over k of numbers of samples times vectors of queries: S is
a sum over coordinates, the total of samples by weight one over samples. A tile of the result, `ROWS` by up to `VECTORS`
vectors, stays in registers while k runs: each step loads `VECTORS` vectors and `ROWS` numbers and multiplies them all.

Samples are laid out in squares of `ROWS` samples by `ROWS` coordinates: a step of either sum reads its numbers of samples
in one place, and the next steps go on from there.
"""

from __future__ import annotations

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.config import CPU_FEATURES
from numba.extending import intrinsic

from numerics.engine.compiled.exp import exponential, fused, larger

__all__ = [
    "DIFFERENCES",
    "LANES_BYTES",
    "PRODUCTS",
    "ROWS",
    "VECTORS",
    "gather",
    "lowest_bit",
    "overlap",
    "place",
    "reaching",
    "weigh",
]

_HOST = {name for name, there in binding.get_host_cpu_features().items() if there}
_FEATURES = _HOST if CPU_FEATURES is None else {name[1:] for name in CPU_FEATURES.split(",") if name[:1] == "+"}
LANES_BYTES, ROWS, VECTORS = (64, 8, 3) if "avx512f" in _FEATURES else (32, 4, 3)  # ROWS x VECTORS sums in registers
SHIFT = ROWS.bit_length() - 1  # log2 ROWS
PRODUCTS, DIFFERENCES = 0, 1  # kinds of S
INT, INDEX = ir.IntType(64), ir.IntType(32)


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


def _case_by_case(builder, vectors, kind, emit):
    """emit(V, kind) for the numbers that `vectors`, 1 to VECTORS, and `kind` turn out to have."""
    cases = [(V, one) for V in range(1, VECTORS + 1) for one in (PRODUCTS, DIFFERENCES)]
    done = builder.append_basic_block("done")
    blocks = [builder.append_basic_block("case") for _ in cases]
    which = builder.switch(builder.add(builder.shl(vectors, INT(1)), kind), blocks[-1])
    for (V, one), block in zip(cases, blocks, strict=True):
        which.add_case(INT(2 * V + one), block)
        builder.position_at_end(block)
        emit(V, one)
        builder.branch(done)
    builder.position_at_end(done)


def _quotient_and_rest(builder, k):
    return builder.lshr(k, INT(SHIFT)), builder.and_(k, INT(ROWS - 1))


@intrinsic
def overlap(typingctx, samples, norms, tile, panels, p, count, S, peaks, largest, vectors, kind):
    """S[j] = sum_k samples[j, k] panels[p, k] + norms[j], k < count, for the samples j of a tile, lane by lane.

    For the kind DIFFERENCES it is minus half the sum of their squares. peaks[tile] is the largest, and raises `largest`.
    """

    def codegen(context, builder, signature, values):
        names = "samples norms tile panels p count S peaks largest vectors kind"
        of = _Arguments(context, builder, signature, values, names)
        lanes, width = of.lanes("samples"), of.shape("panels")[2]
        j = builder.shl(of["tile"], INT(SHIFT))

        def emit(V, kind):
            apart = kind == DIFFERENCES
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
                            one = other = builder.fsub(own[v], y)
                        sums[q * V + v] = fused(builder, one, other, sums[q * V + v])
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

        _case_by_case(builder, of["vectors"], of["kind"], emit)
        return context.get_dummy_value()

    intp = types.intp
    return types.void(samples, norms, intp, panels, intp, intp, S, peaks, largest, intp, intp), codegen


@intrinsic
def gather(typingctx, e, samples, group, count, panels, p, total, shrink, vectors, kind):
    """total[p, d] = shrink total[p, d] + sum_j e[j] samples[j, d], j < count, for the coordinates d of a group.

    For the kind DIFFERENCES the sum is of e[j] (samples[j, d] - panels[p, d]).
    """

    def codegen(context, builder, signature, values):
        names = "e samples group count panels p total shrink vectors kind"
        of = _Arguments(context, builder, signature, values, names)
        lanes = of.lanes("e")
        d = builder.shl(of["group"], INT(SHIFT))
        rows = [builder.add(d, INT(q)) for q in range(ROWS)]

        def emit(V, kind):
            apart = kind == DIFFERENCES
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
                        z = builder.fsub(y, origins[q].vector(lanes, v * lanes)) if apart else y
                        sums[q * V + v] = fused(builder, own[v], z, sums[q * V + v])
                return sums

            sums = _loop(builder, of["count"], [zero] * (ROWS * V), step)
            for q in range(ROWS):
                to = of.row("total", of["p"], rows[q])
                for v in range(V):
                    factor, before = factors.vector(lanes, v * lanes), to.vector(lanes, v * lanes)
                    to.store(fused(builder, factor, before, _widened(builder, sums[q * V + v])), v * lanes)

        _case_by_case(builder, of["vectors"], of["kind"], emit)
        return context.get_dummy_value()

    intp = types.intp
    return types.void(e, samples, intp, intp, panels, intp, total, shrink, intp, intp), codegen


@intrinsic
def weigh(typingctx, S, e, begin, count, v, top, rate, i, sums):
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
                fused(builder, w, w, weight_squared),
                builder.fadd(log_weight, wu),
                fused(builder, wu, u, log_weight_squared),
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
def reaching(typingctx, rows, j, bar, v):
    """Which lanes of a vector of rows[j] are not below the bar, in the bits of a number."""

    def codegen(context, builder, signature, values):
        of = _Arguments(context, builder, signature, values, "rows j bar v")
        lanes = of.lanes("rows")
        lane = builder.mul(of["v"], INT(lanes))
        own, least = of.row("rows", of["j"], lane).vector(lanes), of.row("bar", lane).vector(lanes)
        return builder.zext(builder.bitcast(builder.fcmp_ordered(">=", own, least), ir.IntType(lanes)), INT)

    return types.intp(rows, types.intp, bar, types.intp), codegen


@intrinsic
def lowest_bit(typingctx, bits):
    """Where the lowest 1 of a number that is not 0 stands."""
    return types.intp(types.intp), lambda context, builder, signature, values: builder.cttz(values[0], ir.IntType(1)(1))


@intrinsic
def place(typingctx, row, samples, tile, group, q, count):
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
