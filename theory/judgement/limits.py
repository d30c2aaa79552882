"""Limits: a line that holds only on the way to a point, followed there numerically and by Taylor's theorem."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import flint
import sympy as sp

from theory.algebra import enclosure
from theory.judgement import asymptotics
from theory.judgement.growth import grows, vanishes
from theory.judgement.judgement import Judgement
from theory.judgement.patience import patiently
from theory.judgement.points import Point, balls, points
from theory.judgement.smooth import is_analytic_at, is_smooth
from theory.judgement.substitution import in_logarithms, within_bounds
from theory.judgement.switches import sides as sides_of_a_switch
from theory.judgement.words import told

__all__ = ["judge_limit", "limit_in_parts", "limit_of"]

STEPS = 1, 2, 3, 4, 6, 12, 30, 100, 10**3, 10**4, 10**6, 10**9, 10**12, 10**15  # exponents of ten
FEW = 4  # points, of the other symbols
TO_A_POINT = 9  # of them, where the point is finite
PRECISIONS = 256, 2048, 16384
ORDERS = 6
A_WAY, IN_PARTS = 0.6, 2.0  # seconds
CONTINUOUS = (
    sp.Add,
    sp.Mul,
    sp.Pow,
    sp.exp,
    sp.log,
    sp.sin,
    sp.cos,
    sp.sinh,
    sp.cosh,
    sp.tanh,
    sp.atan,
    sp.erf,
    sp.erfc,
    sp.Abs,
    sp.Max,
    sp.Min,
)
TINY = flint.arb("1e-12")
OSCILLATES = (sp.sin, sp.cos, sp.tan, sp.cot, sp.sec, sp.csc, sp.sinc, sp.besselj, sp.bessely, sp.airyai, sp.airybi, sp.floor,
              sp.ceiling, sp.frac, sp.Mod, sp.I)  # fmt: skip
SWINGS = 12, 40, 120, 400  # exponents of ten
ASIDE = (
    (1, 1),
    (2, 1),
    (5, 3),
    (7, 2),
    (11, 7),
    (13, 3),
    (17, 5),
    (19, 7),
    (23, 11),
    (29, 13),
    (31, 4),
    (37, 9),
    (41, 6),
    (43, 8),
)


def judge_limit(
    left: sp.Expr, right: sp.Expr, relation: str, at: Sequence[Any], assume: Sequence[sp.Basic]
) -> Judgement:
    """Whether left tends to right, or left / right to 1, as a symbol goes to a point."""
    symbol, end, sides = _where(at)
    gap = left / right - 1 if relation == "leading" else left - right
    others = gap.free_symbols - {symbol}
    seen, elsewhere = 0, [a for a in assume if symbol not in a.free_symbols]
    for point in list(itertools.islice(points(others, assume=elsewhere), FEW)) or [{}]:
        for side in sides:
            found = _followed(gap, symbol, end, side, point)
            if found is None:
                continue
            seen += 1
            away, last = found
            if away:
                return _refuted(left, right, relation, symbol, end, side, point, last)
    by_logarithms = in_logarithms(gap, elsewhere)
    form = by_logarithms if symbol in by_logarithms.free_symbols else gap
    limits = [_limit_of_line(left, right, relation, form, symbol, end, side) for side in sides]
    if None in limits and (cases := _cases(left, right, elsewhere, symbol)):
        limits = [_limit_by_cases(cases, relation, symbol, end, side) for side in sides]
    for side, value in zip(sides, limits, strict=True):
        if value is not None and value.is_number and value.is_nonzero and value.is_finite:
            return _refuted(left, right, relation, symbol, end, side, {}, enclosure.enclose(value, {}, PRECISIONS[0]))
    if all(value is not None and sp.simplify(value) == 0 for value in limits):
        return Judgement(
            "proved",
            f"the Taylor series at {symbol} = {end} has the constant term claimed",
            ("Taylor's theorem", "sympy.diff"),
        )
    if not seen:
        return Judgement("inconclusive", "no enclosure on the way to the point; a rigorous series would help")
    return _supported(gap, symbol, end, sides, seen)


def _where(at: Sequence[Any]) -> tuple[sp.Symbol, sp.Expr, tuple[str, ...]]:
    symbol, end, *side = at
    end = sp.sympify(end)
    if end.is_infinite:
        return symbol, end, ("",)
    given = side[0] if side else "+" if symbol.is_positive else "+-"
    return symbol, end, ("+", "-") if given == "+-" else (given,)


def _way(symbol: sp.Symbol, end: sp.Expr, side: str, exponent: int, aside: tuple[int, int]) -> Any:
    """A point on the way at the working precision, 10^exponent times root(p/q) out, or short of the end by its inverse."""
    p, q = aside
    if p == q:
        step = flint.arb(10) ** exponent
    elif symbol.is_integer:
        step = flint.arb((10**exponent * p) // q)
    else:
        step = flint.arb(10) ** exponent * (flint.arb(p) / q).sqrt()
    if end.is_infinite:
        return flint.acb(step if end is sp.S.Infinity else -step)
    return enclosure.enclose(end, {}, flint.ctx.prec) + (1 / step if side == "+" else -1 / step)


def _at(
    gap: sp.Expr,
    symbol: sp.Symbol,
    end: sp.Expr,
    side: str,
    exponent: int,
    point: Point,
    aside: tuple[int, int] = (1, 1),
) -> Any:
    for precision in PRECISIONS:
        if exponent > precision // 2 and end.is_finite and end != 0:
            continue
        with flint.ctx.workprec(precision):
            try:
                value = _way(symbol, end, side, exponent, aside)
                ball = enclosure.enclose(gap, {**balls(point, precision), symbol: value}, precision)
            except (NotImplementedError, ZeroDivisionError, OverflowError):
                return None
            if ball.is_finite() and (ball.rad() < abs(ball).lower() / 1000 or ball.rad() < flint.arb("1e-40")):
                return ball
    return None


def _followed(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point) -> tuple[bool, Any] | None:
    """Whether the gap stays away from 0, and its last value; None where it is not enclosed, or hardly falls."""
    steps = STEPS if end.is_infinite else STEPS[:TO_A_POINT]
    found = [b for exponent in steps if (b := _at(gap, symbol, end, side, exponent, point)) is not None]
    if len(found) < 3:
        return None
    if _oscillates(gap):  # one path tells nothing
        wave = _swing(gap, symbol, end, side, point)
        return (False, found[-1]) if wave is None else (True, wave)
    first, second, third = (abs(b).mid() for b in found[-3:])
    if found[-1].contains(0):
        return False, found[-1]
    if third > second * 0.98 and second > first * 0.98:
        fall = second - third  # of 1/log(log(a)) as much every time
        settles = fall <= (first - second) / 2 or fall < third * TINY
        return (True, found[-1]) if settles else None
    return False, found[-1]


def _oscillates(e: sp.Expr) -> bool:
    """Whether a part of it may come back for ever to what it was."""
    return bool(e.has(*OSCILLATES)) or any(not p.base.is_nonnegative and p.exp.free_symbols for p in e.atoms(sp.Pow))


def _swing(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point) -> Any:
    """The largest of the gap a long way out, beside powers of ten too, where it is no smaller than before; else None."""
    largest = []
    for exponent in SWINGS:
        balls_there = [_at(gap, symbol, end, side, exponent, point, aside) for aside in ASIDE]
        largest.append(max((b for b in balls_there if b is not None), key=lambda b: abs(b).mid(), default=flint.acb(0)))
    sizes = [abs(b) for b in largest]
    stays = all(b > a * 0.75 for a, b in itertools.pairwise(sizes)) and sizes[-1] > TINY and sizes[-1] > sizes[0] * 0.8
    return largest[-1] if stays else None


def _refuted(
    left: sp.Expr, right: sp.Expr, relation: str, symbol: sp.Symbol, end: sp.Expr, side: str, point: Point, last: Any
) -> Judgement:
    what, claimed = ("left / right", 1) if relation == "leading" else ("left - right", 0)
    value = (last + claimed).real.str(8, radius=False)
    return Judgement(
        "refuted",
        f"as {symbol} goes to {end}{side}, {what} goes to {value}, not to {claimed}",
        ("Arb",),
        witness={**told(point), str(symbol): f"-> {end}{side}"},
        sides=(f"{what} -> {value}", str(claimed)),
    )


def _supported(gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, sides: Sequence[str], seen: int) -> Judgement:
    by_sympy = all(patiently(1.0, sp.limit, gap, symbol, end, side or "+") == 0 for side in sides)
    trusts = ("Arb", "sympy.limit") if by_sympy else ("Arb",)
    return Judgement(
        "supported",
        f"the difference falls on the way to {symbol} = {end} in {seen} cases"
        + ("; sympy's limit is the one claimed" if by_sympy else ""),
        trusts,
        cannot_exclude="another limit, reached only beyond 10^(10^15), or at other values of the parameters",
    )


# --- by Taylor's theorem ---


def _cases(
    left: sp.Expr, right: sp.Expr, assume: Sequence[sp.Basic], symbol: sp.Symbol
) -> list[tuple[sp.Expr, sp.Expr]]:
    """Both sides within the bounds of the other symbols, and on either side of a switch between them and where it switches."""
    names = sp.Dummy("l"), sp.Dummy("r")
    branches = [b for b in sides_of_a_switch(names[0] * left + names[1] * right) if symbol not in b[1].free_symbols]
    if not branches and not assume:
        return []
    found = []
    for there, relation in branches or ((names[0] * left + names[1] * right, sp.true),):
        strictly = [] if relation == sp.true else [(sp.Gt if isinstance(relation, sp.Ge) else sp.Lt)(*relation.args)]
        cases = list(within_bounds(there, [*assume, *strictly]))
        cases += [there.subs(relation.lhs, relation.rhs)] if strictly else []
        found += [tuple(case.subs({name: int(name == one) for name in names}) for one in names) for case in cases]
    return found


def _limit_by_cases(
    cases: Sequence[tuple[sp.Expr, sp.Expr]], relation: str, symbol: sp.Symbol, end: sp.Expr, side: str
) -> sp.Expr | None:
    """0 where it is that in all of them."""
    for left, right in cases:
        gap = left / right - 1 if relation == "leading" else left - right
        value = _limit_of_line(left, right, relation, gap, symbol, end, side)
        if value is None or sp.simplify(value) != 0:
            return None
    return sp.S.Zero


def _limit_of_line(
    left: sp.Expr, right: sp.Expr, relation: str, gap: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str
) -> sp.Expr | None:
    """The limit of the gap; of a ratio of what is positive, by the difference of the logarithms too."""
    if symbol.is_integer and symbol.is_positive:  # what holds for numbers holds for whole ones
        real = sp.Dummy(symbol.name, positive=True)
        left, right, gap, symbol = (e.xreplace({symbol: real}) for e in (left, right, gap, symbol))
    if relation == "leading":
        left, right, gap = _where_defined(right, symbol, left, right, gap)
    value = limit_of(gap, symbol, end, side)
    if value is not None:
        return value
    if relation == "leading" or right.is_positive:
        above, below = (asymptotics.logarithm(s) for s in _without_sign(left, right))
        if above is not None and below is not None and symbol in (above - below).free_symbols:
            value = limit_of(above - below, symbol, end, side)
            if value is not None and value.is_finite:
                return (sp.exp(value) - 1) * (1 if relation == "leading" else right)
        beside = relation == "leading" and limit_of(1 / right, symbol, end, side) == 0
        if beside:  # what grows: a bounded difference is nothing
            value = limit_of(left - right, symbol, end, side)
            if value is not None and value.is_finite:
                return sp.S.Zero
        if end.is_finite and (value := patiently(IN_PARTS, _near_the_end, left, right, symbol, end, side)) is not None:
            return value
    value = patiently(IN_PARTS, limit_in_parts, left / right if relation == "leading" else left, symbol, end, side)
    if value is None or not value.is_finite:
        return None
    return value - (1 if relation == "leading" else right)


def _near_the_end(left: sp.Expr, right: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str) -> sp.Expr | None:
    """By the difference of the logarithms at distances below 1, where factors are positive that may not be everywhere."""
    w = sp.Dummy("w", positive=True)
    place = _path(end, "-" if side == "-" else "+", w / (1 + w))
    parts = [asymptotics.logarithm(_factored(s.subs(symbol, place))) for s in (left, right)]
    above, below = parts
    value = limit_of(above - below, w, sp.S.Zero, "+") if above is not None and below is not None else None
    return None if value is None else sp.exp(value) - 1


def _factored(e: sp.Expr) -> sp.Expr:
    powers = e.replace(lambda p: isinstance(p, sp.Pow), lambda p: sp.factor(sp.together(p.base)) ** p.exp)
    return powers if isinstance(powers, sp.Mul | sp.Pow) else sp.factor(sp.together(powers))


def _where_defined(right: sp.Expr, symbol: sp.Symbol, *expressions: sp.Expr) -> tuple[sp.Expr, ...]:
    """Counts from 2 on where right is 0 at 1, so that nothing is said there."""
    counts = [s for s in right.free_symbols - {symbol} if s.is_integer and s.is_positive and right.subs(s, 1) == 0]
    shifted = {s: 1 + sp.Dummy(s.name, integer=True, positive=True) for s in counts}
    return tuple(e.xreplace(shifted) for e in expressions)


def _without_sign(left: sp.Expr, right: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Both turned, where both have a sign in front."""
    both = left.could_extract_minus_sign() and right.could_extract_minus_sign()
    return (-left, -right) if both else (left, right)


