"""Kernel smoothing: from the score to first order in p^/p - 1 to its smoothed variance, at a point and on average."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import N, lam, q, t, x, y, z
from theory.derivation import Derivation
from theory.predictions import score_covariance
from theory.predictions.kernel_smoothing import SOURCE, STATEMENT

__all__ = ["derive"]

h = sp.Symbol("h", nonnegative=True)  # variance of the kernel
u = sp.Symbol("u", nonnegative=True)  # lambda h/(lambda + t)
a = sp.Symbol("a", positive=True)  # 2 lambda + t - u
w = sp.Symbol("w", positive=True)  # a share w/(1 + w) of a bound
c = sp.Symbol("c", nonnegative=True)  # half the separation of two centres
sigma = lam + t


@cache
def derive() -> Derivation:
    """From the score to first order in p^/p - 1 to its smoothed variance, at a point and on average."""
    d = Derivation(
        "kernel_smoothing",
        STATEMENT,
        SOURCE,
        "N i.i.d. samples y; K = N(0, h), g = N(0, t); closed forms for y ~ N(0, lambda) in each direction, p = N(0, lambda + t),"
        " u = lambda h/(lambda + t), a = 2 lambda + t - u > 0; lambda, t > 0; for the mixture y ~ N(+-c, lambda)",
    )
    _first_order(d)
    log_F, log_R, noise = _at_a_point(d)
    _best_at_a_point(d, log_R, noise)
    _on_average(d, log_R, noise)
    _two_energies(d)
    _divergence(d)
    _mixture(d, log_F)
    return d


def _first_order(d: Derivation) -> None:
    p, f = (sp.Function(name)(x) for name in ("p", "f"))
    e = sp.Symbol("epsilon", real=True)
    d.compute(
        "score to first order",
        r"\partial_\epsilon \nabla \log(p + \epsilon f)",
        sp.diff(sp.log(p + e * f), x, e).subs(e, 0).doit(),
        sp.diff(f / p, x),
        "p^ = p + f with f of order N^-1/2: s^ - s is the gradient of p^/p. K commutes with it, so that s_h - s is a bias "
        "K * s - s, and the gradient of K * (p^/p), a mean over samples of F = K * (g/p)",
    )
    d.compute(
        "bias of Gaussian data",
        "K_h * s - s",
        gaussian.mean(-(x + z) / sigma, z, w) + x / sigma,
        sp.Integer(0),
        "the score of a Gaussian is linear, and the kernel (of variance w) even",
    )
    shrunk = d.define("bandwidth in the data's metric", lam * h / sigma, "of one direction; h below lambda", symbol="u")
    d.result("shrunk", shrunk, lam, t, h)


def _at_a_point(d: Derivation) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """One direction of the variance at fixed x: log F, log R and E (dF)^2/R."""
    far = (2 * lam + t) * w / (1 + w)  # u below 2 lambda + t
    left = (2 * lam + t) / (1 + w)  # a
    v = sp.Symbol("v", positive=True)  # u
    weight = -((x + z - y) ** 2) / (2 * t) + (x + z) ** 2 / (2 * sigma)
    smoothed = sp.sqrt(sigma / t) * gaussian.mean(sp.Integer(1), z, v * sigma / lam, weight)
    log_F = d.compute(
        "smoothed ratio",
        r"\log K * (g/p)",
        gaussian.log_terms(sp.log(smoothed)),
        sp.log(sigma / lam * sp.sqrt(2 * sp.pi * lam) * gaussian.density(x - sigma * y / lam, sigma * (t + v) / lam))
        + y**2 / (2 * lam),
        "g/p is a Gaussian of variance t (lambda + t)/lambda in x, to which h = u (lambda + t)/lambda (here u = v) adds",
    )
    slope = sp.factor(sp.diff(log_F, x))
    d.compute(
        "existence",
        r"-\partial_y^2 \log F^2 p_0",
        sp.factor(-sp.diff(2 * log_F - y**2 / (2 * lam), y, 2)),
        (2 * lam + t - v) / (lam * (t + v)),
        "E F^2 exists where it is positive: a > 0, u < 2 lambda + t, in every direction",
    )
    d.equal(
        "a bandwidth that always exists",
        sigma * (2 * lam + t) / lam - (3 + 2 * sp.sqrt(2)) * t,
        (sp.sqrt(2) * lam - t) ** 2 / lam,
        "the largest h at given lambda, less (3 + 2 sqrt 2) t, never negative",
    )
    d.result("limit_at_a_point", sigma * (2 * lam + t) / lam, lam, t)
    at_0 = log_F.subs(y, 0)
    both = sp.expand(2 * (log_F - at_0)).subs(v, far)
    scale = sp.exp(2 * at_0.subs(v, far))
    norm = scale * gaussian.mean(sp.Integer(1), y, lam, both)
    log_R = sp.log(sigma) - sp.log((t + u) * a) / 2 + lam * x**2 / (sigma * a)
    d.compute(
        "weight ratio",
        r"\log R = \log E F^2",
        gaussian.log_terms(sp.log(norm)),
        log_R.subs({u: far, a: left}),
        "at u = (2 lambda + t) w/(1 + w); (t + u) a = (lambda + t)^2 - (lambda - u)^2",
    )
    first, second = (sp.factor(scale * gaussian.mean(slope.subs(v, far) ** n, y, lam, both) / norm) for n in (1, 2))
    shift = d.compute(
        "mean gradient",
        r"d = E[F\,\partial F]/R",
        sp.simplify(first),
        sp.diff(log_R, x).subs({u: far, a: left}) / 2,
        "compared with half the gradient of log R",
    )
    x2 = sp.Symbol("x'", real=True)
    pair = sp.expand(log_F + log_F.subs(x, x2)).subs(v, far)
    rest = pair.subs(y, 0)
    mixed = gaussian.log_terms(sp.log(gaussian.mean(sp.Integer(1), y, lam, sp.expand(pair - rest)))) + rest
    spread = d.compute(
        "its variance",
        r"E[(\partial F)^2]/R - d^2",
        sp.factor(sp.simplify(second - shift**2)),
        sp.diff(mixed, x, x2),
        "compared with the mixed derivative of log E F(x) F(x')",
    )
    noise = lam / ((t + u) * a) + lam**2 * x**2 / (sigma * a) ** 2
    d.equal("gradient squared", spread + shift**2, noise.subs({u: far, a: left}), "in u and a")
    d.conclude(
        "variance at a point",
        r"\prod R\,[\mathrm{diag}(\lambda/(t + u) a) + d d^T]",
        "existence",
        "weight ratio",
        "mean gradient",
        "its variance",
        "gradient squared",
        reason="F is a product over directions; the means E dF are 0, for E F = 1. Averages of x^2 over the directions "
        "of a subspace are enough, for log R and d^2 are linear in it",
        symbol=r"N\,\mathrm{Cov}\,s_h",
    )
    unsmoothed = {u: 0, a: 2 * lam + t}
    plain = score_covariance.derivation()
    d.equal(
        "weight ratio at h = 0",
        gaussian.log_terms(log_R.subs(x**2, q).subs(unsmoothed)),
        plain["log_weight_ratio"].expression,
        "that of score_covariance",
    )
    d.equal(
        "gradient squared at h = 0",
        noise.subs(unsmoothed),
        plain["spread"].expression / t**2 + (plain["shift"].expression * x / t) ** 2,
        "that of score_covariance",
    )
    d.result("room", 2 * lam + t - u, lam, t, u)
    d.result("log_weight_ratio", log_R.subs(x**2, q), lam, q, t, u, a)
    d.result("noise", noise.subs(x**2, q), lam, q, t, u, a)
    _slopes(d, log_R, noise)
    return log_F, log_R, noise


def _slopes(d: Derivation, log_R: sp.Expr, noise: sp.Expr) -> None:
    """In h, by x^2 - (lambda + t), so that nothing cancels at typical x where t is large."""
    beyond, s, e = sp.Symbol("delta", real=True), t + u, lam - u
    steep = (
        u * a - 2 * lam * e + lam * beyond * s / sigma,
        s**2 * u - 3 * e**2 * s - 2 * e**3 + lam * beyond * s**2 / sigma,
    )
    for name, of, found in (
        ("log_weight_ratio", log_R, steep[0] / (s * a**2)),
        ("noise", noise, 2 * lam * steep[1] / (s**2 * a**3 * sigma)),
    ):
        along = sp.diff(of, u) - sp.diff(of, a)  # a falls as u grows
        room = {a: 2 * lam + t - u}
        d.compute(
            f"slope of {name.replace('_', ' ')}",
            r"\partial_u",
            found.subs(room),
            along.subs(x**2, sigma + beyond).subs(room),
            "delta = x^2 - (lambda + t); u grows with h by lambda/(lambda + t)",
        )
        d.result(f"{name}_slope", found * lam / sigma, lam, t, u, a, beyond)


def _best_at_a_point(d: Derivation, log_R: sp.Expr, noise: sp.Expr) -> None:
    """The bandwidth of least variance."""
    D = sp.Symbol("D", positive=True)
    v = sp.Symbol("v", positive=True)
    at = {u: v, a: 2 * lam + t - v}
    total = (D * log_R + sp.log(noise)).subs(x, 0).subs(at)
    found = sp.solve(sp.Eq(sp.numer(sp.together(sp.diff(total, v))), 0), v)
    best = d.compute(
        "best bandwidth in the middle",
        "h",
        sp.factor(found[0] * sigma / lam),
        lam + t,
        "x = 0, D directions of one variance: u = lambda, where R = 1: all samples count",
    )
    least = sp.simplify(sp.exp(sp.expand_log((total.subs(v, 0) - total.subs(v, best * lam / sigma)), force=True)))
    d.compute(
        "gain in the middle",
        r"\mathrm{Var}\,\hat s/\mathrm{Var}\,s_h",
        least,
        (sigma**2 / (t * (2 * lam + t))) ** (D / 2 + 1),
        "of every direction",
    )
    far = {u: (2 * lam + t) * w / (1 + w), a: (2 * lam + t) / (1 + w)}
    parts = {
        "log R": -sp.log((t + u) * a) / 2 + lam * q / (sigma * a),
        "log (t + u) a": -sp.log((t + u) * a),
        "log d^2": -2 * sp.log(a),
    }
    for name, part in parts.items():
        bent = sp.diff(part, u, 2) + sp.diff(part, a, 2) - 2 * sp.diff(part, u, a)
        d.greater(
            f"{name} is convex in h",
            sp.factor(bent.subs(far)),
            0,
            "and sums of log-convex functions are log-convex: one minimum",
            symbol=r"\partial_h^2",
        )


def _on_average(d: Derivation, log_R: sp.Expr, noise: sp.Expr) -> None:
    """Over x ~ p_t."""
    inside, v = t * w / (1 + w), sp.Symbol("v", positive=True)  # u below t
    at = {u: inside, a: sp.factor(2 * lam + t - inside)}
    at_0 = log_R.subs(x, 0).subs(at)

    def annealed(f: sp.Expr) -> sp.Expr:
        return sp.exp(at_0) * gaussian.mean(f, x, sigma, sp.factor((log_R - log_R.subs(x, 0)).subs(at)))

    F = sp.log(sigma / (t + inside)) - (x - sigma * y / lam) ** 2 * lam / (sigma * (t + inside)) + y**2 / lam
    flat = F.subs(x, 0)
    x_first = gaussian.log_terms(sp.log(gaussian.mean(sp.Integer(1), x, sigma, sp.expand(F - flat)))) + flat
    other = sp.exp(x_first.subs(y, 0)) * gaussian.mean(sp.Integer(1), y, lam, sp.expand(x_first - x_first.subs(y, 0)))
    ratio = sigma / sp.sqrt(t**2 - v**2)
    norm = d.compute(
        "averaged weight ratio",
        "X_h = E_x R",
        annealed(sp.Integer(1)),
        other,
        "compared with F^2 averaged over x first",
    )
    d.equal("its closed form", norm, ratio.subs(v, inside), "at u = t w/(1 + w): it exists where u < t")
    share = lam * t / (sigma * (t**2 - v**2))
    d.compute(
        "averaged gradient squared",
        r"E_x E (\partial F)^2 / X_h",
        sp.factor(sp.simplify(annealed(noise.subs(at)) / norm)),
        share.subs(v, inside),
        "share of one direction: N E Var_k is X_h of all directions times it",
    )
    for name, of in (("X_h", sp.log(ratio)), ("the share of a direction", sp.log(share))):
        d.greater(
            f"{name} grows with the bandwidth",
            sp.factor(sp.diff(of, v).subs(v, inside)),
            0,
            "the slope of its logarithm; u grows with h",
            symbol=r"\partial_u \log",
        )
    d.conclude(
        "smoothing gains nothing on average",
        r"> E_x \mathrm{Var}\,\hat s, \quad h > 0",
        "averaged weight ratio",
        "its closed form",
        "averaged gradient squared",
        "X_h grows with the bandwidth",
        "the share of a direction grows with the bandwidth",
        reason="at order 1/N, for every spectrum, t and h: what a kernel gains where samples are it loses, and more, "
        "where they are not",
        symbol=r"E_x \mathrm{Var}\,s_h",
    )
    bound = d.compute(
        "largest bandwidth on average",
        r"h(u = t)",
        sp.solve(sp.Eq(lam * v / sigma, t), v)[0],
        t + t**2 / lam,
        "the smallest of all directions, that of the largest variance; beyond it the average over x of order 1/N is infinite",
    )
    d.greater("it falls with the variance", -sp.diff(bound, lam), 0, "of a direction", symbol=r"-\partial_\lambda h")
    d.result("limit_on_average", bound, lam, t)
    below = sp.Symbol("b", positive=True)  # t^2 - u^2
    d.result("log_ratio_mean", sp.log(sigma) - sp.log(below) / 2, lam, t, below)
    d.result("noise_mean", lam * t / (sigma * below), lam, t, below)
    d.result("inside", (t - u) * (t + u), t, u)


def _two_energies(d: Derivation) -> None:
    """One direction of a sample seen from two points, which is all that averages at finite N take."""
    x2 = sp.Symbol("x'", real=True)
    one, two = sp.symbols("theta theta'", positive=True)
    d.define(
        "square of the smoothed error",
        r"E_{\eta, \eta'} E (\hat m - m)(x + \eta) \cdot (\hat m - m)(x + \eta')/t^2",
        "the kernel is a mean over shifts, and that of m is m at x; by Euler's integral for 1/Z Z' the inner average is a double "
        "one of averages over one sample, which Mellin's inversion in theta and theta' takes from those tilted by its energies",
        symbol=r"E |s_h - s|^2",
    )
    tilt = -(one * (x - y) ** 2 + two * (x2 - y) ** 2) / (2 * t)
    room, s = 1 + lam * (one + two) / t, one * x + two * x2
    log_tilt = -sp.log(room) / 2 - (one * x**2 + two * x2**2) / (2 * t) + lam * s**2 / (2 * t**2 * room)
    rest = tilt.subs(y, 0)
    norm = gaussian.mean(sp.Integer(1), y, lam, sp.expand(tilt - rest))
    d.compute(
        "tilted by both energies",
        r"\log E e^{-\theta E - \theta' E'}",
        gaussian.log_terms(sp.log(norm)) + rest,
        log_tilt,
        "one direction; the product over directions is that of any linear manifold",
    )
    mean = d.compute(
        "tilted mean",
        r"E[y]",
        sp.factor(gaussian.mean(y, y, lam, sp.expand(tilt - rest)) / norm),
        x + t * sp.diff(log_tilt, x) / one,
        "compared with the slope of the logarithm in x, the mean of theta (y - x)/t",
    )
    d.compute(
        "tilted variance",
        r"E[y^2] - E[y]^2",
        sp.factor(gaussian.mean(y**2, y, lam, sp.expand(tilt - rest)) / norm - mean**2),
        t**2 * sp.diff(log_tilt, x, x2) / (one * two),
        "compared with the mixed derivative: under the tilt both points see one y",
    )


def _divergence(d: Derivation) -> None:
    """What the variance says of the law that s_h generates."""
    d.define(
        "Girsanov",
        r"\leq \frac12 \int_t^\infty E |s_h - s|^2 dt'",
        "of the law at t of the reverse SDE with s_h, from that with s; strict, for s_h is the score of no solution of the heat "
        "equation, by whose densities it is an equality at h = 0",
        symbol="KL",
    )
    X = sigma / t
    d.equal(
        "telescope at h = 0",
        X * lam / (sigma * t),
        -sp.diff(X, t),
        "one direction: without a kernel the integral is (X - 1)/2N, that of kl_bound",
    )
    d.greater(
        "u falls with t",
        -sp.diff(lam * w / sigma, t),
        0,
        "h = w: u < t at t is u < t' from there on",
        symbol=r"-\partial_t u",
    )


def _mixture(d: Derivation, log_F: sp.Expr) -> None:
    """Two Gaussians of variance lambda about +-c: bias, smoothed ratio and best bandwidth at fixed x."""
    halves = [gaussian.density(x - sign * c, sigma) / 2 for sign in (1, -1)]
    product = gaussian.density(x, sigma) * sp.exp(-(c**2) / (2 * sigma)) * sp.cosh(c * x / sigma)
    d.equal("density of a mixture", sum(halves), product.rewrite(sp.exp), "centres at +c and -c, equal weights")
    score = -x / sigma + c / sigma * sp.tanh(c * x / sigma)
    logarithm = sp.expand_log(sp.log(product), force=True)
    d.compute("score of a mixture", "s", sp.diff(logarithm, x), score, "the slope of its logarithm")
    d.result("mixture_score", score, x, c, lam, t)
    square = 4 / (sp.exp(c * x / sigma) + sp.exp(-c * x / sigma)) ** 2  # 1 - tanh^2, which would cancel
    slope, laplacian = -1 / sigma + (c / sigma) ** 2 * square, -2 * (c / sigma) ** 3 * square * sp.tanh(c * x / sigma)
    for name, right, of in (("slope", slope, score), ("laplacian", laplacian, slope)):
        found = sp.diff(of, x).rewrite(sp.exp)
        d.compute(
            f"{name} of the score of a mixture", name, right.rewrite(sp.exp), found, "the derivative of that before"
        )
        d.result(f"mixture_{name}", right, x, c, lam, t)
    _smoothed_mixture(d, log_F)
    _slopes_at_0(d)
    e, r = sp.Symbol("epsilon", real=True), sp.Function("r")(x)  # r = p^/p - 1
    d.compute(
        "bias of the score itself",
        r"\partial_\epsilon^2 \partial_x \log(1 + \epsilon r)/2",
        (sp.diff(sp.log(1 + e * r), x, e, e) / 2).subs(e, 0).doit(),
        -sp.diff(r**2, x) / 2,
        "E r^2 = (R - 1)/N: at h = 0 E s^ - s = beta/N with beta = - (grad R)/2 = - E f f', not 0 even without a kernel",
    )
    S, beta = sp.symbols("S' beta", real=True)
    B = sp.Symbol("B", real=True, nonzero=True)
    error = h * S / N + (h * B / 2 + beta / N) ** 2
    best = d.compute(
        "best bandwidth of a law that is not Gaussian",
        "h^*",
        sp.solve(sp.Eq(sp.diff(error, h), 0), h)[0],
        -2 * (S + beta * B) / (N * B**2),
        "variance S'h/N + const, bias h B/2 with B = Lap s (heat equation) beside beta/N: all of order 1/N^2 at h of order 1/N",
    )
    d.result("best_bandwidth", best, N, S, beta, B)


def _smoothed_mixture(d: Derivation, log_F: sp.Expr) -> None:
    """F of a mixture is that of one component times an average over a Gaussian."""
    k, b, v = sp.Symbol("k", positive=True), sp.Symbol("b", real=True), sp.Symbol("v", positive=True)
    exponent = -((z - x) ** 2) / (2 * k) - (z - y) ** 2 / (2 * t) + z**2 / (2 * sigma)
    d.compute(
        "spread of shifted points",
        r"\mathrm{Var}\,x'",
        sp.factor(-1 / sp.diff(exponent, z, 2)),
        k * t / (t + lam * k / sigma),
        "F = F_1 e^(c^2/2(lambda + t)) E 1/cosh(c x'/(lambda + t)), F_1 that of one component, x' weighted by K g/p; h = k",
    )
    d.compute(
        "mean of shifted points",
        r"E\,x'",
        sp.factor(sp.solve(sp.diff(exponent, z), z)[0]),
        (t * x + k * y) / (t + lam * k / sigma),
        "moves with x by t/(t + u)",
    )
    mean = (2 * lam * x + b * (t + u)) / a
    d.compute(
        "samples of a component",
        r"E[y F_1^2]/E F_1^2",
        sp.factor(sp.solve(sp.diff(2 * log_F - (y - b) ** 2 / (2 * lam), y), y)[0]),
        mean.subs({u: v, a: 2 * lam + t - v}),
        "y ~ N(b, lambda), u = v; of variance lambda (t + u)/a",
    )
    far = (2 * lam + t) * w / (1 + w)
    inner = sp.expand((2 * log_F).subs(y, b + z).subs(v, far))
    flat = inner.subs(z, 0)
    log_R = sp.log(sigma) - sp.log((t + u) * a) / 2
    log_R += lam * x**2 / (sigma * a) + 2 * b * x / a + b**2 * (u - lam) / (lam * a)
    d.compute(
        "weight ratio of a component",
        r"\log E F_1^2",
        gaussian.log_terms(sp.log(gaussian.mean(sp.Integer(1), z, lam, sp.expand(inner - flat))) + flat),
        log_R.subs({u: far, a: (2 * lam + t) / (1 + w)}),
        "at u = (2 lambda + t) w/(1 + w)",
    )
    d.result("shifted_variance", h * t / (t + u), t, u, h)
    d.result("shifted_mean", (t * x + h * y) / (t + u), t, u, h, x, y)
    d.result("component_mean", mean, lam, t, u, a, x, b)
    d.result("component_variance", lam * (t + u) / a, lam, t, u, a)
    d.result("component_log_ratio", log_R, lam, t, u, a, x, b)
    d.result("component_gradient", (y - lam * x / sigma) / (t + u), lam, t, u, x, y)


def _slopes_at_0(d: Derivation) -> None:
    """How the averages of one component change with h."""
    s1, s2, delta = sp.symbols("s_1 s_2 delta", real=True)
    V = sp.Symbol("V", positive=True)
    l1, l2, l3 = delta + z, -1 / t - s1, -s2  # derivatives of log f
    f = sp.Function("f")(x)
    of = [sp.diff(sp.log(f), x, n) for n in range(4)]
    for order, right in ((2, of[2] + of[1] ** 2), (3, of[3] + 3 * of[1] * of[2] + of[1] ** 3)):
        d.equal(
            f"derivative {order} of f = g/p",
            sp.diff(f, x, order) / f,
            right,
            "by those of its logarithm. The slope of K * f in h at 0 is half the second",
        )
    ratio_slope = d.compute(
        "slope of the weight ratio",
        r"\partial_h E F^2 / E f^2",
        sp.expand(gaussian.mean(l2 + l1**2, z, V)),
        l2 + delta**2 + V,
        "f times its second derivative, of one component, under whose f^2 the gradient of log f is N(delta, V)",
    )
    noise_slope = d.compute(
        "slope of the gradient squared",
        r"\partial_h E (\partial F)^2 / E f^2",
        sp.expand(gaussian.mean(sp.expand(l1 * (l3 + 3 * l1 * l2 + l1**3)), z, V)),
        l3 * delta + 3 * l2 * (delta**2 + V) + delta**4 + 6 * delta**2 * V + 3 * V**2,
        "the first derivative of f times its third",
    )
    one = {s1: -1 / sigma, s2: 0, delta: lam * x / (sigma * (2 * lam + t)), V: lam / (t * (2 * lam + t))}
    unsmoothed = {u: 0, a: 2 * lam + t}
    ratio, steep, noise = (d[name].expression for name in ("log_weight_ratio_slope", "noise_slope", "noise"))
    for name, found, known in (("ratio", ratio_slope, ratio), ("gradient squared", noise_slope, steep + ratio * noise)):
        known = known.subs({q: x**2, sp.Symbol("delta", real=True): x**2 - sigma}).subs(unsmoothed)
        d.equal(f"Gaussian data: {name}", found.subs(one), known, "the slopes at h = 0 of the formulas above")
    d.result("ratio_slope", ratio_slope, t, V, delta, s1)
    d.result("gradient_slope", noise_slope, t, V, delta, s1, s2)
