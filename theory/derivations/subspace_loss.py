"""Subspace loss: from the signal-to-noise ratio of one direction to critical sizes, their order, and the published times."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import N, lam, q, t, x, y
from theory.derivation import Derivation
from theory.predictions import condensation, score_covariance, supervision_region
from theory.predictions.subspace_loss import SOURCE, STATEMENT

__all__ = ["derive"]


@cache
def derive() -> Derivation:
    """From the signal-to-noise ratio of one direction to critical sizes, their order, and the published times."""
    d = Derivation(
        "subspace_loss",
        STATEMENT,
        SOURCE,
        "fresh x ~ p_t; score noise of score_covariance (CLT order); a subspace is lost when SNR_k = 1",
    )
    noise = score_covariance.derivation()
    share, spread, shift = (noise[name].expression for name in ("noise_share", "spread", "shift"))
    score = sp.diff(sp.log(gaussian.density(x, lam + t)), x)
    signal = d.compute(
        "signal",
        r"E\,s_k^2",
        sp.factor(gaussian.mean(sp.expand(score**2), x, lam + t)),
        -sp.diff(score, x),
        "mean square of the true score at fresh x; compared with -E ds/dx (Fisher information)",
    )
    annealed = d.compute(
        "annealed critical size, own factor",
        r"a_k = \frac{N}{X}\, E(\hat s_k - s_k)^2 / E s_k^2",
        sp.factor(share / signal),
        lam / t,
        "SNR_k = 1 at N_k = a_k X, X = prod_j (1 + lambda_j/t)^m_j",
    )
    typical = d.compute(
        "typical critical size, own factor",
        "b_k",
        sp.factor(spread / t**2 / signal),
        lam * (lam + t) / (t * (2 * lam + t)),
        "the same with the noise at a typical x, exp(E log R) v / (t^2 N): N_k = b_k exp(sum_j m_j E log R_j)",
    )
    d.result("annealed_factor", annealed, lam, t)
    d.result("typical_factor", typical, lam, t)
    for name, factor in (("annealed", annealed), ("typical", typical)):
        d.greater(
            f"high variance is lost first ({name})",
            sp.diff(factor, lam),
            0,
            "the common factor aside, N_k(t) grows with lambda_k and falls with t: the larger lambda_k, the later in the "
            "forward, the earlier in the reverse process, its loss time",
            symbol=r"\partial_{\lambda} N_k",
        )
    log_typical = noise["log_weight_ratio_typical"].expression
    d.greater(
        "the typical size is below the annealed",
        sp.log(1 + lam / t) - log_typical,
        0,
        "per direction E log R < log E R (Jensen), and b_k < a_k",
    )
    _rank_one(d, sp.factor(shift**2 * (lam + t) / spread))
    _condensed(d)
    _published(d)
    return d


def _rank_one(d: Derivation, ratio: sp.Expr) -> None:
    a = sp.Symbol("a", positive=True)
    in_a = sp.factor(ratio.subs(lam, a * t))
    best = next(r for r in sp.solve(sp.diff(in_a, a), a) if r.is_positive)
    d.compute(
        "what the shift would add",
        r"\max_a E\,\delta^2 / v",
        sp.nsimplify(sp.radsimp(in_a.subs(a, best))),
        3 - 2 * sp.sqrt(2),
        "b_k leaves out the rank-one term delta^2 of the covariance: at most 17.2 %, at lambda = t/sqrt(2)",
    )


def _condensed(d: Derivation) -> None:
    """The noise where the weights have condensed."""
    critical = sp.Symbol("t_c", positive=True)
    weight, mean, variance = sp.symbols("w mu c", positive=True)
    f, g = sp.symbols("f_1 f_2")
    square = gaussian.mean(sp.expand((weight * f + (1 - weight) * g + mean) ** 2), f, variance)
    square = gaussian.mean(sp.expand(square), g, variance)
    d.compute(
        "average with weights that know nothing of the samples",
        r"E\Big(\sum_\mu w_\mu f_\mu\Big)^2",
        sp.expand(square),
        sp.expand((weight**2 + (1 - weight) ** 2) * variance + mean**2),
        "samples with f of mean mu and variance c, weights of sum 1; compared with Y2 c + mu^2, two samples",
    )
    tilted, spread = lam / (lam + critical), lam * critical / (lam + critical)
    participation = condensation.derivation()["participation_asymptotic"].expression
    noise = d.define(
        "noise of condensed weights",
        participation * spread + q * (tilted - lam / (lam + t)) ** 2,
        "f = y - m, m = lambda x/(lambda + t); below t_c the samples are those of the posterior at t_c, and E Y2 = 1 - t/t_c",
        symbol=r"E\,|\hat m - m|^2",
    )
    d.equal(
        "it begins at t_c", noise.subs(t, critical), sp.Integer(0), "above t_c the noise is exponentially small in D"
    )
    d.equal(
        "and ends with the error of a sample",
        sp.Limit(noise, t, 0),
        supervision_region.derivation()["nearest_distance_squared_asymptotic"].expression,
        "the squared distance of the nearest sample (supervision_region): bounded, where the order 1/N is not",
    )
    d.result("noise_condensed", noise, lam, q, t, critical)


def _published(d: Derivation) -> None:
    S, v = sp.symbols("S lambda_i", positive=True)  # sum of lambda_j^2 and lambda_i = sigma_i^2
    g = sp.Symbol("g", nonnegative=True)
    offset = sp.Symbol("x_i", real=True)
    energy = d.compute(
        "energy variance of one direction",
        r"\mathrm{Var}_y \tfrac{1}{2}(x_i - y)^2",
        gaussian.variance(sp.expand((offset - y) ** 2 / 2), {y: v}),
        v**2 / 2 + v * offset**2,
        "Gaussian data; at x = sqrt(t) e_i the directions add up to S/2 + t lambda_i, S = sum_j lambda_j^2; on the sphere "
        "the norm is fixed and the first term absent (g = 0)",
    )
    in_offset = sp.Poly(energy, offset)
    total = g * S * in_offset.coeff_monomial(1) / v**2 + in_offset.coeff_monomial(offset**2) * t
    roots = sp.solve(sp.Eq(total / t**2, 2 * sp.log(N)), t)
    root = max(roots, key=lambda r: r.subs({g: 1, S: 1, v: 1, N: 10}).evalf())
    published = d.compute(
        "published loss time",
        "t_i",
        root,
        (v + sp.sqrt(v**2 + 4 * g * sp.log(N) * S)) / (4 * sp.log(N)),
        "a random energy model of N Gaussian energies condenses when their variance in units of t reaches 2 log N; compared "
        "with the fixed point of the authors' formula",
    )
    d.result("published", published, v, S, N, g)