def limit_in_parts(e: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str) -> sp.Expr | None:
    """The limit as a whole, or from those of the parts where the function of them is continuous there; it may be infinite."""
    if symbol not in e.free_symbols:
        return e
    value = limit_of(e, symbol, end, side)
    if value is None and e.has(sp.log):
        value = limit_of(e, symbol, end, side, below_one=True)
    if value is not None:
        return value
    if end.is_infinite and symbol.is_positive and not e.subs(sp.log(symbol), 0).has(symbol):
        return limit_in_parts(e.subs(sp.log(symbol), symbol), symbol, end, side)
    if isinstance(e, sp.Pow) and symbol in e.exp.free_symbols and e.base is not sp.E:
        below = sp.S.One if e.base.is_positive else limit_of(e.base, symbol, end, side)
        if below is None or not below.is_positive:
            return None
        exponent = limit_in_parts(e.exp * sp.log(e.base), symbol, end, side)
        return None if exponent is None else sp.exp(exponent)
    if isinstance(e, sp.exp | sp.erf | sp.atan | sp.tanh):
        step = sp.Dummy("u", positive=True)
        inside = e.args[0].subs(symbol, _path(end, side, step))
        if grows(inside, step) or grows(-inside, step):
            return e.func(sp.S.Infinity if grows(inside, step) else sp.S.NegativeInfinity)
    if isinstance(e, sp.Mul) and (value := _limit_of_product(e, symbol, end, side)) is not None:
        return value
    if not isinstance(e, CONTINUOUS):
        return None
    limits = [limit_in_parts(part, symbol, end, side) for part in e.args]
    values = [value for value in limits if value is not None]
    if len(values) < len(limits) or (isinstance(e, sp.Pow | sp.log) and not values[0].is_positive):
        return None
    found = e.func(*values)
    if found.has(sp.AccumBounds):
        return None
    return found if found.is_finite or found in (sp.S.Infinity, sp.S.NegativeInfinity) else None


