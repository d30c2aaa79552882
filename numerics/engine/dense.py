"""The dense pass: every query against every sample, block by block.

It is for arrays of any library, and for NumPy's where numba is missing. Distances come from the product of
numerics.engine.layout where its rounding, relative to tT, stays below half the digits of the dtype, and from direct
differences otherwise; a second product gives the means. Variances come from products too, unless there are so few samples
that differences, which keep the digits of variances far below t, cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from numerics.arrays import Array, namespace, slices
from numerics.engine.door import kernels
from numerics.engine.layout import Rows, unit_roundoff
from numerics.engine.question import Question, Weights, log_weight_error, state_of
from numerics.moments import NEGLIGIBLE, GibbsMoments

__all__ = ["dense", "fused", "product_will_do", "weigh"]

DIFFERENCE_BLOCK = 2**22  # elements of a block of direct differences
BLOCK = 1024  # samples of a block of differences that are not kept


def dense(x: Array, data: Array, rows: Rows | None, t: Array, question: Question) -> GibbsMoments:
    """The moments at queries x, shape (m, D), and times t, shape (T, m); `rows` lays out the same data."""
    if rows is not None and product_will_do(x, rows, t, question):
        return _by_products(x, rows, t, question)
    return _by_differences(x, data, t, question)


def product_will_do(x: Array, rows: Rows | None, t: Array, question: Question) -> bool:
    """Whether a product gives the squared distances, relative to tT, to half the digits."""
    if rows is None or question.takes_differences(rows.parts[-1].stop):
        return False
    xp = namespace(x)
    epsilon = 2 * unit_roundoff(rows.dtype, xp)
    most = max(rows.norms)
    largest = (float(xp.max(rows.of(x)[1])) + most) * most  # what S is made of; |x'|^2 is the same for all samples
    return epsilon * largest + rows.underflow <= epsilon**0.5 * float(xp.min(rows.scale(t, question.temperature)))


def _by_products(x: Array, rows: Rows, t: Array, question: Question) -> GibbsMoments:
    xp = namespace(x)
    D = x.shape[1]
    z, norms = rows.of(x)
    half = xp.sum(xp.astype(z[:, :D], xp.float64) ** 2, axis=-1) / 2
    scales = rows.scale(t, question.temperature)
    rounding = 2 * rows.bound(norms, max(rows.norms)) / scales
    sums = [_Running(scales[i, :], question) for i in range(t.shape[0])]
    for part, _, block, S in rows.swept(z):
        for one in sums:
            one.add(S, block[:, :D], part.start)
    return GibbsMoments.joined(
        [one.state(x, t[i, :], rows, half, rounding[i, :]) for i, one in enumerate(sums)], axis=0
    )


class _Running:
    """Sums over the blocks of samples so far at one time, in units of the largest weight so far."""

    def __init__(self, scale: Array, question: Question) -> None:
        self.scale, self.question = scale, question
        self.found: Weights | None = None
        self.first: Array = None  # sum e y, shape (m, D)
        self.second: Array = None  # sum e z^2, shape (m, k)

    def add(self, S: Array, y: Array, start: int) -> None:
        """One block of samples y, shape (n, D), and its S."""
        xp = namespace(S)
        before = self.found
        e, block = weigh(S, self.scale, None if before is None else before.top)
        first = e @ y
        second = None if self.question.covariance is None else e @ self.question.along(y) ** 2
        if before is None:
            self.found, self.first = block, xp.astype(first, xp.float64)
            self.second = second if second is None else xp.astype(second, xp.float64)
            return
        shrink, self.found = before.then(block, self.scale, start)
        self.first = self._plus(self.first, shrink, first)
        self.second = second if second is None else self._plus(self.second, shrink, second)

    def _plus(self, total: Array, shrink: Array, more: Array) -> Array:
        """shrink total + more; in place where the library can."""
        if bool(namespace(shrink).any(shrink < 1)):
            total *= shrink[:, None]
        total += more
        return total

    def state(self, x: Array, t: Array, rows: Rows, half: Array, rounding: Array) -> GibbsMoments:
        xp, found, unit = namespace(x), self.found, rows.unit
        assert found is not None
        away = self.first / found.weight[:, None]
        scatter = None
        if self.second is not None:
            spread = self.second - found.weight[:, None] * self.question.along(away) ** 2
            scatter = unit**2 * xp.maximum(spread, xp.zeros_like(spread))
        shift = xp.minimum((found.top - half) / self.scale, xp.zeros_like(half))
        count, mean = rows.parts[-1].stop, rows.centre + unit * away
        return state_of(x, t, self.question, count, found, shift, mean, scatter, rounding)


def weigh(S: Array, scale: Array, before: Array | None = None) -> tuple[Array, Weights]:
    """The weights e = exp((S - top)/scale) of a block, shape (m, n), and their sums; top = max S, or `before` if larger."""
    xp = namespace(S)
    best, top = xp.argmax(S, axis=-1), xp.max(S, axis=-1)
    if before is not None:
        top = xp.maximum(top, xp.astype(before, S.dtype))
    u = (S - top[:, None]) / xp.astype(scale, S.dtype)[:, None]
    u = xp.maximum(u, xp.asarray(-NEGLIGIBLE, dtype=S.dtype, device=S.device))
    e = xp.exp(u)
    eu = e * u
    # the products of a block in its own dtype, what is summed over blocks in float64
    squares = (xp.astype(xp.vecdot(a, b), xp.float64) for a, b in ((e, e), (eu, u)))
    plain = (xp.sum(a, axis=-1, dtype=xp.float64) for a in (e, eu))
    weight, log_weight = plain
    weight_squared, log_weight_squared = squares
    return e, Weights(xp.astype(top, xp.float64), best, weight, weight_squared, log_weight, log_weight_squared)


def _by_differences(x: Array, data: Array, t: Array, question: Question) -> GibbsMoments:
    states: dict[int, GibbsMoments] = {}
    for y in _difference_blocks(x, data, question):
        difference = None if question.covariance is None else y[None, :, :] - x[:, None, :]
        S = -_squares(x, y) / 2 if difference is None else -namespace(x).sum(difference**2, axis=-1) / 2
        for i in range(t.shape[0]):
            part = _difference_state(x, y, difference, S, t[i, :], question)
            states[i] = states[i] + part if i in states else part
    return GibbsMoments.joined(list(states.values()), axis=0)


def _difference_blocks(x: Array, data: Array, question: Question) -> Iterator[Array]:
    step = BLOCK if question.covariance is None else max(1, DIFFERENCE_BLOCK // (x.shape[0] * x.shape[1]))
    for part in slices(data.shape[0], step):
        yield data[part, :]


def _squares(x: Array, y: Array) -> Array:
    """|x - y|^2, shape (m, n), a few queries at a time."""
    xp = namespace(x)
    step = max(1, DIFFERENCE_BLOCK // (y.shape[0] * y.shape[1]))
    parts = slices(x.shape[0], step)
    return xp.concat([xp.sum((x[part, None, :] - y[None, :, :]) ** 2, axis=-1) for part in parts], axis=0)


def _difference_state(
    x: Array, y: Array, difference: Array | None, S: Array, t: Array, question: Question
) -> GibbsMoments:
    xp = namespace(x)
    scale = t * question.temperature
    e, found = weigh(S, scale)
    scatter = None
    if difference is None:
        mean = xp.astype(e @ y, xp.float64) / found.weight[:, None]
    else:
        away = xp.sum(e[..., None] * difference, axis=-2, dtype=xp.float64) / found.weight[:, None]
        scatter = _scatter(e, xp.astype(difference, xp.float64) - away[:, None, :], question)
        mean = xp.astype(x, xp.float64) + away
    shift = found.top / scale
    rounding = log_weight_error(x, shift, question.cut(y.shape[0]))
    return state_of(x, t, question, y.shape[0], found, shift, mean, scatter, rounding)


def _scatter(e: Array, rest: Array, question: Question) -> Array:
    """Sum e (z - mean z)(z - mean z)^T, or its diagonal, from differences: no cancellation at small t."""
    xp = namespace(e)
    z = question.along(rest)
    weighted = xp.astype(e, xp.float64)[..., None] * z
    if question.covariance == "diagonal":
        return xp.sum(weighted * z, axis=-2)
    return xp.matrix_transpose(weighted) @ z


def fused(x: Array, data: Array, t: Array, question: Question) -> GibbsMoments:
    """The moments by the GPU kernel of direct differences, all times at once."""
    xp, (T, m), each = namespace(x), t.shape, kernels(x).fused_sums
    top, weight, squares, log, log_squares, mean, best = each(
        xp.tile(x, (T, 1)), data, xp.reshape(t, (-1,)), question.temperature
    )
    states = []
    for i, part in enumerate(slices(T * m, m)):
        found = Weights(top[part], best[part], weight[part], squares[part], log[part], log_squares[part])
        rounding = log_weight_error(x, top[part], question.cut(data.shape[0]))
        states.append(state_of(x, t[i, :], question, data.shape[0], found, top[part], mean[part, :], None, rounding))
    return GibbsMoments.joined(states, axis=0)
