from itertools import pairwise

import mpmath
import numpy as np
import pytest

from theory.averages.activation import components
from theory.averages.feature_saddle import FeatureSaddle
from theory.network import ACTIVATIONS


def saddle(tau, lam, psi, activation="tanh", weights=None):
    """At a time of the Ornstein-Uhlenbeck process."""
    lam = np.array(lam, dtype=float)
    weights = np.full(lam.size, 1 / lam.size) if weights is None else np.array(weights)
    signal, noise = np.exp(-2 * tau), -np.expm1(-2 * tau)
    found = components(ACTIVATIONS[activation], float(signal * (lam @ weights)), float(noise))
    a = found.slope
    return FeatureSaddle(a**2 * signal, a**2 * noise, found.sample, found.rest, lam, weights, *map(float, psi))


POWER = np.arange(1, 9) ** -1.0
MODELS = {
    "isotropic": saddle(0.01, [1.0], (8, 4)),
    "wide": saddle(0.01, [1.0], (64, 8)),
    "few_features": saddle(0.1, [1.0], (4, 6), "erf"),
    "near": saddle(0.05, [1.0], (5.0, 4.9), "relu"),
    "square": saddle(0.05, [1.0], (1.0, 1.0)),
    "atoms": saddle(0.2, [0.5, 1.5], (10, 5)),
    "normals": saddle(0.05, [2.0, 0.3, 0.0], (12, 3), weights=[0.3, 0.3, 0.4]),
    "power": saddle(0.03, POWER / POWER.mean(), (20, 6), "silu"),
}
ALL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def published(model, z, start):
    """q of the saddle of arXiv:2505.17638, of four unknowns q, r, s^, r^ in 30 digits, from a start (q, y)."""
    m, mp = model, mpmath.mp
    lam, weights = [mp.mpf(v) for v in m.lam], [mp.mpf(v) for v in m.weights]
    c, b2, v2, s2, pp, pn = (mp.mpf(v) for v in (m.linear, m.noise, m.sample, m.rest, m.psi_p, m.psi_n))

    def mean(function):
        return mp.fsum(w * function(k) for w, k in zip(weights, lam, strict=True))

    def equations(q, r, s_hat, r_hat):
        D = 1 + pp / pn * (c * r + v2 * q)
        s = mean(lambda k: 1 / (s_hat + k * r_hat))
        return (
            s_hat - b2 * pp - 1 / q,
            r_hat - pp * c / D,
            r - mean(lambda k: k / (s_hat + k * r_hat)),
            pp * (s2 - z) + pp * v2 / D + (1 - pp) / q - s / q**2,
        )

    q, y = (mp.mpmathify(complex(v)) for v in start)
    r = mean(lambda k: k / (1 / q + pp * (b2 + c * k * y)))
    return complex(mpmath.findroot(equations, (q, r, b2 * pp + 1 / q, pp * c * y), tol=1e-20)[0])


def within(model, points=5):
    """Points between the ends of the spectrum, and their density."""
    u = model.rest + np.geomspace(1e-4, 0.7, points) * (model.edges(1.0)[0] - model.rest)
    return u, model.density(u)


def test_the_numbers_of_the_notes():
    """Resolvents at psi = (8, 4), and the losses at infinite training time, train and test."""
    z = -np.array([0.003, 0.03, 0.3])
    np.testing.assert_allclose(MODELS["isotropic"].solve(z).q, [111.10, 21.296, 2.796], rtol=2e-4)
    losses = [((0.1, [1.0], (8, 4)), 0.62984, 1.32580), ((0.2, [0.5, 1.5], (10, 5)), 0.51321, 0.79937)]
    for arguments, train, test in [*losses, ((0.05, [1.0], (4, 6)), 0.84875, 1.05748)]:
        model = saddle(*arguments)
        found = model.solve(0.0)
        scale = model.noise * model.psi_p
        assert 1 - scale * found.s.real == pytest.approx(train, abs=5.1e-6)
        assert 1 - scale * (2 * found.s + model.response(found, 0.0).s).real == pytest.approx(test, abs=5.1e-6)


@ALL
def test_the_published_saddle_has_the_same_resolvent(model):
    u, density = within(model)
    for z in [*u[density > 0], -0.3, -1e-3, *(u + 0.1j)]:
        found = model.solve(z)
        with mpmath.workdps(30):
            assert complex(found.q) == pytest.approx(published(model, z, (found.q, found.y)), rel=1e-9)