def _limit_of_product(e: sp.Mul, symbol: sp.Symbol, end: sp.Expr, side: str) -> sp.Expr | None:
    """Each factor beside a simple function that goes as it does, and the product of these."""
    distance = (
        (symbol - end) * (-1 if side == "-" else 1) if end.is_finite else 1 / symbol if end is sp.oo else -1 / symbol
    )
    scales = [distance**p * sp.log(distance) ** q for q in (0, 1) for p in (0, 1, -1, 2, -2)]
    value = scale = sp.S.One
    for factor in e.args:
        base, power = factor.as_base_exp()
        if symbol in power.free_symbols or base.is_rational_function(symbol):
            scale *= factor
            continue
        known = ((m, limit_of(base / m, symbol, end, side)) for m in scales)
        m, share = next(((m, v) for m, v in known if v is not None and v.is_nonzero), (sp.S.Zero, sp.S.Zero))
        if m == 0 or (not power.is_integer and not share.is_positive):
            return None
        value, scale = value * share**power, scale * m**power
    rest = limit_of(scale, symbol, end, side)
    return None if rest is None else value * rest


def _path(end: sp.Expr, side: str, step: sp.Expr) -> sp.Expr:
    """A way to the end as the step falls to 0."""
    return end + (-step if side == "-" else step) if end.is_finite else 1 / step if end is sp.oo else -1 / step


