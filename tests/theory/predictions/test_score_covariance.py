import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from tests.theory.conftest import cases, decades, small_manifolds
from theory.predictions import collapse, score_covariance
from theory.predictions.score_covariance import covariance, kernel, log_weight_ratio, mixture_covariance, reweighted_pca
from theory.setting import LinearManifold, Setting

seeds = st.integers(0, 10**6)


def rotation(rng, size):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


@given(small_manifolds, decades(-1, 1), seeds)
def test_one_gaussian_of_the_mixture_is_the_closed_form(manifold, t, seed):
    x = np.sqrt(manifold.spectrum + t) * np.random.default_rng(seed).normal(size=manifold.ambient_dimension)
    found = mixture_covariance(x, t, [1.0], np.zeros((1, x.size)), np.diag(manifold.spectrum)[None])
    expected = covariance(x, t, manifold)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


@given(decades(-2, 1), decades(-2, 1), st.floats(-3, 3), st.floats(-3, 3))
def test_one_direction_is_the_quadrature(v, t, u, w):
    manifold = LinearManifold(((v, 1),))
    x, other = u * np.sqrt(v + t), w * np.sqrt(v + t)
    width = np.sqrt(v * t / (v + t))

    def average(f, *points):
        k = len(points)
        centre, spread = sum(points) / t / (1 / v + k / t), 1 / np.sqrt(1 / v + k / t)
        y = centre + 14 * spread * np.linspace(-1, 1, 401)
        log_g = sum(-((p - y) ** 2) / (2 * t) for p in points) - y**2 / (2 * v)
        return (f(y) * np.exp(log_g)).sum() * (y[1] - y[0]) / np.sqrt(2 * np.pi * v)

    assert width > 0
    means = [average(lambda y: y, p) / average(np.ones_like, p) for p in (x, other)]
    for points, m in (((x, x), (means[0], means[0])), ((x, other), means)):
        norm = average(np.ones_like, points[0]) * average(np.ones_like, points[1])
        exact = average(lambda y, m=m: (y - m[0]) * (y - m[1]), *points) / (t**2 * norm)
        found = kernel([points[0]], [points[1]], t, manifold)[0]
        assert found == pytest.approx(exact, rel=1e-6, abs=1e-8 * abs(kernel([x], [x], t, manifold)[0]))
    assert covariance([x], t, manifold)[0, 0] == pytest.approx(kernel([x], [x], t, manifold)[0], rel=1e-10)
    ratio = average(np.ones_like, x, x) / average(np.ones_like, x) ** 2
    assert log_weight_ratio([x], t, manifold) == pytest.approx(np.log(ratio), rel=1e-8, abs=1e-9)


@given(small_manifolds, decades(-1, 1), seeds, st.integers(0, 3))
def test_the_kernel_is_symmetric_and_its_diagonal_is_the_covariance(manifold, t, seed, normal):
    manifold = LinearManifold(manifold.subspaces, manifold.intrinsic_dimension + normal)
    x, other = np.random.default_rng(seed).normal(size=(2, manifold.ambient_dimension))
    np.testing.assert_allclose(kernel(x, other, t, manifold), kernel(other, x, t, manifold), rtol=1e-9)
    np.testing.assert_allclose(kernel(x, x, t, manifold), np.diag(covariance(x, t, manifold)), rtol=1e-9)


@given(st.integers(1, 5), decades(-1, 1), seeds)
def test_rotations_carry_over(size, t, seed):
    rng = np.random.default_rng(seed)
    Q, x, other = rotation(rng, size), *rng.normal(size=(2, size))
    round_ = LinearManifold(((1.3, size),))
    S = covariance(x, t, round_)
    np.testing.assert_allclose(covariance(Q @ x, t, round_), Q @ S @ Q.T, rtol=1e-9, atol=1e-10 * np.abs(S).max())
    before, after = kernel(x, other, t, round_).sum(), kernel(Q @ x, Q @ other, t, round_).sum()
    assert after == pytest.approx(before, rel=1e-9, abs=1e-10 * kernel(x, x, t, round_).sum())
    means, weights = rng.normal(size=(4, size)), rng.dirichlet(np.ones(4))
    C = np.array([a @ a.T for a in rng.normal(size=(4, size, size))])
    S = mixture_covariance(x, t, weights, means, C)
    turned = mixture_covariance(Q @ x, t, weights, means @ Q.T, Q @ C @ Q.T)
    np.testing.assert_allclose(turned, Q @ S @ Q.T, rtol=1e-8, atol=1e-9 * np.abs(S).max())


