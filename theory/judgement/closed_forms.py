"""Closed forms of integrals, by rules whose conditions are checked; by sympy alone, which checks none it tells, marked so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from theory.algebra import gaussian_integrals
from theory.judgement import exponential_integrals, gaussian_pieces
from theory.judgement.limits import limit_of
from theory.judgement.patience import patiently
from theory.judgement.reduction import reduces_to_zero
from theory.judgement.smooth import is_smooth
from theory.judgement.switches import branches

__all__ = ["ClosedForm", "closed_form"]

A_RULE, ALL_RULES = 1.2, 1.6  # seconds
HALF = sp.Rational(1, 2)
WAVES = sp.sin, sp.cos, sp.sinh, sp.cosh


@dataclass(frozen=True)
class ClosedForm:
    """A value, what it trusts, and whether its conditions were checked (sympy's own integration checks none that it tells)."""

    value: sp.Expr
    trusts: str
    checked: bool = True


def closed_form(integral: sp.Integral) -> ClosedForm | None:
    """The integral by a rule; the innermost variable first. None where there is none."""
    if any(len(limit) != 3 for limit in integral.limits):
        return None
    value, trusts, checked = integral.function, [], True
    for y, low, high in integral.limits:
        found = _single(value, y, low, high)
        if found is None:
            return None
        value, checked = found.value, checked and found.checked
        trusts.append(found.trusts)
    return ClosedForm(value, ", ".join(dict.fromkeys(trusts)), checked)


def _single(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    return patiently(ALL_RULES, _by_rules, f, y, low, high)


def _by_rules(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    for rule in RULES:
        if (found := patiently(A_RULE, rule, f, y, low, high)) is not None:
            return found
    return None


def _terms(f: sp.Expr, y: sp.Symbol) -> list[tuple[sp.Expr, sp.Expr]]:
    """f as a sum of polynomials times exp: pairs (factor without an exponential, exponent)."""
    real = sp.Dummy("y", real=True)
    f = sp.expand_log(f.xreplace({y: real}))
    waves = [w for w in f.atoms(*WAVES) if real in w.free_symbols]
    f = f.xreplace({w: w.rewrite(sp.exp) for w in waves})
    pairs = []
    for term in sp.Add.make_args(sp.expand(f, power_exp=False)):
        exponents, rest = [], []
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.exp) and real in factor.free_symbols:
                exponents.append(factor.args[0])
            else:
                rest.append(factor)
        pairs.append((sp.Mul(*rest).xreplace({real: y}), sp.Add(*exponents).xreplace({real: y})))
    return pairs


def _gaussian(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    if (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    total = sp.S.Zero
    for factor, exponent in _terms(f, y):
        constant, polynomial = factor.as_independent(y, as_Add=False)
        total += constant * gaussian_integrals.integral(polynomial, exponent, y)
    return ClosedForm(total, "the Gaussian integral")


def _in_gaussian_pieces(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm:
    if not f.has(sp.exp):
        raise ValueError("no Gaussian")
    return ClosedForm(gaussian_pieces.integral(f, y, low, high), "Gaussian integrals of error functions")


def _gamma(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^oo y^(p-1) exp(-b y^r) dy = Gamma(p/r) b^(-p/r) / |r| for b, p/r > 0; by powers of log y, derivatives by p.

    From c > 0 on, or up to it, Gamma(p/r, b c^r) or gamma(p/r, b c^r) in place of Gamma(p/r).
    """
    ends = low if high is sp.S.Infinity else sp.S.NegativeInfinity, high if low == 0 else sp.S.NegativeInfinity
    if not (ends[0].is_nonnegative or ends[1].is_positive):
        return None
    total, s, order = sp.S.Zero, sp.Dummy("s", positive=True), sp.Dummy("p")
    for factor, exponent in _terms(f, y):
        constant, power = factor.xreplace({y: s}).as_independent(s, as_Add=False)
        times, power = _without_logarithms(power, s)
        p = _degree(power, s) + 1
        shift, falling = exponent.xreplace({y: s}).as_independent(s, as_Add=True)
        r = _degree(falling, s)
        rate = sp.simplify(-falling / s**r)
        whole = (low, high) == (sp.S.Zero, sp.S.Infinity)
        if s in p.free_symbols | r.free_symbols | rate.free_symbols or (times and not whole):
            return None
        rising = r.is_negative and whole  # in 1/y
        if not ((r.is_positive or rising) and rate.is_positive) or not p.is_real:
            return None
        if low == 0 and not (p.is_negative if rising else p.is_positive):
            return None
        front = constant * sp.exp(shift) * (power / s ** (p - 1)).subs(s, 1)
        if whole:
            mass = sp.diff(sp.gamma(order / r) * rate ** (-order / r), order, times).subs(order, p)
        else:
            known = (sp.lowergamma, high) if low == 0 else (sp.uppergamma, low)
            mass = known[0](p / r, rate * known[1] ** r) * rate ** (-p / r)
        total += front * mass / (-r if rising else r)
    return ClosedForm(total, "Euler's integral of the gamma function")


def _by_exponential(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """Over the line, of exp(-exp(y)) and the like by v = exp(-y), or exp(y)."""
    inner = {p for e in f.atoms(sp.exp) for p in e.args[0].atoms(sp.exp) if y in p.free_symbols}
    if len(inner) != 1 or (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    rate = sp.cancel(inner.pop().args[0] / y)
    v = sp.Dummy("v", positive=True)
    if y in rate.free_symbols or not rate.is_nonzero or not rate.is_real:
        return None
    inside = sp.expand(sp.powsimp(f.subs(y, sp.log(v) / rate) / (v * abs(rate))), power_exp=False)
    inside = inside.replace(sp.exp, lambda z: sp.exp(z.coeff(sp.log(v), 0)) * v ** z.coeff(sp.log(v)))
    return _gamma(inside, v, sp.S.Zero, sp.S.Infinity)


def _rational_in_exponential(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    value = exponential_integrals.over_the_line(f, y, low, high)
    return None if value is None else ClosedForm(value, "a differentiated antiderivative in exp(y)")


def _with_powers(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    value = exponential_integrals.with_powers(f, y, low, high)
    return None if value is None else ClosedForm(value, "the Dirichlet series of zeta, term by term")


def _frullani(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^oo of the sum of c exp(-b y) over y = -(the sum of c log b), where the sum of c is 0 and all b > 0."""
    if (low, high) != (sp.S.Zero, sp.S.Infinity):
        return None
    total = weight = sp.S.Zero
    for factor, exponent in _terms(f, y):
        c, rate = sp.cancel(factor * y), sp.cancel(-exponent / y)
        if y in c.free_symbols | rate.free_symbols or not rate.is_positive:
            return None
        total, weight = total - c * sp.log(rate), weight + c
    return ClosedForm(total, "Frullani's integral") if sp.expand(weight) == 0 else None


def _without_logarithms(power: sp.Expr, s: sp.Symbol) -> tuple[int, sp.Expr]:
    """How many factors log s there are, and what is left."""
    times = next((int(f.as_base_exp()[1]) for f in sp.Mul.make_args(power) if f.as_base_exp()[0] == sp.log(s)), 0)
    return times, power / sp.log(s) ** times


def _degree(power: sp.Expr, s: sp.Symbol) -> sp.Expr:
    """n of c s^n; still with s in it where it is no such power."""
    return sp.simplify(s * sp.diff(power, s) / power)


def _wave(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^oo sin(b y)/y dy = pi/2, int_0^oo cos(b y^2) dy = int_0^oo sin(b y^2) dy = sqrt(pi/(8 b)), b > 0.

    int_0^oo (1 - cos(b y))/y^2 dy = pi b/2, int_0^oo sin(b y)^2/y^2 dy = pi b/2.
    """
    halves = {(sp.S.Zero, sp.S.Infinity): 1, (sp.S.NegativeInfinity, sp.S.Infinity): 2}.get((low, high))
    if halves is None:
        return None
    constant, rest = f.replace(sp.sinc, lambda z: sp.sin(z) / z).as_independent(y, as_Add=False)
    b = sp.Wild("b", exclude=[y])
    fresnel = sp.sqrt(sp.pi / (8 * b)), "Fresnel's integrals"
    known = {
        sp.sin(b * y) / y: (sp.pi / 2, "Dirichlet's integral"),
        sp.cos(b * y**2): fresnel,
        sp.sin(b * y**2): fresnel,
        (1 - sp.cos(b * y)) / y**2: (sp.pi * b / 2, "Dirichlet's integral"),
        (sp.sin(b * y) / y) ** 2: (sp.pi * b / 2, "Dirichlet's integral"),
    }
    for wave, (value, name) in known.items():
        found = rest.match(wave)
        if found and found[b].is_positive:
            return ClosedForm(halves * constant * value.xreplace(found), name)
    return None


def _lorentz(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int cos(a y)/(y^2 + b^2) dy = pi exp(-a b)/b over the line, a >= 0, b > 0."""
    if (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    constant, rest = f.as_independent(y, as_Add=False)
    wave = next((w for w in sp.Mul.make_args(rest) if isinstance(w, sp.cos)), sp.S.One)
    a = sp.expand(wave.args[0] / y) if wave is not sp.S.One else sp.S.Zero
    under = sp.Poly(wave / rest, y)  # or it is of another kind, which Poly says
    if under.degree() != 2 or under.coeff_monomial(y) != 0 or y in a.free_symbols:
        return None
    front, square = under.LC(), under.TC() / under.LC()
    if y in front.free_symbols | square.free_symbols or not (a.is_nonnegative and square.is_positive):
        return None
    b = sp.sqrt(square)
    return ClosedForm(constant / front * sp.pi / b * sp.exp(-a * b), "the residue theorem")


def _log_lorentz(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int log(y^2 + a^2)/(y^2 + b^2) dy = 2 pi log(a + b)/b over the line, a, b > 0."""
    if (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    constant, rest = f.as_independent(y, as_Add=False)
    wave = next((w for w in sp.Mul.make_args(rest) if isinstance(w, sp.log)), None)
    if wave is None:
        return None
    squares = [sp.Poly(e, y) for e in (wave.args[0], wave / rest)]  # or it is of another kind, which Poly says
    if any(p.degree() != 2 or p.coeff_monomial(y) != 0 for p in squares):
        return None
    if not all(p.LC().is_positive and p.TC().is_positive for p in squares):
        return None
    a, b = (sp.sqrt(p.TC() / p.LC()) for p in squares)
    value = (2 * sp.log(a + b) + sp.log(squares[0].LC())) * sp.pi / b / squares[1].LC()
    return ClosedForm(constant * value, "the residue theorem")


def _bessel(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^pi exp(a cos y) cos(n y) dy = pi I_n(a), n whole and not negative (DLMF 10.32.3); as much again up to 2 pi."""
    halves = {(sp.S.Zero, sp.pi): 1, (sp.S.Zero, 2 * sp.pi): 2, (-sp.pi, sp.pi): 2}.get((low, high))
    if halves is None:
        return None
    constant, rest = f.as_independent(y, as_Add=False)
    order, a = sp.S.Zero, None
    for factor in sp.Mul.make_args(rest):
        if isinstance(factor, sp.exp) and a is None:
            a = sp.cancel(factor.args[0] / sp.cos(y))
        elif isinstance(factor, sp.cos) and order == 0:
            order = sp.cancel(factor.args[0] / y)
        else:
            return None
    if a is None or y in (a.free_symbols | order.free_symbols) or not (order.is_integer and order.is_nonnegative):
        return None
    return ClosedForm(halves * constant * sp.pi * sp.besseli(order, a), "Bessel's integral")


def _turn(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^2pi dy/(p + q cos y) = 2 pi/sqrt(p^2 - q^2) for p > |q|."""
    if low != 0 or high != 2 * sp.pi:
        return None
    constant, rest = f.as_independent(y, as_Add=False)
    below = sp.expand(1 / rest)
    wave = next((w for w in (sp.cos(y), sp.sin(y)) if below.has(w)), None)
    q = below.coeff(wave) if wave is not None else sp.S.Zero
    p = sp.expand(below - q * wave) if wave is not None else y
    if y in (p.free_symbols | q.free_symbols) or not ((p + q).is_positive and (p - q).is_positive):
        return None
    return ClosedForm(constant * 2 * sp.pi / sp.sqrt(p**2 - q**2), "the residue theorem")


def _in_pieces(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """Over the line, where |y|, sign y or max(y, 0) break it at 0, from either half."""
    broken = [e for e in f.atoms(sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside) if y in e.free_symbols]
    powers = [p for p in f.atoms(sp.Pow) if p.base == y and p.exp.free_symbols]
    if not (broken or powers) or (low, high) != (sp.S.NegativeInfinity, sp.S.Infinity):
        return None
    u, total = sp.Dummy("u", positive=True), sp.S.Zero
    for half in (f.xreplace({y: u}), f.xreplace({y: -u})):
        if any(u in e.free_symbols for e in half.atoms(*(e.func for e in broken))):
            return None
        found = ClosedForm(sp.S.Zero, "") if half == 0 else _gamma(half, u, sp.S.Zero, sp.S.Infinity)
        if found is None:
            return None
        total += found.value
    return ClosedForm(total, "Euler's integral of the gamma function, on either half of the line")


def _between_switches(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """Where a modulus or a maximum changes its branch once between finite ends, from either part."""
    broken = [e for e in f.atoms(sp.Abs, sp.Max, sp.Min) if y in e.free_symbols]
    if len(broken) != 1 or not (low.is_finite and high.is_finite):
        return None
    gap, above, below = branches(broken[0])
    slope = sp.diff(gap, y)
    if y in slope.free_symbols or not (slope.is_positive or slope.is_negative):
        return None
    place = sp.solve(gap, y)[0]
    if not ((place - low).is_nonnegative and (high - place).is_nonnegative):
        return None
    first, last = (below, above) if slope.is_positive else (above, below)
    parts = [(first, low, place), (last, place, high)]
    tried = [_by_rules(f.xreplace({broken[0]: form}), y, start, end) for form, start, end in parts]
    found = [part for part in tried if part is not None]
    if len(found) < len(parts):
        return None
    trusts = dict.fromkeys(part.trusts for part in found)
    return ClosedForm(sum(p.value for p in found), ", ".join(trusts), all(p.checked for p in found))


def _between_numbers(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """Where moduli, maxima and the like change their branches at numbers, roots of polynomials, from the parts between."""
    broken = [e for e in f.atoms(sp.Abs, sp.Max, sp.Min, sp.Piecewise, sp.sign, sp.Heaviside) if y in e.free_symbols]
    ends = [end for end in (low, high) if end.is_finite]
    if not broken or any(e.free_symbols != {y} for e in broken) or not all(end.is_number for end in ends):
        return None
    real = sp.Dummy("y", real=True)
    g = sp.piecewise_fold(f.xreplace({y: real}).rewrite(sp.Piecewise))
    conditions = [c for e in g.atoms(sp.Piecewise) for _, c in e.args]
    gaps = [r.lhs - r.rhs for c in conditions for r in c.atoms(sp.core.relational.Relational)]
    if not all(gap.is_polynomial(real) and sp.degree(gap, real) <= 2 for gap in gaps):
        return None
    places = sorted(
        {p for gap in gaps for p in sp.roots(sp.Poly(gap, real)) if p.is_real and low < p < high}, key=float
    )
    total, trusts, checked = sp.S.Zero, [], True
    for start, end in itertools.pairwise([low, *places, high]):
        inside = (start + end) / 2 if start.is_finite and end.is_finite else start + 1 if start.is_finite else end - 1
        if not inside.is_finite:
            return None
        branch = g.replace(lambda e: isinstance(e, sp.Piecewise), lambda e, at=inside: _chosen(e, real, at))
        if branch.has(sp.nan):
            return None
        part = ClosedForm(sp.S.Zero, "") if branch == 0 else _by_rules(branch.xreplace({real: y}), y, start, end)
        if part is None:
            return None
        total, checked = total + part.value, checked and part.checked
        trusts.append(part.trusts)
    return ClosedForm(total, ", ".join(dict.fromkeys(filter(None, trusts))) or "rational arithmetic", checked)


def _chosen(e: sp.Piecewise, y: sp.Symbol, at: sp.Expr) -> sp.Expr:
    """The branch of a number."""
    return next((value for value, condition in e.args if condition.subs(y, at) == sp.true), sp.nan)


def _beta(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """int_0^h y^(p-1) (h^r - y^r)^(q-1) dy = h^(p + r (q-1)) B(p/r, q)/r for p, q, r, h > 0; by log y, the derivative by p.

    From -h on twice that, where the integrand is even.
    """
    u, real, halves = sp.Dummy("u", positive=True), sp.Dummy("y", real=True), 1
    f = f.xreplace({y: real})
    if low == -high and sp.simplify(f.xreplace({real: -real}) - f) == 0:
        low, halves = sp.S.Zero, 2
    f = f.xreplace({real: u})
    if low != 0 or not high.is_positive:
        return None
    total = sum((_beta_term(term, u, high) for term in sp.Add.make_args(sp.expand(f, deep=False))), sp.S.Zero)
    return ClosedForm(halves * total, "Euler's beta integral")


def _beta_term(f: sp.Expr, u: sp.Symbol, h: sp.Expr) -> sp.Expr:
    """A product of powers of u and of one h^r - u^r, and of logarithms of these.

    Raises:
        ValueError: where it is none.
    """
    constant, rest = f.as_independent(u, as_Add=False)
    of_u, of_rest = sp.Dummy("p"), sp.Dummy("q")
    p, q, r, logarithms = sp.S.One, sp.S.One, None, [0, 0]
    for factor in sp.Mul.make_args(sp.expand_power_base(rest)):
        base, exponent = factor.as_base_exp()
        if base == u:
            p += exponent
        elif base == sp.log(u) and exponent.is_Integer and exponent > 0:
            logarithms[0] += int(exponent)
        elif isinstance(base, sp.log) and exponent.is_Integer and exponent > 0:
            degree = _falls(base.args[0], u, h)
            if degree is None or r not in (None, degree):
                raise ValueError("no beta integral")
            r, logarithms[1] = degree, logarithms[1] + int(exponent)
        elif (degree := _falls(base, u, h)) is not None and r in (None, degree):
            r, q = degree, q + exponent
        else:
            raise ValueError("no beta integral")
    r = sp.S.One if r is None else r
    if u in p.free_symbols or u in q.free_symbols or not (p.is_positive and q.is_positive):
        raise ValueError("no beta integral")
    mass = h ** (of_u + r * (of_rest - 1)) * sp.gamma(of_u / r) * sp.gamma(of_rest) / sp.gamma(of_u / r + of_rest) / r
    for order, times in zip((of_u, of_rest), logarithms, strict=True):
        mass = sp.diff(mass, order, times)
    return constant * mass.subs({of_u: p, of_rest: q})


def _falls(base: sp.Expr, u: sp.Symbol, h: sp.Expr) -> sp.Expr | None:
    """r where it is h^r - u^r, r > 0."""
    constant, power = base.as_independent(u, as_Add=True)
    r = _degree(-power, u)
    known = u not in r.free_symbols and r.is_positive and sp.expand(power + u**r) == 0
    return r if known and sp.simplify(constant - h**r) == 0 else None


def _semicircle(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """Rational functions beside sqrt((high - y)(y - low)) or its inverse, with one pole at most, outside.

    In u = (y - c)/R, z > 1: int u^n sqrt(1 - u^2) du = B((n+1)/2, 3/2), over (z - u) pi (z - sqrt(z^2 - 1)); for the inverse root
    B((n+1)/2, 1/2) and pi/sqrt(z^2 - 1); n even.
    """
    c, R, u = (low + high) / 2, (high - low) / 2, sp.Dummy("u", real=True)
    roots = [p for p in sp.Mul.make_args(f) if isinstance(p, sp.Pow) and y in p.free_symbols and abs(p.exp) == HALF]
    powers = {p.exp for p in roots}
    if len(powers) != 1 or not R.is_positive or not all(p.base.subs(y, c).is_positive for p in roots):
        return None
    power = powers.pop()
    scale = sp.simplify(sp.Mul(*(p.base for p in roots)).subs(y, c + R * u) / (1 - u**2))
    rest = sp.cancel(sp.together((f / sp.Mul(*roots)).subs(y, c + R * u)))
    if u in scale.free_symbols or not scale.is_positive or not rest.is_rational_function(u):
        return None
    above, below = sp.fraction(rest)
    polynomial, left = (sp.Poly(part, u) for part in sp.div(above, below, u))
    total = sum((v * _even_beta(n, power) for (n,), v in polynomial.terms()), sp.S.Zero)
    if not left.is_zero:
        if sp.degree(below, u) != 1:
            return None
        slope, z = sp.Poly(below, u).LC(), sp.solve(below, u)[0]
        if not (sp.factor(z - 1).is_positive or sp.factor(-1 - z).is_positive):
            return None
        side = 1 if sp.factor(z - 1).is_positive else -1
        beside = side * sp.sqrt(sp.factor(z**2 - 1))
        total -= left.as_expr() / slope * sp.pi * (z - beside if power > 0 else 1 / beside)
    return ClosedForm(R * scale**power * total, "Euler's beta integral, the residue theorem")


def _even_beta(n: int, power: sp.Rational) -> sp.Expr:
    half = sp.Rational(n + 1, 2)
    return sp.S.Zero if n % 2 else sp.gamma(half) * sp.gamma(1 + power) / sp.gamma(half + 1 + power)


def _antiderivative(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    """F(high) - F(low), where F' = f by differentiation and F is seen to be smooth between them."""
    inside = sp.integrate(f, y)
    if inside.has(sp.Integral, sp.Piecewise):
        return None
    inner = next((i for i in _intervals(low, high) if _is_smooth_on(inside.subs(y, i.place), i.symbol)), None)
    if inner is None or not reduces_to_zero(sp.diff(inside, y) - f):
        return None
    ends = [_at_end(inside, y, end, side, inner) for end, side in ((low, "+"), (high, "-"))]
    return ClosedForm(ends[1] - ends[0], "a differentiated antiderivative")


@dataclass(frozen=True)
class _Interval:
    """Where y runs over an interval and more, as the symbol does over its domain."""

    place: sp.Expr
    symbol: sp.Symbol

    def holds(self, end: sp.Expr) -> bool:
        value = end - (self.place - self.symbol)
        return bool(end.is_finite and (value.is_positive if self.symbol.is_positive else True))


def _intervals(low: sp.Expr, high: sp.Expr) -> Iterator[_Interval]:
    """From low on, with it or without; the positive numbers, where both ends are; else the line."""
    if low is sp.S.NegativeInfinity:
        whole = sp.Dummy("s", real=True)
        yield _Interval(whole, whole)
        return
    positive = sp.Dummy("s", positive=True)
    if high is sp.S.Infinity or (high - low).is_nonnegative:
        yield _Interval(low + (s := sp.Dummy("s", nonnegative=True)), s)
        yield _Interval(low + positive, positive)
    elif low.is_positive and high.is_positive:
        yield _Interval(positive, positive)
    else:
        whole = sp.Dummy("s", real=True)
        yield _Interval(whole, whole)


def _is_smooth_on(form: sp.Expr, s: sp.Symbol) -> bool:
    return is_smooth(form, s) or is_smooth(sp.expand(form), s)


def _at_end(F: sp.Expr, y: sp.Symbol, end: sp.Expr, side: str, inner: _Interval) -> sp.Expr:
    """F there where it is smooth, or its limit by Taylor's theorem.

    Raises:
        ValueError: where it has none by this rule.
    """
    if inner.holds(end):
        return F.subs(y, end)
    value = limit_of(F, y, end, side)
    if value is None:
        raise ValueError("no limit of the antiderivative")
    return value


def _by_sympy(f: sp.Expr, y: sp.Symbol, low: sp.Expr, high: sp.Expr) -> ClosedForm | None:
    value = sp.integrate(f, (y, low, high))
    return (
        None
        if value.has(sp.Integral, sp.Piecewise, sp.nan, sp.zoo, sp.oo)
        else ClosedForm(value, "sympy.integrate", checked=False)
    )


RULES = (
    _gaussian,
    _gamma,
    _by_exponential,
    _frullani,
    _lorentz,
    _log_lorentz,
    _bessel,
    _semicircle,
    _beta,
    _wave,
    _turn,
    _in_pieces,
    _between_switches,
    _in_gaussian_pieces,
    _with_powers,
    _rational_in_exponential,
    _between_numbers,
    _antiderivative,
    _by_sympy,
)