def limit_of(e: sp.Expr, symbol: sp.Symbol, end: sp.Expr, side: str, *, below_one: bool = False) -> sp.Expr | None:
    """The limit of a quotient of functions that are analytic at the end, by the first of their Taylor coefficients.

    Below one, of functions that are analytic for distances, or inverse ones, up to 1.
    """
    if side == "+-" and end.is_finite:  # of x/|x| at 0 each side has a limit, and there is none
        left, right = (limit_of(e, symbol, end, s, below_one=below_one) for s in "-+")
        return right if left is not None and right is not None and sp.simplify(left - right) == 0 else None
    if end.is_finite and is_analytic_at(e, symbol, end):
        return e.subs(symbol, end)
    e = asymptotics.with_logarithms(e)
    u, v = sp.Dummy("u", nonnegative=True), sp.Dummy("u", positive=True)  # u for what holds at 0 too, v for algebra
    steps = (v / (1 + v),) if below_one else (v, v**2)
    for step, form in itertools.product(steps, (_with_split_logarithms, _with_plain_logarithms)):
        value = patiently(A_WAY, _by_coefficients, e.subs(symbol, _path(end, side, step)), v, u, form)
        if value is not None:
            return value
    return None


def _by_coefficients(e: sp.Expr, v: sp.Symbol, u: sp.Symbol, form: Callable[[sp.Expr], sp.Expr]) -> sp.Expr | None:
    for there in dict.fromkeys((e, asymptotics.expanded(e, v))):
        above, below = sp.fraction(sp.together(_vanished(form(_vanished(there, v)), v)))
        if below.has(sp.log(v)):
            value = _of_logarithms(above, below, v, u)
        else:
            value = _of_quotient(above.xreplace({v: u}), below.xreplace({v: u}), u)
        if value is not None and not asymptotics.thetas(value):
            return value
    return None


