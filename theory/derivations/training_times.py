"""Training times: from the descent of one mode to the two clocks of the kernel limit, the losses, and the published clocks."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra.symbols import lam
from theory.derivation import Derivation
from theory.predictions.training_times import SOURCE, STATEMENT

__all__ = ["derive"]

tau = sp.Symbol("tau", positive=True)  # training time
sigma2 = sp.Symbol("sigma2", positive=True)  # sigma^2 of the schedule
alpha2 = sp.Symbol("alpha2", positive=True)  # alpha^2
p, D = sp.symbols("p D", positive=True)  # features, dimensions
psi_p = sp.Symbol("psi_p", positive=True)  # p/d
psi_n = sp.Symbol("psi_n", positive=True)  # samples over dimensions
u = sp.Symbol("u", positive=True)  # eigenvalue of U
V = sp.Symbol("V", real=True)  # overlap of V with its eigenvector
A = sp.Symbol("A", real=True)  # coefficient along it
mu = sp.Symbol("mu", positive=True)  # u/psi_p
step = sp.Symbol("eta", positive=True)  # of gradient descent
b2, c, v2, s2 = sp.symbols("b2 c v2 s2", positive=True)  # of noise, of data, of a sample, and the rest
g = sp.Symbol("g", nonnegative=True)  # eigenvalue of X^T X/N
fast, slow, gap = sp.symbols("mu_1 mu_2 Delta", positive=True)
W, w, X1, X2, y = sp.symbols("omega omega_1 X_1 X_2 y", positive=True)

M11, M22 = c * g + b2, v2 / psi_n
TRACE, DETERMINANT = M11 + M22, b2 * v2 / psi_n
LEARNED = (1 - sp.exp(-2 * sigma2 * mu * tau)) / mu


@cache
def derive() -> Derivation:
    """From the descent of one mode to the two clocks of the kernel limit, the losses, and the published clocks."""
    d = Derivation(
        "training_times",
        STATEMENT,
        SOURCE,
        "s_A(x) = A phi(W x/sqrt D)/sqrt p on x = alpha x_0 + sigma xi, gradient flow dA/dtau = -D^2 grad L from A = 0, "
        "L = E|sigma s_A + xi|^2/D; U = E phi phi^T, V = E phi xi^T over samples and noise; D, N, p to infinity at psi_n = N/D "
        "and psi_p = p/D, where V = b W/sqrt D and U is that of Gaussian features; g an eigenvalue of X^T X/N",
    )
    _one_mode(d)
    _descent(d)
    _block(d)
    _two_rates(d)
    _clocks(d)
    _at_first(d)
    _in_the_end(d)
    _end_of_the_line(d)
    _two_resolvents(d)
    _published(d)
    return d


def _one_mode(d: Derivation) -> None:
    """Gradient flow along one eigenvector of U."""
    sigma = sp.sqrt(sigma2)
    loss = d.define(
        "loss of one mode",
        2 * sigma * A * V / (D * sp.sqrt(p)) + sigma2 * u * A**2 / (D * p),
        "of a row of A along an eigenvector of U, from |sigma s_A + xi|^2/D, less the one of xi",
        symbol="L_u - 1",
    )
    flow = d.compute(
        "coefficient",
        r"A(\tau)",
        -sp.sqrt(p) * V / (sigma * u) * (1 - sp.exp(-2 * sigma2 * u * tau * D / p)),
        -D * 2 * sigma * V / sp.sqrt(p) * sp.integrate(sp.exp(-2 * sigma2 * u * D / p * y), (y, 0, tau)),
        "closed given U and V; compared with the response to the constant force of V",
    )
    d.equal("it flows down", sp.diff(flow, tau), -(D**2) * sp.diff(loss, A).subs(A, flow), "dA/dtau = -D^2 grad L")
    learned = d.define(
        "what is learned of a mode", LEARNED, "at the rate mu = u/psi_p, psi_p = p/D", symbol=r"h_\tau(\mu)"
    )
    d.equal(
        "in these units",
        flow.subs(p, psi_p * D),
        -sp.sqrt(psi_p * D) * V / (sigma * psi_p) * learned.subs(mu, u / psi_p),
        "with p = psi_p D, where nothing depends on D but by V",
    )
    d.compute(
        "training loss of one mode",
        r"1 - L_u",
        V**2 / (D * psi_p) * learned.subs(tau, 2 * tau).subs(mu, u / psi_p),
        -loss.subs(A, flow).subs(p, psi_p * D),
        "twice as fast as the coefficient: the square of what is left",
    )
    d.equal(
        "and otherwise",
        mu * (2 * learned - mu * learned**2),
        mu * learned.subs(tau, 2 * tau),
        "2h - mu h^2, which stays right where a ridge is added to mu in h alone",
    )
    d.result("learned", learned, mu, sigma2, tau)


def _descent(d: Derivation) -> None:
    """Steps of length eta in place of flow, with noise drawn afresh at each."""
    k = sp.Symbol("k", integer=True, positive=True)
    factor = 1 - 2 * sigma2 * mu * step
    after = (1 - factor**k) / mu
    d.equal(
        "a step of descent",
        after.subs(k, k + 1),
        factor * after + 2 * sigma2 * step,
        "noise that is fresh at every step makes U and V fresh too, and independent of A: the mean of A obeys this exactly",
    )
    d.result("learned_by_steps", after, mu, sigma2, step, k)


def _block(d: Derivation) -> None:
    """Infinitely many features: a 2 x 2 matrix for each principal component of the data."""
    off = sp.sqrt(c * g * v2 / psi_n)
    d.define(
        "block",
        r"M = \begin{pmatrix} c g + b^2 & \sqrt{c g v^2/\psi_n} \\ \cdot & v^2/\psi_n \end{pmatrix}",
        "U/psi_p between W e/sqrt p, e a principal component, and the features that are each sample's own, along the "
        "component's vector of samples; W^T W/p goes to 1, these are orthogonal, and s^2/psi_p goes to 0",
    )
    matrix = sp.Matrix([[M11, off], [off, M22]])
    d.equal("its determinant", sp.expand(matrix.det()), DETERMINANT, "mu_1 mu_2, the same for all components")
    share = d.define(
        "share of the fast mode",
        (fast - M22) / gap,
        "of W e, gap mu_1 - mu_2: the square of the eigenvector's first entry",
        symbol="f",
    )
    larger = (TRACE + sp.sqrt((M11 - M22) ** 2 + 4 * c * g * M22)) / 2
    d.equal(
        "fast rate", larger**2 - TRACE * larger + DETERMINANT, 0, "mu_1 is a root of the characteristic polynomial of M"
    )
    d.equal(
        "shares give the first entry",
        (share * fast + (1 - share) * (fast - gap)).subs(gap, 2 * fast - TRACE).subs(fast, larger),
        M11,
        "and 1 that of the unit matrix: every function of M is linear in M, and its first entry f h(mu_1) + (1 - f) h(mu_2)",
    )
    d.result("share", share, fast, gap, v2, psi_n)
    d.result("fast_rate", larger, g, c, b2, v2, psi_n)
    d.result("product", DETERMINANT, b2, v2, psi_n)


def _two_rates(d: Derivation) -> None:
    """One rate stays as the number of samples grows, the other falls."""
    d.at_least(
        "the rates are real",
        sp.expand(TRACE**2 - 4 * DETERMINANT - (M11 - M22) ** 2),
        0,
        "4 c g v^2/psi_n: they are further apart than the entries on the diagonal, so that mu_1 is at least c g + b^2",
    )
    d.equal(
        "slow rate",
        (fast * slow + slow**2) / (fast + slow),
        slow,
        "mu_2 exceeds the determinant over the trace, by its own square over the trace, and is at most the determinant over "
        "c g + b^2",
    )
    d.tends(
        "one rate stays",
        M11 / TRACE,
        1,
        psi_n,
        sp.oo,
        reason="both bounds of mu_2 come together, and mu_1 goes to c g + b^2: the clocks of memorization and of generalization",
    )


def _clocks(d: Derivation) -> None:
    """When what is learned is learned."""
    slow_clock = TRACE / (2 * sigma2 * DETERMINANT)
    found = d.compute(
        "memorization time",
        r"\tau_{\rm mem}",
        (psi_n * (c * g + b2) + v2) / (2 * sigma2 * b2 * v2),
        slow_clock,
        "one over 2 sigma^2 mu_2, but for order mu_2/mu_1; linear in N and in g",
    )
    d.equal(
        "both clocks",
        (1 / fast + 1 / slow) / (2 * sigma2) - (fast + slow) / (2 * sigma2 * fast * slow),
        0,
        "it is the sum of the two exactly, and as it is linear in g its mean along a direction is at g = lambda",
    )
    d.result("memorization_time", found.subs(g, lam), lam, c, b2, v2, psi_n, sigma2)
    d.result("generalization_time", 1 / (2 * sigma2 * (c * lam + b2)), lam, c, b2, sigma2)
    d.less(
        "low variance first",
        found.subs(g, lam),
        found.subs(g, lam + y),
        "a direction of variance lambda + y is lost later, by y c psi_n/(2 sigma^2 b^2 v^2)",
    )


def _at_first(d: Derivation) -> None:
    """How fast training begins, with any number of features."""
    z = sp.Symbol("z", positive=True)  # of the resolvent, far from the spectrum
    mean = sp.Symbol("lambda_m", positive=True)  # tr Sigma/D
    variance = c * mean + b2 + v2 + s2
    q = 1 / (variance - z)
    far = sp.series((q / (1 + psi_p * q * (c * lam + b2))).subs(z, 1 / y), y, 0, 3).removeO()
    first = d.compute(
        "mean eigenvalue",
        r"\langle u \rangle_k",
        sp.expand(-far.coeff(y, 2)),
        psi_p * (c * lam + b2) + variance,
        "that V sees along a direction of variance lambda: s_k = q/(1 + psi_p q (b^2 + c lambda)) far from the spectrum, in 1/z; "
        "compared with w^T U w/p of a column w of W, by itself and with the others",
    )
    d.equal(
        "mean rate",
        first / psi_p,
        c * lam + b2 + variance / psi_p,
        "of which one over 2 sigma^2 is the first clock; the second term is the variance of a feature over psi_p",
    )


def _in_the_end(d: Derivation) -> None:
    """What infinitely many features have learned at the end."""
    inverse = d.compute(
        "all that is learned",
        "[M^{-1}]_{11}",
        M22 / DETERMINANT,
        1 / b2,
        "the same along all components",
    )
    learned = b2 * inverse
    d.equal("training loss at the end", 1 - learned, 0, "1 - b^2 [M^-1]_11: the noise of the samples is known")
    d.equal(
        "the score at a fresh point",
        sigma2 * (b2 / sigma2) * inverse,
        1,
        "-sigma^2 J = sigma^2 a^2 beta with b^2 = sigma^2 a^2 (Stein): s(x) = -x/sigma^2, and nothing is retained of the data",
    )
    a2 = sp.Symbol("a2", positive=True)
    d.compute(
        "test loss at the end",
        r"L_{\rm test}(\infty)",
        alpha2 * g / sigma2,
        (1 - 2 * b2 * inverse + b2 * (c * g + b2) * inverse**2).subs({c: a2 * alpha2, b2: sigma2 * a2}),
        "c = alpha^2 a^2; it is E|sigma x/sigma^2 - xi|^2 = alpha^2 x_0^2/sigma^2 indeed",
    )


def _end_of_the_line(d: Derivation) -> None:
    """Where finitely many features stop the clock."""
    limit = d.compute(
        "where the line ends",
        "n^*/p",
        sp.solve(sp.Eq(s2 * (c * lam + b2) * y, b2 * v2), y)[0],
        b2 * v2 / (s2 * (c * lam + b2)),
        "the slow mode has u = s^2 + psi_p mu_2, and mu_2 = b^2 v^2/(psi_n (c lambda + b^2)) of many samples: s^2 takes over",
    )
    d.result("linear_range", limit, lam, c, b2, v2, s2)


def _two_resolvents(d: Derivation) -> None:
    """The test loss has two resolvents, of the same training set, with the test U between them."""
    d.define(
        "two resolvents at once",
        r"(U + \epsilon N U' - Z)^{-1}, \quad Z = \mathrm{diag}(z, z'), \quad N = \begin{pmatrix} 0 & 1 \\ 0 & 0 \end{pmatrix}",
        "its upper right entry is -R(z) U' R(z') epsilon, U' the test U; the saddle holds with its letters upper triangular, "
        "so that the entries on the diagonal are those at z and z', and the one beside them solves linear equations",
    )
    e, k = sp.symbols("epsilon kappa", real=True)
    triangular = sp.Matrix([[W, e], [0, w]])
    other = sp.Matrix([[X1, k], [0, X2]])
    d.equal(
        "product",
        (triangular * other)[0, 1],
        W * k + e * X2,
        "the letter at z times the change, and the change times that at z'",
    )
    d.equal("inverse", triangular.inv()[0, 1], -e / (W * w), "minus the change over both")
    change = (c * X2 + b2 * X1) * W * w / psi_n / (1 - W * w * X2 / psi_n)
    d.equal(
        "of infinitely many features",
        W * w * (X2 * change + c * X2 + b2 * X1) / psi_n,
        change,
        "R = 1/(lambda omega - g), 1/omega = 1 + <lambda R>/psi_n, the change of omega with c lambda + b^2 between: X_k = "
        "<lambda^k R R'>",
    )


def _published(d: Derivation) -> None:
    """The clocks as they were published."""
    d.cited(
        "published clocks",
        "tau_gen ~ 1/sigma^2, tau_mem = psi_p/(sigma^2 u) at the lower edge of U",
        "arXiv:2505.17638",
        "in units of this flow",
    )
    published = d.compute(
        "published memorization time",
        r"\tau_{\rm mem}'",
        psi_n / (sigma2 * v2),
        psi_p / (sigma2 * (psi_p * M22)),
        "u = v^2 psi_p/psi_n for psi_p large and psi_n large: of modes that have no overlap with W e, and so with V",
    )
    d.compute(
        "what it is off by",
        r"\tau_{\rm mem}/\tau_{\rm mem}'",
        sp.limit((TRACE / (2 * sigma2 * DETERMINANT)).subs(g, lam) / published, psi_n, sp.oo),
        (c * lam + b2) / (2 * b2),
        "of many samples",
    )
    a2 = sp.Symbol("a2", positive=True)
    d.equal(
        "in the letters of the schedule",
        ((c * lam + b2) / (2 * b2)).subs({c: a2 * alpha2, b2: sigma2 * a2}),
        (alpha2 * lam + sigma2) / (2 * sigma2),
        "1/(2 sigma^2) for variance 1, where alpha^2 + sigma^2 = 1: it grows without end at small noise",
    )
    d.result("published_memorization_time", published, psi_n, v2, sigma2)
    d.result("published_generalization_time", 1 / sigma2, sigma2)