@given(st.integers(1, 4), st.integers(1, 6), decades(-1, 1), seeds)
def test_a_discrete_distribution_is_the_weighted_sum(size, count, t, seed):
    rng = np.random.default_rng(seed)
    x, points, weights = rng.normal(size=size), rng.normal(size=(count, size)), rng.dirichlet(np.ones(count))
    g = np.exp(-((x - points) ** 2).sum(-1) / (2 * t))
    m = (weights * g) @ points / (weights @ g)
    expected = sum(w * e**2 * np.outer(y - m, y - m) for w, e, y in zip(weights, g, points, strict=True))
    expected = expected / (t * (weights @ g)) ** 2
    found = mixture_covariance(x, t, weights, points)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * (1 + np.abs(expected).max()) / t**2)


@given(st.integers(1, 4), decades(-1, 1), seeds)
def test_identical_components_are_one(size, t, seed):
    rng = np.random.default_rng(seed)
    x, centre, a = rng.normal(size=size), rng.normal(size=size), rng.normal(size=(size, size))
    one = mixture_covariance(x, t, [1.0], centre[None], (a @ a.T)[None])
    three = mixture_covariance(x, t, [0.2, 0.5, 0.3], np.tile(centre, (3, 1)), np.tile(a @ a.T, (3, 1, 1)))
    np.testing.assert_allclose(three, one, rtol=1e-9, atol=1e-11 * np.abs(one).max())


def test_the_central_limit_theorem_itself():
    rng = np.random.default_rng(3)
    t, n, sets = 0.5, 400, 4000
    manifold = LinearManifold.parse("1x1,0.3x1")
    x = np.array([0.7, -0.4])
    y = rng.normal(size=(sets, n, 2)) * np.sqrt(manifold.spectrum)
    w = np.exp(-((x - y) ** 2).sum(-1) / (2 * t))
    scores = ((w[..., None] * y).sum(1) / w.sum(1)[:, None] - x) / t
    measured = n * np.cov(scores.T)
    expected = covariance(x, t, manifold)
    # standard error of a variance over 4000 sets is 2.2 %; allow five of them and 2 % of finite size
    np.testing.assert_allclose(np.diag(measured), np.diag(expected), rtol=0.13)


@given(cases())
def test_annealed_samples_are_fewer_than_typical_ones(setting):
    typical = score_covariance.effective_samples_typical(setting)
    annealed = score_covariance.effective_samples_annealed(setting)
    assert (annealed <= typical * (1 + 1e-6)).all()
    assert (typical <= setting.samples * (1 + 1e-6)).all()
    np.testing.assert_allclose(
        annealed, setting.samples * np.exp(-2 * collapse.information(setting)), rtol=1e-9, atol=1e-290
    )


@pytest.mark.parametrize("t", [0.1, 1.0, 10.0])
def test_the_averages_over_a_fresh_point_are_quadratures(t):
    setting = Setting.of("1x1", samples=1000, times=[t])
    scale = np.sqrt(1 + t)

    def average(f, power=0):
        """Of f R^power."""
        top = 8 * scale * np.sqrt((2 + t) / t)
        density = lambda x: np.exp(power * log_r(x) - x**2 / (2 * scale**2)) / (scale * np.sqrt(2 * np.pi))  # noqa: E731
        return 2 * quad(lambda x: f(x) * density(x), 0, top, limit=300)[0]

    log_r = lambda x: float(log_weight_ratio([x], t, setting.manifold))  # noqa: E731
    annealed = 1000 / average(lambda x: 1.0, power=1)
    assert score_covariance.effective_samples_annealed(setting)[0] == pytest.approx(annealed, rel=1e-6)
    typical = 1000 * np.exp(-average(log_r))
    assert score_covariance.effective_samples_typical(setting)[0] == pytest.approx(typical, rel=1e-6)
    noise = average(lambda x: covariance([x], t, setting.manifold)[0, 0]) / 1000
    assert score_covariance.noise_variance_annealed(setting)[0, 0] == pytest.approx(noise, rel=1e-6)


