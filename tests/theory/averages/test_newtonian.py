import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ncx2

from theory.averages import newtonian
from theory.averages.newtonian import Weighed, newtonian_averages
from theory.setting import SCHEDULES, LinearManifold, Setting
from validation.statistics import threshold


def rule(law, nodes=80):
    """Gauss-Legendre over a squared distance, in its root: s and probabilities."""
    z, w = np.polynomial.legendre.leggauss(nodes)
    low, high = np.sqrt(law.ppf(1e-16)), np.sqrt(law.isf(1e-16))
    r = (low + high) / 2 + (high - low) / 2 * z
    return r**2, (high - low) * w * r * law.pdf(r**2)


def of_two(D, beyond, first, second):
    """E sum w^2, E sum w s and E w_1 of two samples, by two sums over their distances, no Euler's integral."""
    (s, p), (s_, p_) = rule(first), rule(second)
    s, s_, both = s[:, None] + beyond, s_ + beyond, p[:, None] * p_
    w = 1 / (1 + (s / s_) ** (D / 2 - 1))
    return [(both * f).sum() for f in (w**2 + (1 - w) ** 2, w * s + (1 - w) * s_, w)]


@pytest.mark.parametrize(("m", "D"), [(3, 3), (4, 4), (7, 7), (20, 20), (6, 9)])
@pytest.mark.parametrize("t", [0.1, 2.0])
def test_two_samples_by_two_sums(m, D, t):
    lam, offset, beyond = 0.7, 1.9 * m, 0.3 * (m < D)
    manifold, squares = LinearManifold(((lam, m),), D), np.array([[offset, beyond]])
    impostor, c = ncx2(m, offset / lam, scale=lam), lam * t / (lam + t)
    own = ncx2(m, offset * (t / (lam + t)) ** 2 / c, scale=c)
    fresh = of_two(D, beyond, impostor, impostor)
    trajectory = of_two(D, beyond, own, impostor)
    np.testing.assert_allclose(Weighed(manifold, t, 2, squares, own=False).found[0], fresh[:2], rtol=1e-9)
    np.testing.assert_allclose(Weighed(manifold, t, 2, squares, own=True).found[0], trajectory, rtol=1e-9)


@pytest.mark.parametrize("t", [1.0, 100.0])
def test_an_average_over_x_resolves_where_the_samples_are(t):
    """In three dimensions, by a fine rule in |x|: the estimate of Gauss's rule is too low there."""
    manifold = LinearManifold(((1.0, 3),), 3)
    r = np.linspace(0, 11, 2000)[1:]
    weights = r**2 * np.exp(-(r**2) / 2)
    found = Weighed(manifold, t, 2, (r**2 * (1 + t))[:, None], own=False).found
    expected = weights @ found / weights.sum()
    averages = newtonian_averages(Setting.of([(1.0, 3)], samples=2, times=[t]))
    np.testing.assert_allclose([averages[name][0] for name in ("participation", "square")], expected, rtol=1e-6)


def test_samples_on_a_plane_are_no_obstacle():
    """Against those that vary across it by a thousandth of the noise, another route: three directions, no normal one."""
    plane, thick = (
        Setting.of(LinearManifold.parse(text, 3), samples=200, times=[1.0]) for text in ("1x2", "1x2,1e-6x1")
    )
    found, expected = (newtonian_averages(setting)["participation"][0] for setting in (plane, thick))
    assert found == pytest.approx(expected, rel=1e-3)


def test_rare_points_of_some_error_do_not_warn():
    """Of three narrow directions there are x, one in ten million, whose law of s is known to a ten-thousandth only."""
    squares = np.array([[0.0073, 0.0858, 10.8693]])
    manifold = LinearManifold.parse("1x1,0.3x1,0.1x1")
    assert Weighed(manifold, 0.3, 1000, squares, own=False).error[0] > 1e-6
    newtonian_averages(Setting.of(manifold, samples=1000, times=[0.3]))


def by_quadrature(m, lam, offset, samples):
    """E sum w^2 by Euler's integral, two adaptive rules of SciPy and its noncentral chi-square; about 1e-9."""
    s, p = rule(ncx2(m, offset / lam, scale=lam), 400)
    energy = (m / 2 - 1) * np.log(s)

    def integrand(v):
        z = np.exp(np.minimum(v - energy, 30))
        return (
            samples
            * (p * z**2 * np.exp(-z)).sum()
            * np.exp((samples - 1) * np.log1p(max(p @ np.expm1(-z), -1 + 1e-15)))
        )

    centre = energy.mean()
    return quad(
        integrand, centre - 60, centre + 60, limit=500, epsabs=1e-13, points=[centre - 20, centre, centre + 20]
    )[0]


