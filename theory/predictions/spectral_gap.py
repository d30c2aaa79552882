r"""Spectral gap: the Jacobian's spectrum where data are x = F z with a random F, and what the noise leaves to be seen of it.

The exact score of N(0, F F^T + t) has the Jacobian J = -(F F^T + t)^-1. The eigenvalues of -t J are t/(s + t), s those of
F F^T, and 1 along the D - m normals. Here the variances of a setting are those of the **columns of F**, before their random
angles: F is D x m, its entries independent, of variance lambda_k/m in m_k of the columns, m = sum m_k. For D, m to infinity at
c = D/m, with p_k = m_k/m, everything follows from an **effective noise** kappa,

    t/kappa = c - 1 + sum_k p_k kappa/(lambda_k + kappa):

of a coordinate of z along a column lambda/(lambda + kappa) is retained. At t = -s, kappa = -w, the level
s(w) = (c - 1) w + sum_k p_k w^2/(w - lambda_k) turns at the edges of the spectrum, and inside w is complex. For one variance
this is the law of Marchenko and Pastur; for more it is not the union of their laws. The number of samples plays no part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.derived import derived
from theory.extensive import time_where
from theory.observable import observable
from theory.setting import Setting

__all__ = [
    "LAWS",
    "Bulks",
    "bulks",
    "density",
    "derivation",
    "edge_highest",
    "edge_lowest",
    "edge_shifts",
    "effective_noise",
    "estimated_dimension",
    "flipd_dimension",
    "gap_opening_time",
    "gap_width",
    "latent_retained",
    "mean_retained",
    "share_beyond",
]

STATEMENT = "the spectrum of random directions is no union of Marchenko-Pastur laws; its lower edge opens the gap to the normals"
SOURCE = (
    "arXiv:2410.05898 (spectral gaps, one variance); effective noise, any mixture of variances, count and shift of the edges at "
    "finite size derived here"
)
REGIME = (
    "exact score, infinitely many samples; D, m to infinity at fixed D/m: averages are off by 1/m, extreme eigenvalues by "
    "m^(-2/3)"
)

FIRST_EIGENVALUE = 1.2065335745820  # minus the mean of the Tracy-Widom law of real matrices
POLISH = 3  # Newton steps, from the eigenvalue of a bordered matrix

Array = NDArray[np.float64]
derivation = derived("theory.derivations.spectral_gap")


class Bulks(NamedTuple):
    """The intervals on which the nonzero eigenvalues of F F^T lie, from below.

    Attributes:
        edges: shape (B, 2), data units squared.
        shares: of the m eigenvalues, shape (B,), exactly the columns whose variances lie in the bulk.
        turns: w at the edges, shape (B, 2).
    """

    edges: Array
    shares: Array
    turns: Array


def effective_noise(setting: Setting) -> Array:
    """Kappa, the noise variance at which a direction of variance lambda retains what a column does, shape (T,)."""
    lam, p, excess = _columns(setting)
    lost = derivation()["lost"]
    wanted = np.full(setting.t.shape, excess)
    return time_where(lambda kappa: setting.t / kappa - lost(lam, kappa[:, None]) @ p, wanted)


@observable("time", "subspace", kind="limit", symbol="r_k", scaling=0)
def latent_retained(setting: Setting) -> Array:
    """1 - Var(z_j | x_t) of a coordinate of z, by the variance of its column: lambda/(lambda + kappa)."""
    return derivation()["retained"](setting.manifold.variances, effective_noise(setting)[:, None])


@observable("time", kind="limit", symbol="r", scaling=0)
def mean_retained(setting: Setting) -> Array:
    """Mean of s/(s + t) over the m nonzero eigenvalues s of F F^T: one less those of -t J along the tangents."""
    lam, p, _ = _columns(setting)
    return np.asarray(derivation()["retained"](lam, effective_noise(setting)[:, None]) @ p)


@observable("time", kind="limit", symbol=r"\hat m", scaling=0)
def estimated_dimension(setting: Setting) -> Array:
    """How many eigenvalues of -t J lie below 1/2, which is s > t: what a count of the gap takes for the dimension."""
    return setting.manifold.intrinsic_dimension * share_beyond(setting, setting.t)


@observable("time", kind="limit", symbol=r"\hat m_F", scaling=0)
def flipd_dimension(setting: Setting) -> Array:
    """The mean of D + t (div s + |s|^2) at clean points, FLIPD of arXiv:2406.03537: m times that of 1 - (t/(s + t))^2.

    With r the mean retained it is m (r - t dr/dt).
    """
    lam, p, excess = _columns(setting)
    kappa = effective_noise(setting)[:, None]
    retained = derivation()["retained"](lam, kappa)
    slope = (setting.t[:, None] * retained / (lam + kappa)) @ p / (1 + excess - retained**2 @ p)
    return np.asarray(setting.manifold.intrinsic_dimension * (retained @ p + slope))


@observable(kind="limit", symbol="s_-", scaling=2)
def edge_lowest(setting: Setting) -> float:
    """The least nonzero eigenvalue of F F^T, data units squared; 0 where D = m."""
    return float(bulks(setting).edges[0, 0])


@observable(kind="limit", symbol="s_+", scaling=2)
def edge_highest(setting: Setting) -> float:
    """The largest eigenvalue of F F^T, data units squared."""
    return float(bulks(setting).edges[-1, 1])


@observable("time", kind="limit", symbol=r"\Delta", scaling=0)
def gap_width(setting: Setting) -> Array:
    """The gap in the spectrum of -t J between the normals, at 1, and the tangents: s_-/(s_- + t)."""
    lowest = edge_lowest(setting)
    return np.asarray(lowest / (lowest + setting.t))


@observable(kind="limit", symbol=r"\tau_\Delta", scaling=2)
def gap_opening_time(setting: Setting) -> float:
    """The time of the setting's schedule at which that gap is 1/2 wide, t = s_-; below it all m tangents are counted."""
    return float(setting.schedule.time(np.asarray(edge_lowest(setting))))