def test_the_correlation_length_is_where_the_overlap_falls():
    manifold, t, h = LinearManifold.parse("1x1"), 0.3, 1e-3
    length = score_covariance.correlation_length(Setting.of("1x1", times=[t]))[0, 0]
    overlap = score_covariance.derivation()["log_overlap"]
    fall = overlap(1.0, 0.2, h, t) - overlap(1.0, 0.2, 0.0, t)
    assert -(h**2) / (2 * fall) == pytest.approx(length**2, rel=1e-6)
    assert manifold.intrinsic_dimension == 1


# --- input that is refused ---


@pytest.mark.parametrize("x", [np.zeros(3), np.zeros(1), 0.0, np.zeros((2, 3))])
def test_points_of_another_dimension_are_refused(x):
    manifold = LinearManifold.parse("1x2")
    for call in (
        lambda: covariance(x, 1.0, manifold),
        lambda: kernel(x, np.zeros(2), 1.0, manifold),
        lambda: kernel(np.zeros(2), x, 1.0, manifold),
        lambda: log_weight_ratio(x, 1.0, manifold),
    ):
        with pytest.raises(ValueError, match=r"2 coordinates in principal axes, got shape"):
            call()


def test_a_mixture_of_another_dimension_is_refused():
    for x, means in (
        (np.zeros(2), np.zeros((3, 3))),
        (np.zeros((1, 2)), np.zeros((3, 2))),
        (np.zeros(2), np.zeros(2)),
    ):
        with pytest.raises(ValueError, match=r"x must have shape \(D,\) and means \(A, D\), got"):
            mixture_covariance(x, 1.0, [1.0], means)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mixture_covariance(np.zeros(2), 1.0, [0.5, 0.2], np.eye(2)),
        lambda: mixture_covariance(np.zeros(2), 1.0, [1.5, -0.5], np.eye(2)),
        lambda: mixture_covariance(np.zeros(2), -1.0, [0.5, 0.5], np.eye(2)),
        lambda: mixture_covariance(np.zeros(2), 0.0, [0.5, 0.5], np.eye(2)),
        lambda: mixture_covariance(np.array([np.nan, 0]), 1.0, [0.5, 0.5], np.eye(2)),
        lambda: covariance(np.zeros(2), -1.0, LinearManifold.parse("1x2")),
        lambda: covariance(np.zeros(2), 0.0, LinearManifold.parse("1x2")),
        lambda: covariance(np.zeros((4, 2)), 1.0, LinearManifold.parse("1x2")),
        lambda: kernel(np.zeros((4, 2)), np.zeros(2), 1.0, LinearManifold.parse("1x2")),
        lambda: kernel(np.zeros(2), np.zeros((4, 2)), 1.0, LinearManifold.parse("1x2")),
        lambda: kernel(np.zeros(2), np.zeros(2), np.nan, LinearManifold.parse("1x2")),
        lambda: covariance([np.nan, 0], 1.0, LinearManifold.parse("1x2")),
        lambda: log_weight_ratio(np.zeros((4, 2)), 0.0, LinearManifold.parse("1x2")),
        lambda: mixture_covariance(np.zeros(2), 1.0, [0.5, 0.5], [[np.nan, 0], [0, 1]]),
        lambda: mixture_covariance(np.zeros(2), 1.0, [1.0], np.eye(2)),
        lambda: mixture_covariance(np.zeros(2), 1.0, [0.5, 0.5], np.eye(2), np.ones((2, 3, 3))),
        lambda: reweighted_pca(np.zeros(2), 1.0, 0.0, [0.5, 0.5], np.eye(2)),
    ],
    ids=range(17),
)
def test_impossible_mixtures_and_times_are_refused(call):
    with pytest.raises(ValueError, match="must"):
        call()


def test_a_component_of_weight_zero_does_not_count():
    with_, without = ([0.5, 0.5, 0.0], 3), ([0.5, 0.5], 2)
    means = np.array([[0.0, 1.0], [1.0, 0.0], [5.0, 5.0]])
    a, b = (mixture_covariance(np.zeros(2), 1.0, w, means[:k]) for w, k in (with_, without))
    np.testing.assert_allclose(a, b)