@ALL
def test_traces_follow_from_the_equations(model):
    """Tr (U - z)^-1 (U - z) = p: of what is the same in all directions, of the samples, and of the noise."""
    z = np.array([-0.3, -1e-3, 0.5 + 0.3j])
    found = model.solve(z)
    samples = (1 - found.y) * model.psi_n / model.psi_p
    np.testing.assert_allclose(found.q * (model.rest - z) + samples + model.noise * found.s, 1, rtol=1e-10)


@ALL
def test_the_share_below_is_the_integral_of_the_density(model):
    edges = {e for gap in _gaps(model) for e in gap if model.rest < e < np.inf}
    nodes, weights = np.polynomial.legendre.leggauss(1000)
    angle, weights = np.pi / 4 * (nodes + 1), weights * np.pi / 4
    for low, high in pairwise(sorted({*within(model)[0].tolist(), *edges})):
        u = low + (high - low) * np.sin(angle) ** 2  # without a root at the edges
        mass = (weights * model.density(u) * (high - low) * np.sin(2 * angle)).sum()
        assert np.diff(model.share_below([low, high]))[0] == pytest.approx(mass, abs=1e-6)


def _gaps(model):
    """The gaps of the spectrum that are seen on a grid, at its ends included."""
    u = model.rest + np.geomspace(1e-6, 1, 4000) * (model.bound - model.rest)
    outside = model.density(u) == 0
    shares = np.unique(model.share_below(u)[outside].round(12))
    return [gap for gap in zip(*model.edges(shares), strict=True) if not np.isnan(gap[0])]


@ALL
def test_edges_are_where_the_spectrum_ends(model):
    """To 1e-8: the density vanishes that far outside an edge, and does not that far inside."""
    gaps = _gaps(model)
    assert len(gaps) >= 2
    for edge, side in ((e, side) for gap in gaps for e, side in zip(gap, (1, -1), strict=True)):
        if np.isfinite(edge) and edge != model.rest:
            step = 1e-8 * (edge - model.rest)
            assert model.density(edge + side * step) < 1e-9 * model.density(edge - side * step)


def test_the_edges_of_the_notes_to_many_digits():
    """Of psi = (8, 4) and (64, 8), where dz/dq vanishes in 30 digits."""
    for name, expected in {
        "isotropic": [0.001975, 0.004021, 0.007366, 0.124007, 0.637559, 8.005067],
        "wide": [0.003683, 0.010189, 0.091330, 0.359474, 9.83588, 44.69297],
    }.items():
        model = MODELS[name]
        p, n = model.psi_p, model.psi_n
        below, above = model.edges([model.at_rest, 1 - n / p, 1 - 1 / p, 1.0])
        found = np.column_stack([above[:-1], below[1:]]).ravel()
        np.testing.assert_allclose(found, expected, atol=5.1e-6 if name == "wide" else 5.1e-7)
        for edge, side in zip(found, [-1, 1] * 3, strict=True):
            assert edge == pytest.approx(turning(model, edge, side), rel=1e-8)


def turning(model, edge, side):
    """The edge from z as a function of q, by 30 digits, from a real solution just outside."""
    outside = model.solve(edge + side * 1e-5 * (edge - model.rest))
    m, mp = model, mpmath.mp
    with mpmath.workdps(30):
        c, b2, v2, pp, pn = (mp.mpf(v) for v in (m.linear, m.noise, m.sample, m.psi_p, m.psi_n))

        def y_of(q):
            """The root of the quadratic equation of y, one variance 1, that is near."""
            A, f, g = pp / pn * q, pp * q * b2 + 1, pp * q * c
            a, b = g * (1 + A * v2), f * (1 + A * v2) - g + A * c
            root = mp.sqrt(b * b + 4 * a * f)
            return min(((-b + s * root) / (2 * a) for s in (1, -1)), key=lambda y: abs(y - complex(outside.y)))

        def level(q):
            y = y_of(q)
            x = pp * q * (b2 + c * y)
            return m.rest + v2 * y - (1 - x / (1 + x) / pp) / q

        near = mp.mpf(float(outside.q.real))
        q = mpmath.findroot(lambda q: mp.diff(level, q), (near, near * (1 + mp.mpf(10) ** -4)), tol=1e-12)
        return float(mp.re(level(q)))


@ALL
def test_counts_between_bulks_by_contours(model):
    """The integral of q round the spectrum below a gap is the share that theory counts there."""
    angle = (np.arange(4000) + 0.5) * np.pi / 4000
    gaps = [(max(low, 0.0), min(high, 2 * low) if low > 0 else high) for low, high in _gaps(model)]
    for (_, start), (end, _), (below, above) in zip(gaps[:-1], gaps[1:], pairwise(map(np.mean, gaps)), strict=True):
        centre, radius = (below + above) / 2, (above - below) / 2
        z = centre + radius * np.exp(1j * angle)
        mass = (model.solve(z).q * (z - centre)).real.sum() * (angle[0] - angle[1]) / np.pi
        assert mass == pytest.approx(np.diff(model.share_below([start, end]))[0], abs=1e-3)