@pytest.mark.parametrize(("m", "samples"), [(3, 10), (10, 10), (10, 1000), (20, 2000)])
def test_many_samples_by_quadrature(m, samples):
    found = Weighed(LinearManifold.parse(f"0.7x{m}"), 0.3, samples, np.array([[1.3 * m]]), own=False)
    assert found.found[0, 0] == pytest.approx(by_quadrature(m, 0.7, 1.3 * m, samples), rel=1e-7)
    assert found.error < 1e-9


def test_a_thousand_samples_by_mpmath():
    """Three directions, x at the origin: the law of s is elementary, and v is integrated over with 20 digits.

    Distances of which a sample has fewer than e^-34/N are left out: in three dimensions E w^2 loses the root of their s.
    """
    with mpmath.workdps(20):
        density = lambda r: mpmath.sqrt(2 / mpmath.pi) * r**2 * mpmath.exp(-(r**2) / 2)  # noqa: E731
        nodes = [(r, w * density(r)) for r, w in _tanh_sinh(12)]

        def integrand(v):
            u = mpmath.exp(v)
            z = [(u / r, p) for r, p in nodes]
            phi = mpmath.fsum(p * mpmath.exp(-a) for a, p in z)
            return 1000 * mpmath.fsum(p * a**2 * mpmath.exp(-a) for a, p in z) * phi**999

        step = mpmath.mpf("0.25")
        expected = float(step * mpmath.fsum(integrand(step * k) for k in range(-160, 12)))
    found = Weighed(LinearManifold.parse("1x3"), 1.0, 1000, np.zeros((1, 1)), own=False).found[0, 0]
    assert found == pytest.approx(expected, rel=1e-8)


def _tanh_sinh(end):
    """Nodes and weights on (0, end)."""
    h = mpmath.mpf(1) / 24
    for k in range(-72, 73):
        sinh = mpmath.pi / 2 * mpmath.sinh(k * h)
        yield end * (1 + mpmath.tanh(sinh)) / 2, end * h * mpmath.pi / 4 * mpmath.cosh(k * h) / mpmath.cosh(sinh) ** 2


@pytest.mark.parametrize("query", ["fresh", "trajectory"])
@pytest.mark.parametrize(("subspaces", "ambient"), [("1x2,0.2x3", 5), ("0.5x3", 6)])
def test_averages_over_x_against_draws(query, subspaces, ambient):
    """Two subspaces, and one with normal directions."""
    setting = Setting.of(LinearManifold.parse(subspaces, ambient), samples=6, times=[0.4], query=query)
    rng, draws = np.random.default_rng(0), 40_000
    spectrum = setting.manifold.spectrum
    y = rng.normal(size=(draws, 6, ambient)) * np.sqrt(spectrum)
    source = y[:, :1] if query == "trajectory" else rng.normal(size=(draws, 1, ambient)) * np.sqrt(spectrum)
    s = ((source + np.sqrt(0.4) * rng.normal(size=(draws, 1, ambient)) - y) ** 2).sum(axis=2)
    w = s ** (1 - ambient / 2)
    w /= w.sum(axis=1, keepdims=True)
    measured = {"participation": (w**2).sum(axis=1), "square": (w * s).sum(axis=1), "own_weight": w[:, 0]}
    found = newtonian_averages(setting)
    assert set(found) == set(measured) - ({"own_weight"} if query == "fresh" else set())
    for name, value in found.items():
        m = measured[name]
        assert abs(m.mean() - value[0]) < threshold(draws) * m.std() / np.sqrt(draws)


def test_two_subspaces_of_one_variance_are_one():
    one, two = (newtonian_averages(Setting.of(s, samples=50, times=[0.1, 1.0])) for s in ("1x5", "1x2,1x3"))
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-6)


