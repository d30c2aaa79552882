import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from theory.predictions import spectral_gap
from theory.setting import LinearManifold, Setting
from validation.statistics import threshold


def of(text, ambient, **others):
    return Setting.of(LinearManifold.parse(text, ambient), **others)


ONE = of("1x50", 200, times=[2.0])
TWO = of("1x10,0.1x30", 100, times=[0.2, 0.8, 2.0])
THREE = of("3x20,0.5x30,0.01x10", 150, times=[0.02, 0.4, 2.0])
SQUARE = of("1x20,0.2x20", 40, times=[1e-3, 0.4, 2.0])
ALL = pytest.mark.parametrize("setting", [ONE, TWO, THREE, SQUARE], ids=str)


def marchenko_pastur(s, lam, c):
    """Density of the nonzero eigenvalues of F F^T, one variance."""
    low, high = lam * (np.sqrt(c) - 1) ** 2, lam * (np.sqrt(c) + 1) ** 2
    return np.sqrt(np.maximum((s - low) * (high - s), 0)) / (2 * np.pi * lam * s)


def mixture(setting):
    manifold = setting.manifold
    m = manifold.intrinsic_dimension
    return manifold.variances, manifold.dimensions / m, manifold.ambient_dimension / m


def root_of_many_digits(setting, s):
    """Im gamma/pi at s + i0 as the root of a polynomial in gamma, of 40 digits."""
    lam, p, c = mixture(setting)
    with mpmath.workdps(40):
        lam, p = [mpmath.mpf(v) for v in lam], [mpmath.mpf(v) for v in p]
        total = np.array([mpmath.mpf(0)])
        for k, v in enumerate(lam):  # gamma (-s + sum p lam/(1 + lam gamma)) = c, times the denominators
            rest = np.array([mpmath.mpf(1)])
            for j, other in enumerate(lam):
                if j != k:
                    rest = np.polymul(rest, np.array([other, 1]))
            total = np.polyadd(total, np.polymul(rest, np.array([p[k] * v, 0])))
        whole = np.array([mpmath.mpf(1)])
        for v in lam:
            whole = np.polymul(whole, np.array([v, 1]))
        polynomial = np.polyadd(total, np.polymul(whole, np.array([-mpmath.mpf(s), -mpmath.mpf(float(c))])))
        roots = mpmath.polyroots(list(polynomial), maxsteps=500, extraprec=200)
        return float(max(mpmath.im(root) for root in roots) / mpmath.pi)


def within(setting, points=7):
    """Points inside the bulks."""
    return np.concatenate([np.linspace(a, b, points + 2)[1:-1] for a, b in spectral_gap.bulks(setting).edges])


# one variance


def test_the_numbers_of_the_notes():
    """D = 200, m = 50, t = 2: 40.68 of 50 are counted, .62772 retained; edges of (1, .1), m = (10, 30), D = 100."""
    assert spectral_gap.estimated_dimension(ONE)[0] == pytest.approx(40.68, abs=5e-3)
    assert spectral_gap.mean_retained(ONE)[0] == pytest.approx(0.62772, abs=5e-6)
    np.testing.assert_allclose(spectral_gap.bulks(TWO).edges, [[0.0397, 0.5524], [1.2567, 4.4123]], rtol=0, atol=5.1e-5)
    np.testing.assert_array_equal(spectral_gap.bulks(TWO).shares, [0.75, 0.25])


@pytest.mark.parametrize("lam", [1.0, 0.03])
@pytest.mark.parametrize(("m", "D"), [(50, 200), (7, 8), (20, 20), (1, 1000)])
def test_one_variance_is_the_law_of_marchenko_and_pastur(lam, m, D):
    c, times = D / m, lam * np.array([1e-3, 0.5, 2.0, 30.0])
    setting = of(f"{lam}x{m}", D, times=times)
    edges = lam * (np.sqrt(c) + np.array([-1, 1])) ** 2
    np.testing.assert_allclose(spectral_gap.bulks(setting).edges, [edges], rtol=1e-8, atol=0)
    s = within(setting)
    np.testing.assert_allclose(spectral_gap.density(setting, s), marchenko_pastur(s, lam, c), rtol=1e-9)
    b = c + 1 + times / lam
    np.testing.assert_allclose(spectral_gap.mean_retained(setting), 2 * c / (b + np.sqrt(b**2 - 4 * c)), rtol=1e-13)
    low, high = edges
    for t, found in zip(s, spectral_gap.share_beyond(setting, s), strict=True):
        # x = low + (high - low) sin^2 has no root at the edges
        first = np.arcsin(np.sqrt((t - low) / (high - low)))

        def integrand(angle, low=low, high=high):
            x = low + (high - low) * np.sin(angle) ** 2
            return marchenko_pastur(x, lam, c) * (high - low) * np.sin(2 * angle)

        assert found == pytest.approx(quad(integrand, first, np.pi / 2, epsabs=1e-12)[0], abs=1e-9)