def density(setting: Setting, s: ArrayLike) -> Array:
    """Of the m nonzero eigenvalues of F F^T at s, whose integral is one; shape of s, one over data units squared."""
    s = np.asarray(s, dtype=np.float64)
    inside = _inside(bulks(setting), s)
    found = np.zeros(s.shape)
    found[inside] = _complex_root(setting, s[inside]).imag / (np.pi * s[inside])
    return found


def share_beyond(setting: Setting, s: ArrayLike) -> Array:
    """The share of the m nonzero eigenvalues of F F^T above s, shape of s, to 1e-14 D/m absolute.

    With u = s gamma, of positive imaginary part inside a bulk, it is
    [c arg(-u*) + sum_k p_k arg(s/lambda_k + u) - Im u]/pi, the primitive of the density.
    """
    s = np.asarray(s, dtype=np.float64)
    found = bulks(setting)
    inside = _inside(found, s)
    share = np.asarray((found.edges[:, 0] >= s[..., None]) @ found.shares)
    u = _complex_root(setting, s[inside])
    lam, p, excess = _columns(setting)
    beyond = (1 + excess) * np.angle(-u.conj()) + np.angle(s[inside][:, None] / lam + u[:, None]) @ p - u.imag
    share[inside] = np.clip(beyond / np.pi, 0.0, 1.0)
    return share


def bulks(setting: Setting) -> Bulks:
    """The bulks of the nonzero eigenvalues of F F^T, which are one where the level turns between no two variances."""
    lam, p, excess = _columns(setting)
    between, parted = _gaps(lam, p, 1 + excess)
    below, above = lam[:-1][parted], lam[1:][parted]
    near = np.concatenate([lam[:1], below, above, lam[-1:]])
    far = np.concatenate([[0.0], between, between, 3 * lam[-1:]])
    turns = _between(near, far, _turning(near, far, lam, p, 1 + excess))
    if not excess:
        turns[0] = 0.0
    n = below.size
    turns = np.column_stack([turns[np.r_[0, n + 1 : 2 * n + 1]], turns[np.r_[1 : n + 1, 2 * n + 1]]])
    seen = derivation()["seen"](lam, turns[..., None]) @ p
    starts = np.r_[0, np.flatnonzero(parted) + 1]
    return Bulks(turns * (excess + seen), np.add.reduceat(p, starts), turns)


def edge_shifts(setting: Setting) -> Array:
    """How far the mean extreme eigenvalues of a real Gaussian F lie inside the two edges, to leading order in 1/m, shape (2,).

    Near an edge the density is a square root, so that the distance is -1.2065, the mean of the Tracy-Widom law, times
    m^(-2/3) (w^4 |s''(w)|/2)^(1/3). At D = m there is no such edge below, and the first is 0.
    """
    lam, p, _ = _columns(setting)
    w = bulks(setting).turns[[0, -1], [0, 1]]
    bend = np.abs(derivation()["tug"](lam, w[:, None]) @ p)
    return np.asarray(FIRST_EIGENVALUE * (w**4 * bend / setting.manifold.intrinsic_dimension**2) ** (1 / 3))


def _columns(setting: Setting) -> tuple[Array, Array, float]:
    """The distinct variances of columns, rising, their shares, and c - 1."""
    manifold = setting.manifold
    m = manifold.intrinsic_dimension
    lam, which = np.unique(manifold.variances, return_inverse=True)
    shares = np.bincount(which, weights=manifold.dimensions.astype(float)) / m
    return lam, shares, (manifold.ambient_dimension - m) / m


def _gaps(lam: Array, p: Array, c: float) -> tuple[Array, NDArray[np.bool_]]:
    """Where the level rises between neighbouring variances, w there, and between which it does, shape (K - 1,)."""
    near, far = lam[:-1], lam[1:]
    lower = lam <= near[:, None]

    def balance(ratio: Array) -> Array:
        """The tugs to both sides, as a quotient: one where the slope of the level is largest."""
        tug = np.abs(derivation()["tug"](lam, _between(near, far, ratio)[:, None])) * p
        return np.asarray(np.where(lower, tug, 0.0).sum(axis=1) / np.where(lower, 0.0, tug).sum(axis=1))

    w = _between(near, far, time_where(balance, np.ones(near.shape)))
    parted = np.asarray(derivation()["pull"](lam, w[:, None]) @ p < c)
    return w[parted], parted