@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_finer_steps_change_nothing(query, monkeypatch):
    setting = Setting.of(
        "1x2,0.01x4", samples=10**6, times=[1e-4, 0.1, 10.0], query=query, point=(2.0, 0.3, 0.1, 0, 0, 0)
    )
    plain = newtonian_averages(setting)
    newtonian._at_time.cache_clear()
    for name in ("STEP", "PER_SADDLE", "PER_ENERGY", "PER_LEVEL"):
        monkeypatch.setattr(newtonian, name, getattr(newtonian, name) / 2)
    monkeypatch.setattr(newtonian, "DEEP", 40.0)
    finer = newtonian_averages(setting)
    newtonian._at_time.cache_clear()
    for name in plain:
        np.testing.assert_allclose(finer[name], plain[name], rtol=1e-9)


@pytest.mark.parametrize("subspaces", ["1x3", "1x4", "1x2,1e-6x30", "1e6x1,1x1,1e-3x1", "1x300"])
@pytest.mark.parametrize("samples", [2, 10**9, 10**25])
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_extremes_neither_warn_nor_leave_their_range(subspaces, samples, query):
    """To the declared accuracy."""
    x = (1.5,) + (1.0,) * 2
    manifold = LinearManifold.parse(subspaces)
    point = (x * manifold.intrinsic_dimension)[: manifold.intrinsic_dimension]
    setting = Setting.of(manifold, samples=samples, times=[1e-9, 1.0, 1e9], query=query, point=point)
    found = newtonian_averages(setting)
    assert ((found["participation"] > 0) & (found["participation"] < 1 + 1e-6)).all()
    assert (found["participation"] * samples > 1 - 1e-6).all()
    if query == "trajectory":
        assert ((found["own_weight"] * samples > 1 - 1e-6) & (found["own_weight"] < 1 + 1e-6)).all()


@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_a_schedule_is_a_map_of_time(schedule):
    own = Setting.of("1x4", samples=50, times=[0.6], schedule=SCHEDULES[schedule])
    for setting in (own, own.at(point=(1.0, 0.5, 0.2, 0.1), times=[0.1, 0.6], query="trajectory")):
        found = newtonian_averages(setting)
        for i, (t, alpha) in enumerate(zip(setting.t, setting.alpha, strict=True)):
            point = None if setting.point is None else tuple(np.array(setting.point) / alpha)
            expected = newtonian_averages(setting.at(schedule="ve", times=[t], point=point))
            for name in found:
                assert found[name][i] == pytest.approx(expected[name][0], rel=1e-9)


def test_what_has_no_average_is_refused():
    with pytest.raises(ValueError, match=r"the weights r\^-\(D-2\) take 3 dimensions or more, got D = 2"):
        newtonian_averages(Setting.of("1x2"))
    with pytest.raises(ValueError, match="is derived for the gaussian ensemble, got 'sphere'"):
        newtonian_averages(Setting.of("1x4", ensemble="sphere"))


def test_what_cannot_be_averaged_well_warns(monkeypatch):
    monkeypatch.setattr(newtonian, "ACCURACY", 1e-20)
    newtonian._at_time.cache_clear()
    with pytest.warns(UserWarning, match=r"averages at t = 0\.37 are off by about"):
        newtonian_averages(Setting.of("1x4", samples=9, times=[0.37], point=(1.0, 0.0, 0.0, 0.0)))
    newtonian._at_time.cache_clear()


@pytest.mark.parametrize(
    ("subspaces", "D", "t"),
    [("0.5x2,0.1x1", 3, 1e18), ("0.5x2,0.1x1", 3, 1e40), ("1x20", 20, 1e30), ("1x20", 10**8, 1e-6)],
)
@pytest.mark.parametrize("query", ["fresh", "trajectory"])
def test_what_rounding_hides_or_takes_long_is_no_number(subspaces, D, t, query):
    """Of samples that differ by less than rounding panels were as many as memory holds."""
    setting = Setting.of(LinearManifold.parse(subspaces, D), samples=1000, times=[t], query=query)
    assert all(np.isnan(found).all() for found in newtonian_averages(setting).values())


def test_far_above_the_data_and_in_many_directions_weights_are_told():
    far = Setting.of("1x20", samples=1000, times=[1e15], query="trajectory")
    found = newtonian_averages(far)
    assert found["participation"][0] == pytest.approx(1e-3, rel=1e-6)
    assert found["square"][0] == pytest.approx(20e15, rel=1e-6)
    wide = Setting.of(LinearManifold.parse("1x2", 1000), samples=1000, times=[1.0])
    assert 1 / 1000 < newtonian_averages(wide)["participation"][0] < 1