# any mixture


@ALL
def test_the_density_against_roots_of_many_digits(setting):
    s = within(setting)
    expected = [root_of_many_digits(setting, one) for one in s]
    np.testing.assert_allclose(spectral_gap.density(setting, s), expected, rtol=1e-9)


@ALL
def test_edges_are_where_the_many_digits_say(setting):
    """To 1e-8: a root is complex that far inside an edge, and none is that far outside."""
    for edge, sign in zip(spectral_gap.bulks(setting).edges.T, (1, -1), strict=True):
        for one in edge[edge > 0]:
            assert root_of_many_digits(setting, one * (1 + sign * 1e-8)) > 0
            assert root_of_many_digits(setting, one * (1 - sign * 1e-8)) < 1e-12


def masses(setting, low, high, count):
    """Points of a bulk and the shares that they stand for: Gauss and Legendre in an angle, without a root at the edges."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    angle = np.pi / 4 * (nodes + 1)
    s = low + (high - low) * np.sin(angle) ** 2
    return s, weights * np.pi / 4 * spectral_gap.density(setting, s) * (high - low) * np.sin(2 * angle)


@ALL
def test_the_share_beyond_is_the_integral_of_the_density(setting):
    found = spectral_gap.bulks(setting)
    for (low, high), share in zip(found.edges, found.shares, strict=True):
        assert masses(setting, low, high, 200)[1].sum() == pytest.approx(share, rel=1e-9)
        inner, step = np.linspace(low, high, 5)[1:4], 1e-4 * (high - low)
        beyond = spectral_gap.share_beyond(setting, np.stack([inner - step, inner + step]))
        # midpoint rule, off by the square of the step
        np.testing.assert_allclose(
            (beyond[0] - beyond[1]) / (2 * step), spectral_gap.density(setting, inner), rtol=1e-5
        )
        assert spectral_gap.share_beyond(setting, low) - spectral_gap.share_beyond(setting, high) == pytest.approx(
            share
        )


@ALL
def test_the_mean_retained_is_that_of_the_density(setting):
    total = np.zeros(setting.t.size)
    for low, high in spectral_gap.bulks(setting).edges:
        s, mass = masses(setting, low, high, 400)
        total += (s / (s + setting.t[:, None])) @ mass
    np.testing.assert_allclose(spectral_gap.mean_retained(setting), total, rtol=1e-6)


def test_equal_and_nearly_equal_variances_are_one():
    plain = spectral_gap.bulks(ONE).edges
    for text in ("1x20,1x30", f"1x20,{1 + 1e-12!r}x30", f"{1 - 1e-9!r}x20,1x30"):
        np.testing.assert_allclose(spectral_gap.bulks(of(text, 200)).edges, plain, rtol=2e-9)


def test_far_variances_part():
    """The larger ones see the others as no columns at all; the smaller ones see the ambient space without the larger."""
    edges = spectral_gap.bulks(of("1x10,1e-8x30", 100)).edges
    for found, (lam, m, D) in zip(edges, ((1e-8, 30, 90), (1.0, 10, 100)), strict=True):
        np.testing.assert_allclose(found, lam * (np.sqrt(D) + np.array([-1, 1]) * np.sqrt(m)) ** 2 / 40, rtol=1e-6)


def drawn_settings(count):
    """Random mixtures of one to four variances over four decades, of all shapes D/m."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        K = rng.integers(1, 5)
        parts = [(10 ** rng.uniform(-2, 2), int(rng.integers(1, 50))) for _ in range(K)]
        m = sum(size for _, size in parts)
        yield Setting.of(LinearManifold(tuple(parts), m + int(rng.integers(0, 2) * rng.integers(0, 5 * m))))


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_root_is_of_the_wrong_branch(count):
    """Im u > 0 within the bulks, the equation solved, all mass found, the share of each bulk that of its columns."""
    for setting in drawn_settings(count):
        s = within(setting, 3)
        u = spectral_gap._complex_root(setting, s)
        lam, p, c = mixture(setting)
        residue = u + c - 1 + (p * s[:, None] / (lam * u[:, None] + s[:, None])).sum(axis=1)
        assert (u.imag > 0).all(), setting.manifold
        assert (np.abs(residue) < 1e-12 * (c + np.abs(u))).all(), setting.manifold
        found = spectral_gap.bulks(setting)
        just = found.edges * (1 + 1e-9 * np.array([1, -1])) + 1e-30
        share = spectral_gap.share_beyond(setting, just)
        # square roots of the density are that far from the edges within 1e-4 of all, of D = m below
        np.testing.assert_allclose(share[:, 0] - share[:, 1], found.shares, atol=3e-4, err_msg=str(setting.manifold))
        assert found.shares.sum() == pytest.approx(1, rel=1e-14)
        assert (np.diff(found.edges.ravel()) > 0).all()