def _of_logarithms(above: sp.Expr, below: sp.Expr, v: sp.Symbol, u: sp.Symbol) -> sp.Expr | None:
    """A/B of (A log v + f)/(B log v + g), f and g analytic at 0: the logarithm outgrows them."""
    shares = []
    for part in map(sp.expand, (above, below)):
        share = part.coeff(sp.log(v))
        rest = sp.expand(part - share * sp.log(v)).xreplace({v: u})
        if v in share.free_symbols or rest.has(sp.log(u)) or not is_smooth(rest, u):
            return None
        shares.append(share)
    return shares[0] / shares[1] if shares[1].is_nonzero else None


def _with_split_logarithms(e: sp.Expr) -> sp.Expr:
    """Logarithms of products as sums, roots of products as products."""
    return sp.expand_log(
        asymptotics.with_roots_of_factors(e).replace(sp.log, lambda z: sp.log(sp.factor(sp.together(z))))
    )


def _with_plain_logarithms(e: sp.Expr) -> sp.Expr:
    """Logarithms put together, and their arguments in lowest terms."""
    return sp.logcombine(e).replace(sp.log, lambda z: sp.log(sp.cancel(sp.together(z))))


def _vanished(e: sp.Expr, u: sp.Symbol) -> sp.Expr:
    """Without the terms, or those of the numerator, that go to 0; as it was where there are none: apart they may be singular."""
    above, below = sp.fraction(sp.together(e))
    for total, under in ((e, sp.S.One), (above, below)):
        terms = sp.Add.make_args(sp.expand(total))
        kept = [term for term in terms if not vanishes(term / under, u)]
        if len(kept) < len(terms):
            return sp.Add(*kept) / under
    return e


def _of_quotient(above: sp.Expr, below: sp.Expr, u: sp.Symbol) -> sp.Expr | None:
    if not all(is_smooth(part, u) or is_analytic_at(part, u, sp.S.Zero) for part in (above, below)):
        return None
    for _ in range(ORDERS):
        upper, lower = (sp.simplify(part.subs(u, 0)) for part in (above, below))
        if upper is sp.nan or lower is sp.nan:
            return None
        if lower != 0:
            return upper / lower if lower.is_nonzero else None
        if upper != 0:
            return None
        above, below = sp.diff(above, u), sp.diff(below, u)
    return None