def _turning(near: Array, far: Array, lam: Array, p: Array, c: float) -> Array:
    """Where the mean pull, infinite at `near` and below c at `far`, is c; as a ratio of distances."""
    pull = derivation()["pull"]
    return time_where(lambda ratio: pull(lam, _between(near, far, ratio)[:, None]) @ p, np.full(near.shape, c))


def _between(near: Array, far: Array, ratio: Array) -> Array:
    """The point whose distances from the one and from the other have that ratio."""
    return np.asarray((near + far * ratio) / (1 + ratio))


def _inside(found: Bulks, s: Array) -> NDArray[np.bool_]:
    lower, upper = found.edges.T
    return np.asarray(((s[..., None] > lower) & (s[..., None] < upper)).any(axis=-1))


def _complex_root(setting: Setting, s: Array) -> NDArray[np.complex128]:
    """U = s gamma of positive imaginary part, of u + c - 1 + sum_k p_k x_k/(u + x_k) = 0, x = s/lambda; shape (n,).

    The K + 1 roots are the eigenvalues of a matrix with -x on the diagonal, c - 1 in its corner, and an odd border: no entry
    cancels, and at most one pair is complex.
    """
    lam, p, excess = _columns(setting)
    x = s[:, None] / lam
    border = np.sqrt(p * x)
    bordered = np.zeros((s.size, lam.size + 1, lam.size + 1))
    bordered[:, 0, 0] = -excess
    bordered[:, 0, 1:], bordered[:, 1:, 0] = border, -border
    bordered[:, range(1, lam.size + 1), range(1, lam.size + 1)] = -x
    roots = np.linalg.eigvals(bordered).astype(complex)
    u = np.take_along_axis(roots, roots.imag.argmax(axis=1)[:, None], axis=1)
    for _ in range(POLISH):
        value = u + excess + (p * x / (u + x)).sum(axis=1, keepdims=True)
        slope = 1 - (p * x / (u + x) ** 2).sum(axis=1, keepdims=True)
        u = u - value / slope
    return np.asarray(u[:, 0])


# what validation.laws holds each to, besides what follows from its declaration
LAWS = {
    "latent_retained": (
        "schedule(0); same_for(samples); monotone(time, down); ordered; at_least(0); at_most(1); "
        "limit(time, inf, D*lam/(d*t)); equation(t*f/lam, (1 - f)*(D/d - spectral_gap.mean_retained))"
    ),
    "mean_retained": (
        "schedule(0); same_for(samples); monotone(time, down); at_least(0); at_most(1); convex(time); "
        "limit(time, inf, D*sum(m*lam)/(d**2*t)); equation(f, sum(m*spectral_gap.latent_retained)/d)"
    ),
    "estimated_dimension": (
        "schedule(0); same_for(samples); monotone(time, down); at_least(0); at_most(d); limit(time, inf, 0); "
        "on_a_line(1 - 2/pi*(arctan(sqrt(t/larger(4*lam - t, 0))) + sqrt(t*larger(4*lam - t, 0))/(4*lam)))"
    ),
    "flipd_dimension": (
        "schedule(0); same_for(samples); monotone(time, down); at_least(spectral_gap.mean_retained*d); at_most(d); "
        "limit(time, inf, 2*D*sum(m*lam)/(d*t)); "
        "slope_of(spectral_gap.mean_retained, time, spectral_gap.mean_retained - f/d)"
    ),
    "edge_lowest": (
        "finite; schedule(0); same_for(samples); same_for(time); monotone(variance, up); "
        "at_least(min(lam)*(sqrt(D) - sqrt(d))**2/d); at_most(max(lam)*(sqrt(D) - sqrt(d))**2/d); "
        "equation(f*(1 - spectral_gap.gap_width), t*spectral_gap.gap_width)"
    ),
    "edge_highest": (
        "finite; schedule(0); same_for(samples); same_for(time); monotone(variance, up); "
        "at_least(D*sum(m*lam)/d**2); at_most(max(lam)*(sqrt(D) + sqrt(d))**2/d); on_a_line(4*lam)"
    ),
    "gap_width": (
        "schedule(0); same_for(samples); monotone(time, down); at_least(0); at_most(1); "
        "equation(f*(spectral_gap.edge_lowest + t), spectral_gap.edge_lowest)"
    ),
    "gap_opening_time": (
        "finite; schedule(time); same_for(samples); same_for(time); "
        "at_least(min(lam)*(sqrt(D) - sqrt(d))**2/d); at_most(max(lam)*(sqrt(D) - sqrt(d))**2/d); "
        "equation(f, spectral_gap.edge_lowest)"
    ),
}
