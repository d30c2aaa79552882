"""LED-KDE: from the smoothed log-density to its modes, its normal directions, its divergence, and what generation makes of it."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import N, lam, t, x, xi, y, z
from theory.derivation import Derivation
from theory.predictions.led_kde import SOURCE, STATEMENT

__all__ = ["derive"]

h = sp.Symbol("h", positive=True)  # variance of the kernel
h0 = sp.Symbol("h", nonnegative=True)  # the same in what holds without a kernel too
v = sp.Symbol("v", positive=True)  # lambda + t
a = sp.Symbol("a", positive=True)  # half the separation of two samples, or of two centres
c = sp.Symbol("c", nonnegative=True)  # E log 2cosh - |mean|, of theory.averages.over_shifts
g = sp.Symbol("g", nonnegative=True)  # E log cosh - log cosh of the mean, of the same
S = sp.Symbol("S", nonnegative=True)  # E sech^2, of the same
r = sp.Symbol("r", nonnegative=True)  # |x|
u = sp.Symbol("u", positive=True)
SHIFTED = x + sp.sqrt(h) * xi


@cache
def derive() -> Derivation:
    """From the smoothed log-density to its modes, its normal directions, its divergence, and what generation makes of it."""
    d = Derivation(
        "led_kde",
        STATEMENT,
        SOURCE,
        "pi = exp(K_h * log p^_t)/Z, K_h = N(0, h I); x_t = x_0 + sqrt(t) xi; t, h > 0; two samples at -a and a stand for two "
        "Gaussians of variance lambda there as well, v = lambda + t",
    )
    _gaussian(d)
    _jensen(d)
    _two_samples(d)
    _modes(d)
    _normal_directions(d)
    _reverse_process(d)
    _condensation(d)
    _divergence(d)
    return d


def _gaussian(d: Derivation) -> None:
    """Infinitely many samples of a Gaussian, and one sample, at lambda = 0."""
    log_p = sp.log(gaussian.density(x, v)).expand(force=True)
    smoothed = d.compute(
        "smoothed log-density of a Gaussian",
        r"K_h * \log p",
        log_p.subs(x, 0) + gaussian.mean((log_p - log_p.subs(x, 0)).subs(x, SHIFTED), xi, sp.Integer(1)),
        log_p + h * sp.diff(log_p, x, 2) / 2,
        "v = lambda + t; compared with the heat semigroup, which ends at h/2 times the Laplacian of a quadratic",
    )
    at_0 = smoothed.subs(x, 0)
    norm = d.compute(
        "its normalization",
        r"\log Z",
        sp.expand_log(sp.log(gaussian.integral(sp.Integer(1), smoothed - at_0, x)), force=True) + at_0,
        smoothed - log_p,
        "the integral; compared with what smoothing took off log p at every x",
    )
    d.equal(
        "infinitely many samples are kept",
        smoothed - norm,
        log_p,
        "pi = p_t at every h; and a single sample has pi = p^_t, N(y, t I)",
    )
    d.result("normalization_gaussian", sp.simplify(norm).subs(h, h0), v, h0)
    d.result("log_density_gaussian", log_p, x, v)


def _jensen(d: Derivation) -> None:
    """The normalization is at most 1."""
    above, below = (sp.expand_log(q - 1 - sp.log(q), force=True) for q in (1 + u, 1 / (1 + u)))
    reason = "q = p^(x + sqrt(h) xi)/exp(K_h * log p^), whose logarithm has mean 0"
    d.greater("q - 1 - log q above q = 1", above, 0, f"q = 1 + u; {reason}", symbol=r"q - 1 - \log q")
    d.greater("q - 1 - log q below q = 1", below, 0, f"q = 1/(1 + u); {reason}", symbol=r"q - 1 - \log q")
    d.conclude(
        "the normalization is at most 1",
        r"\int K_h * \hat p \, / \, E\,q \leq 1",
        "q - 1 - log q above q = 1",
        "q - 1 - log q below q = 1",
        reason="E q >= 1 + E log q = 1, at every x, for any data in any dimension",
        symbol=r"Z = \int e^{K_h * \log \hat p}",
    )


def _two_samples(d: Derivation) -> None:
    """The log-density of two samples, and the average over the kernel that remains."""
    pair = (gaussian.density(x - a, v) + gaussian.density(x + a, v)) / 2
    flat, bent = -sp.log(8 * sp.pi * v) / 2 - (x**2 + a**2) / (2 * v), sp.log(2 * sp.cosh(a * x / v))
    d.compute(
        "two samples",
        r"\hat p",
        sp.exp(flat) * sp.exp(bent).rewrite(sp.exp),
        pair,
        "one at -a, one at a, with v for the noise variance",
    )
    mean_flat = gaussian.mean(sp.expand((x**2 - SHIFTED**2) / (2 * v)), xi, sp.Integer(1))
    about_a = -sp.log(8 * sp.pi * v) / 2 - ((r - a) ** 2 + h) / (2 * v) + c
    d.compute(
        "their smoothed log-density",
        r"K_h * \log \hat p",
        sp.expand(flat + mean_flat).subs(x, r) + c + a * r / v,
        about_a,
        "r = |x|, c = E log 2cosh(a (x + sqrt(h) xi)/v) - a r/v, which Jensen has at 0 or above; it is even in x",
    )
    d.result("log_smoothed", about_a.subs({r: a + z, h: h0}), z, v, h0, c)
    change = d.compute(
        "what smoothing changes",
        r"K_h * \log \hat p - \log \hat p",
        sp.expand(mean_flat) + g,
        sp.expand(about_a - about_a.subs({h: 0, c: 0})).subs(c, g),
        "g = E log cosh(a (x + sqrt(h) xi)/v) - log cosh(a x/v), by which c is more than without a kernel",
    )
    w = sp.Symbol("w", real=True)
    d.equal(
        "opposite shifts together",
        (sp.cosh(u + w) * sp.cosh(u - w)).rewrite(sp.exp),
        (sp.cosh(u) ** 2 * (1 + sp.sinh(w) ** 2 / sp.cosh(u) ** 2)).rewrite(sp.exp),
        "so that g = (1/2) E log(1 + (sinh w/cosh u)^2), w = a sqrt(h) xi/v: positive, and nothing cancels at small h",
    )
    d.result("log_change", change.subs(h, h0), v, h0, g)
    d.compute(
        "their score",
        r"\partial_x \log \hat p",
        sp.diff(flat + bent, x),
        (a * sp.tanh(a * x / v) - x) / v,
        "so that pi has its extremes where x = a E tanh(a (x + sqrt(h) xi)/v), the fixed points of K_h * m^",
    )
    d.greater(
        "its second derivative falls off at least as that of one sample",
        sp.diff(sp.log(sp.cosh(u)), u, 2).rewrite(sp.cosh).simplify(),
        0,
        "sech^2 u > 0: log pi has no curvature below -1/v, and no mode is narrower than sqrt(v)",
        symbol=r"\partial_u^2 \log \cosh u",
    )


def _modes(d: Derivation) -> None:
    """Two modes or one, where they merge, and what is left of both where the samples are far apart."""
    m = sp.Symbol("m", positive=True)
    d.greater(
        "tanh is concave where it is positive",
        sp.sinh(u) / sp.cosh(u) ** 3 * 2,
        0,
        "minus the second derivative of tanh, which is odd",
        symbol=r"-\partial_u^2 \tanh u",
    )
    d.equal(
        "its second derivative",
        sp.diff(sp.tanh(u), u, 2).rewrite(sp.exp),
        (-2 * sp.sinh(u) / sp.cosh(u) ** 3).rewrite(sp.exp),
        "the expression above",
    )
    d.greater(
        "the kernel is more often on the side of its mean",
        sp.expand((u + m) ** 2 - (u - m) ** 2),
        0,
        "log of N(u; m) over N(u; -m), m > 0: so E tanh'' < 0, and a E tanh(a (x + sqrt(h) xi)/v) is concave in x > 0",
        symbol=r"(u + m)^2 - (u - m)^2",
    )
    slope = a**2 / v * S
    d.conclude(
        "two modes or one",
        r"\mathrm{once\ if\ } (a^2/v)\, E\,\mathrm{sech}^2(a \sqrt h\, \xi/v) > 1, \mathrm{\ else\ never}",
        "tanh is concave where it is positive",
        "its second derivative",
        "the kernel is more often on the side of its mean",
        reason="a concave function from 0 crosses the diagonal once, if its slope at 0 is above 1; E sech^2 falls with h",
        symbol=r"x > 0: \quad x = a\,E \tanh",
    )
    d.result("slope_at_centre", slope, a, v, S)
    above, below = (sp.Integral(gaussian.density(z - x, h), (z, *ends)) for ends in ((0, sp.oo), (-sp.oo, 0)))
    far = d.compute(
        "mean sign",
        r"\lim_{v \to 0} E \tanh(a (x + \sqrt h\, \xi)/v)",
        sp.erf(x / sp.sqrt(2 * h)),
        above - below,
        "a^2 >> v: the sign of x + sqrt(h) xi",
    )
    steep = d.compute(
        "slope where samples are far apart",
        r"\kappa",
        sp.diff(a * far, x),
        2 * a * gaussian.density(x, h),
        "of K_h * m^ in the limit v -> 0, at any x",
    )
    merging = d.compute(
        "merging bandwidth where samples are far apart",
        r"h_m",
        sp.solve(sp.Eq(steep.subs(x, 0), 1), h)[0],
        2 * a**2 / sp.pi,
        "the slope at 0 is 1",
    )
    d.compute(
        "it is an upper bound",
        r"\int \mathrm{sech}^2 u\, du",
        2 * sp.Limit(sp.tanh(u), u, sp.oo),
        sp.solve(sp.Eq(a**2 / v * z * v / (a * sp.sqrt(h) * sp.sqrt(2 * sp.pi)), steep.subs(x, 0)), z)[0],
        "E sech^2 is at most this times the peak of the density, 1/sqrt(2 pi) a sqrt(h)/v: the slope at any v is at most that of "
        "the limit, and modes merge at 2a^2/pi or below",
    )
    _next_order(d, steep.subs(x, 0), merging)
    d.result("merging_bandwidth_asymptotic", merging, a)
    d.result("pull_asymptotic", a * far.subs(x, r), r, a, h)
    d.result("slope_asymptotic", steep.subs(x, r), r, a, h)


def _next_order(d: Derivation, steep: sp.Expr, merging: sp.Expr) -> None:
    """Of the merging bandwidth in v^2/a^4."""
    k, w = sp.Symbol("k", integer=True, positive=True), sp.Symbol("w", positive=True)  # w = v^2
    second = d.compute(
        "second moment of sech^2",
        r"\int u^2\, \mathrm{sech}^2 u\, du",
        2 * sp.Sum((-1) ** (k + 1) / k**2, (k, 1, sp.oo)),
        sp.pi**2 / 6,
        "4 int u (1 - tanh u) du over u > 0, term by term in exp(-2 k u)",
    )
    slope = steep * (
        1 - second * w / (4 * a**2 * h)
    )  # the density falls by u^2/2 s^2, s = a sqrt(h)/v, and int sech^2 = 2
    d.compute(
        "next order of the merging bandwidth",
        r"\partial h_m / \partial v^2 \, / \, h_m",
        sp.simplify((-sp.diff(slope, w) / sp.diff(slope, h)).subs(w, 0).subs(h, merging) / merging),
        -(sp.pi**3) / (24 * a**4),
        "the slope at 0 to the order v^2, kept at 1",
    )


def _normal_directions(d: Derivation) -> None:
    """What is normal to a linear manifold."""
    log_normal = sp.log(gaussian.density(z, t)).expand(force=True)
    tangent = sp.Function("f")(x)
    d.compute(
        "normal directions split off",
        r"\partial_x \partial_z \log \hat p(x, z)",
        sp.diff(tangent + log_normal, x, z),
        sp.Integer(0),
        "every sample has z = 0, so p^ is that of the tangent space times N(z; 0, t); K_h takes a sum of functions of x and of z "
        "into such a sum",
    )
    smoothed = gaussian.mean((log_normal - log_normal.subs(z, 0)).subs(z, z + sp.sqrt(h) * xi), xi, sp.Integer(1))
    normal = d.compute(
        "normal variance",
        r"E\,z^2",
        -1 / sp.diff(smoothed, z, 2),
        gaussian.variance(z, {z: t}),
        "the curvature of a quadratic; compared with that of p^ itself: smoothing the logarithm spreads along the manifold alone",
    )
    both = gaussian.mean(sp.Integer(1), xi, sp.Integer(1), -((z - sp.sqrt(h) * xi) ** 2) / (2 * t))
    plain = d.compute(
        "normal variance of a kernel density estimate",
        r"E\,z^2",
        sp.factor(-1 / sp.diff(sp.expand_log(sp.log(both), force=True), z, 2)),
        gaussian.variance(z + xi, {z: t, xi: h}),
        "of the same kernel on p^ itself, width t + h: K_h * p^ spreads into every direction alike",
    )
    d.result("normal_variance", normal, t)
    d.result("normal_variance_plain", plain.subs(h, h0), t, h0)


def _reverse_process(d: Derivation) -> None:
    """What samples pi, and what does not."""
    space, time, w = sp.Symbol("x", real=True), sp.Symbol("t", positive=True), sp.Symbol("w", positive=True)
    first, second = (sp.Function(name)(space, time) for name in ("l_1", "l_2"))  # log p^ at two shifts
    heat = {sp.Derivative(f, time): (sp.diff(f, space, 2) + sp.diff(f, space) ** 2) / 2 for f in (first, second)}
    mixed = w * first + (1 - w) * second
    rate = sp.diff(mixed, time).subs(heat)
    d.compute(
        "mismatch of the heat equation",
        r"\partial_t \log \pi - \tfrac12 (\partial_x^2 \log \pi + (\partial_x \log \pi)^2) + \partial_t \log Z",
        sp.expand(rate - (sp.diff(mixed, space, 2) + sp.diff(mixed, space) ** 2) / 2),
        w * (1 - w) * (sp.diff(first, space) - sp.diff(second, space)) ** 2 / 2,
        "p^ obeys the heat equation, and what is reversed with the score of pi at all t must. Two shifts of weights w and 1 - w: "
        "half the variance of the score over them, (1/2) Var_K(grad log p^) for the kernel",
    )
    score = sp.diff(sp.log(gaussian.density(SHIFTED, v)), x)
    d.compute(
        "no mismatch for a Gaussian",
        r"\tfrac12 \mathrm{Var}_{K_h} (\partial_x \log p)",
        gaussian.variance(sp.expand(score), {xi: sp.Integer(1)}) / 2,
        sp.diff(d["normalization_gaussian"].expression.subs(h0, h), v),
        "the same at every x, and what the normalization takes: there the reverse process does sample pi, as a rule it does not",
    )
    density = sp.Function("p")(space)
    d.compute(
        "Langevin dynamics at fixed t",
        r"\pi\, \partial_x \log \pi - \partial_x \pi",
        density * sp.diff(sp.log(density), space) - sp.diff(density, space),
        sp.Integer(0),
        "dx = s_h d tau + sqrt(2) dW: the current vanishes, so it samples pi",
    )


def _condensation(d: Derivation) -> None:
    """Where the flow ends as t falls to 0 at a fixed h."""
    kappa = sp.Symbol("kappa", real=True)
    away = sp.Function("x")(t)
    solution = sp.dsolve(sp.Eq(away.diff(t), (1 - kappa) * away / (2 * t)), away).rhs
    d.compute(
        "the flow condenses",
        r"\partial \log |x - x_*| / \partial \log t",
        sp.simplify(t * sp.diff(solution, t) / solution),
        sp.expand((1 - kappa) / 2),
        "dx/dt = (x - K_h * m^)/2t near a fixed point x_* of K_h * m^_0 of slope kappa < 1: |x - x_*| falls as t^((1 - kappa)/2)",
    )
    y1, y2, y3 = sp.symbols("y_1 y_2 y_3", real=True)
    beyond = sp.erfc(-(x - y) / sp.sqrt(2 * h)) / 2  # of the boundary y between two cells
    pull = y1 + (y2 - y1) * beyond.subs(y, (y1 + y2) / 2) + (y3 - y2) * beyond.subs(y, (y2 + y3) / 2)
    cells = (1 - beyond.subs(y, (y1 + y2) / 2)), beyond.subs(y, (y2 + y3) / 2)
    d.compute(
        "nearest sample, smoothed",
        r"K_h * \hat m_0",
        pull,
        y1 * cells[0] + y2 * (1 - cells[0] - cells[1]) + y3 * cells[1],
        "three samples in order, each times the mass of the kernel in its cell",
    )
    d.conclude(
        "collapse moves, it does not vanish",
        r"\mathrm{a\ stable\ fixed\ point\ at\ every\ } h",
        "the flow condenses",
        "nearest sample, smoothed",
        reason="the smoothed mean is above x at the lowest sample and below x at the highest, and crosses between; with two "
        "samples at x = a erf(x/sqrt(2h)) on both sides, for h < 2a^2/pi",
        symbol=r"y_1 < K_h * \hat m_0 < y_N",
    )
    d.compute(
        "a wide kernel",
        r"\lim_{h \to \infty} K_h * \hat m_0",
        sp.Limit(pull, h, sp.oo),
        (y1 + y3) / 2,
        "all end on the midrange",
    )


def _divergence(d: Derivation) -> None:
    """E KL(p_t || pi) to the order 1/N."""
    s, A1, A2, B1 = sp.symbols("s A_1 A_2 B_1", real=True)
    partition = 1 + s * A1 + s**2 * (A2 - B1) / 2
    second = sp.series(sp.log(partition) - s * A1 + s**2 * B1 / 2, s, 0, 3).removeO().coeff(s, 2)
    d.compute(
        "divergence to second order",
        r"KL(p_t \| \pi)",
        sp.expand(second),
        (A2 - A1**2) / 2,
        "log pi = log p_t + A - B/2 - log Z for p^ = p_t (1 + e), A = K_h * e, B = K_h * e^2: half the variance of A over x",
    )
    delta = sp.Symbol("delta", positive=True)
    noise = u + delta
    at = {t: noise, h: u * (lam + noise) / lam}
    log_g = x**2 / (2 * (lam + t)) - (x - y) ** 2 / (2 * t)
    shifted = log_g.subs(x, SHIFTED).subs(at)
    over_x = gaussian.mean(sp.Integer(1), xi, sp.Integer(1), sp.expand(shifted))
    ratio = ((lam + t) / t).subs(at)  # of the norms of p and g, squared
    own = _squared(over_x, ratio)
    at_x = gaussian.mean(sp.Integer(1), y, lam, own)
    averaged = gaussian.mean(sp.Integer(1), x, lam + noise, sp.expand_log(sp.log(at_x), force=True))
    X = d.compute(
        "mean square of the smoothed weight",
        "X_h",
        sp.simplify(averaged),
        (lam + noise) / sp.sqrt(noise**2 - u**2),
        "u = lambda h/(lambda + t), t = u + delta: E over x and y of (K_h * g/E g)^2; it exists for u < t alone",
    )
    wide = (lam + t + h).subs(at)
    flat = gaussian.mean(sp.Integer(1), x, wide, sp.expand(log_g.subs(at)))
    mean = d.compute(
        "square of its mean over x",
        r"E_y (E_x K_h * g/E g)^2",
        sp.simplify(gaussian.mean(sp.Integer(1), y, lam, _squared(flat, ratio))),
        1 / sp.sqrt(1 - u**2 / (lam + noise) ** 2),
        "x + sqrt(h) xi ~ N(0, lambda + t + h): what the normalization takes back",
    )
    _logarithms(d, X, mean, delta)
    A, B = sp.symbols("A B", nonnegative=True)
    d.result("kl_leading", (sp.exp(A) - sp.exp(B)) / (2 * N), A, B, N)
    d.conclude(
        "leading order",
        r"\frac{1}{2N} \Big[ X_h - \prod (1 - u^2/(\lambda + t)^2)^{-1/2} \Big]",
        "divergence to second order",
        "mean square of the smoothed weight",
        "square of its mean over x",
        reason="N E e(x) e(x') = R(x, x') - 1, products over directions; at h = 0 it is (X - 1)/2N of kl_bound",
        symbol=r"E\,KL(p_t \| \pi)",
    )


def _squared(g: sp.Expr, ratio: sp.Expr) -> sp.Expr:
    """The logarithm of ratio g^2."""
    return sp.expand_log(sp.log(ratio), force=True) + 2 * sp.expand_log(sp.log(g), force=True)


def _logarithms(d: Derivation, X: sp.Expr, mean: sp.Expr, delta: sp.Symbol) -> None:
    """Of both ratios, so that they are accurate where they are small."""
    u0 = sp.Symbol("u", nonnegative=True)
    for name, ratio in (("smoothed", X), ("common", mean)):
        over = sp.factor(sp.cancel(ratio**2 - 1)).subs(u, u0)
        d.result(f"log_{name}_ratio", sp.log(1 + over) / 2, lam, delta, u0)
    d.result("shift", lam * h0 / (lam + t), lam, t, h0)
    d.result("margin", sp.together(t - lam * h0 / (lam + t)), lam, t, h0)