def test_the_response_is_the_derivative():
    """By a difference of the equations with eps in them, solved in 30 digits."""
    model, z = MODELS["atoms"], -0.05
    found = model.solve(z)
    gained = model.response(found, z)
    step = mpmath.mpf(10) ** -12
    with mpmath.workdps(30):
        up, down = (_shifted(model, z, (float(found.q.real), float(found.y.real)), sign * step) for sign in (1, -1))
        expected = [float((a - b) / (2 * step)) for a, b in zip(up, down, strict=True)]
    np.testing.assert_allclose([part.real for part in gained], expected, rtol=1e-9)


def _shifted(model, z, start, eps):
    m, mp = model, mpmath.mp
    kinds = [(mp.mpf(w), mp.mpf(k)) for w, k in zip(m.weights, m.lam, strict=True)]

    def kept(q, y, k):
        return 1 / (1 + m.psi_p * q * (m.noise + eps * (m.noise + m.linear * k) + m.linear * k * y))

    def equations(q, y):
        r = q * mp.fsum(w * k * kept(q, y, k) for w, k in kinds)
        used = mp.fsum(w * (1 - kept(q, y, k)) for w, k in kinds)
        rest = m.rest + eps * (m.sample + m.rest)
        return 1 / y - 1 - m.psi_p / m.psi_n * (m.linear * r + m.sample * q), q * (
            rest + m.sample * y - z
        ) - 1 + used / m.psi_p

    q, y = mpmath.findroot(equations, tuple(mp.mpf(v) for v in start), tol=1e-25)
    r, s = (q * mp.fsum(w * k**power * kept(q, y, k) for w, k in kinds) for power in (1, 0))
    return q, y, r, s


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_root_is_of_the_wrong_branch(count):
    """A root at every point, Im q >= 0, all mass found between the ends, and more of it the further up."""
    rng = np.random.default_rng(0)
    for i in range(count):
        model = _drawn(rng, near=i % 10 == 0)
        u = model.rest + np.r_[-1e-3 * model.rest, np.sort(10 ** rng.uniform(-4, 0, 12)) * (model.bound - model.rest)]
        found = model.solve(u)
        assert (found.q.imag >= -1e-12 * np.abs(found.q)).all()
        assert model.share_below(u[0]) == pytest.approx(0, abs=1e-12)
        assert model.share_below(model.bound) == pytest.approx(1, abs=1e-12)
        assert (np.diff(model.share_below(u)) > -1e-12).all()


def _drawn(rng, near):
    """Constants and shapes over decades; `near` with nearly as many features as samples."""
    K = rng.integers(1, 5)
    lam = 10 ** rng.uniform(-2, 2, K) * np.r_[1, rng.random(K - 1) < 0.8]
    constants = 10 ** rng.uniform([-3, -4, -4, -6], 0)
    psi_p, psi_n = 10 ** rng.uniform(-1, 2.5, 2)
    psi_n = psi_p * (1 + rng.choice([0, 1e-6, 1e-2])) if near else psi_n
    return FeatureSaddle(*constants, lam, rng.dirichlet(np.ones(K)), psi_p, psi_n)


def test_against_a_draw():
    """One matrix of 1,600 features: shares of its eigenvalues are off by some eigenvalues, which repel each other."""
    model, d, rng = MODELS["atoms"], 160, np.random.default_rng(0)
    p, n = int(model.psi_p * d), int(model.psi_n * d)
    W, X = rng.standard_normal((p, d)), rng.standard_normal((d, n)) * np.sqrt(np.repeat(model.lam, d // 2))[:, None]
    G = np.sqrt(model.linear / d) * W @ X + np.sqrt(model.sample) * rng.standard_normal((p, n))
    eigenvalues = np.linalg.eigvalsh(G @ G.T / n + model.noise * W @ W.T / d) + model.rest
    moved = eigenvalues[p - n - d :]
    rank = p * model.share_below(moved)
    assert np.abs(rank - np.arange(p - n - d, p) - 0.5).max() < 4
    found = model.solve(-0.01)
    resolvent = np.mean(1 / (eigenvalues + 0.01))
    assert found.q.real == pytest.approx(resolvent, rel=0.01)