# against draws


def test_against_a_large_draw():
    """m = 200: ranks are off by a few eigenvalues, which repel each other, and averages by 1/m."""
    setting = of("1x50,0.1x150", 500, times=[0.2, 0.8, 2.0])
    F = np.random.default_rng(1).standard_normal((500, 200)) * np.sqrt(np.repeat([1, 0.1], [50, 150]) / 200)
    eigenvalues = np.sort(np.linalg.eigvalsh(F.T @ F))[::-1]
    rank = 200 * spectral_gap.share_beyond(setting, eigenvalues)
    assert np.abs(rank - np.arange(200) - 0.5).max() < 3
    retained = (eigenvalues / (eigenvalues + setting.t[:, None])).mean(axis=1)
    np.testing.assert_allclose(retained, spectral_gap.mean_retained(setting), atol=1 / 200)
    resolvent = np.linalg.inv(F.T @ F + 0.2 * np.eye(200))
    kept = 1 - 0.2 * np.diag(resolvent)
    found = spectral_gap.latent_retained(setting)[0]
    assert [kept[:50].mean(), kept[50:].mean()] == pytest.approx(found, abs=2 / 200)


def test_the_shift_of_the_edges_is_that_of_johnstone():
    for m, D in ((50, 200), (20, 21), (10, 1000)):
        root, other = np.sqrt(m), np.sqrt(D)
        lower = (other - root) * (1 / root - 1 / other) ** (1 / 3) / m
        upper = (other + root) * (1 / root + 1 / other) ** (1 / 3) / m
        found = spectral_gap.edge_shifts(of(f"1x{m}", D))
        np.testing.assert_allclose(found, 1.2065335745820 * np.array([lower, upper]), rtol=1e-9)
    assert spectral_gap.edge_shifts(SQUARE)[0] == 0


@pytest.mark.parametrize("text", ["1x24", "1x8,0.5x16"])
def test_the_shift_of_the_edges_against_draws(text):
    """What is left to the next order is m^(-1/3) of it."""
    setting, n, m = of(text, 96), 1000, 24
    F = np.random.default_rng(2).standard_normal((n, 96, m)) * np.sqrt(setting.manifold.spectrum[:m] / m)
    ends = np.linalg.eigvalsh(F.swapaxes(1, 2) @ F)[:, [0, -1]]
    shift = spectral_gap.edge_shifts(setting)
    off = (ends.mean(axis=0) - spectral_gap.bulks(setting).edges[[0, -1], [0, 1]]) * [1, -1] - shift
    error = threshold(n) * ends.std(axis=0, ddof=1) / np.sqrt(n)
    assert (np.abs(off) < error + shift * m ** (-1 / 3)).all()
    assert (error < shift / 3).all()


# what follows


@ALL
def test_the_gap_is_one_half_when_it_opens(setting):
    opening = spectral_gap.gap_opening_time(setting)
    if setting is SQUARE:
        assert opening == 0
        assert (spectral_gap.gap_width(setting) == 0).all()
        return
    at = setting.at(times=[opening])
    assert spectral_gap.gap_width(at) == pytest.approx(0.5)
    assert spectral_gap.estimated_dimension(at) == pytest.approx(setting.manifold.intrinsic_dimension, rel=1e-6)


@settings(max_examples=20)
@given(st.floats(-3, 3), st.integers(0, 200))
def test_retained_falls_with_noise_and_grows_with_room(log_t, more):
    t = 10**log_t
    narrow, wide = (of("1x10,0.1x30", 40 + n, times=[t, 1.1 * t]) for n in (more, more + 5))
    first, second = spectral_gap.latent_retained(narrow)
    assert (second < first).all()
    assert (spectral_gap.latent_retained(wide)[0] > first).all()


def test_effective_noise_solves_its_equation():
    lam, p, c = mixture(TWO)
    kappa = spectral_gap.effective_noise(TWO)
    np.testing.assert_allclose(c * kappa - (p * lam * kappa[:, None] / (lam + kappa[:, None])).sum(axis=1), TWO.t)


@ALL
def test_flipd_is_an_average_over_the_density(setting):
    for one, t in zip(spectral_gap.flipd_dimension(setting), setting.t, strict=True):
        total = sum(
            quad(
                lambda u, a=a, b=b, t=t: (  # s = a + (b - a) sin^2 u smooths the edges
                    (1 - (t / ((s := a + (b - a) * np.sin(u) ** 2) + t)) ** 2)
                    * float(spectral_gap.density(setting, s))
                    * (b - a)
                    * np.sin(2 * u)
                ),
                0,
                np.pi / 2,
                limit=200,
            )[0]
            for a, b in spectral_gap.bulks(setting).edges
        )
        assert one == pytest.approx(setting.manifold.intrinsic_dimension * total, rel=1e-6)
