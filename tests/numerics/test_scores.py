"""Scores against their definitions in plain NumPy, and against finite differences of the density they belong to."""

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.special import logsumexp

from numerics.arrays import to_host
from numerics.reverse import grid
from numerics.scores import Empirical, Gaussian, Smoothed, Tempered, Unconditioned, UnconditionedLevels
from theory.setting import LinearManifold

DIMENSIONS = [1, 2, 3, 8]


def cloud(D, M=5, N=30, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((M, D)), rng.standard_normal((N, D))


def energies(x, data, t):
    return ((x[:, None] - data) ** 2).sum(axis=-1) / (2 * t)


def plain_score(x, data, t, T=1.0):
    """sum w (y - x)/t, w ~ exp(-E/T), written out."""
    logs = -energies(x, data, t) / T
    weights = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    return (weights[..., None] * (data - x[:, None])).sum(axis=1) / t


def log_density(x, data, t):
    D = data.shape[1]
    return logsumexp(-energies(x, data, t), axis=1) - np.log(len(data)) - 0.5 * D * np.log(2 * np.pi * t)


def gradient(f, x, step=1e-4):
    """Central differences of fourth order of f, (M, D) -> (M,)."""
    found = np.empty_like(x)
    for k, e in enumerate(step * np.eye(x.shape[1])):
        found[:, k] = (8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * step)
    return found


# -- empirical and tempered


@pytest.mark.parametrize("D", DIMENSIONS)
@pytest.mark.parametrize("t", [0.01, 0.3, 20.0])
@pytest.mark.parametrize("T", [1.0, 0.5, 3.0])
def test_weights_at_a_temperature(D, t, T):
    x, data = cloud(D)
    wanted = plain_score(x, data, t, T)
    np.testing.assert_allclose(Tempered(data, T)(x, t), wanted, rtol=1e-10, atol=1e-10 / t)
    np.testing.assert_allclose(Tempered(data, T)(x, t), T * Empirical(data)(x, t * T), rtol=1e-10, atol=1e-10 / t)
    if T == 1:
        np.testing.assert_allclose(Empirical(data)(x, t), wanted, rtol=1e-10, atol=1e-10 / t)


def test_the_score_is_the_gradient_of_the_log_density():
    x, data = cloud(3)
    wanted = gradient(lambda points: log_density(points, data, 0.4), x)
    np.testing.assert_allclose(Empirical(data)(x, 0.4), wanted, rtol=1e-8, atol=1e-9)


def test_a_temperature_may_follow_t():
    x, data = cloud(3)
    found = Tempered(data, lambda t: 1 + 0.5 / t)(x, 0.25)
    np.testing.assert_allclose(found, plain_score(x, data, 0.25, 3.0), rtol=1e-10)


@pytest.mark.parametrize("t", [1e-60, 1e60])
def test_far_out_in_t_one_sample_or_all_pull(t):
    x, data = cloud(3)
    nearest = data[energies(x, data, 1.0).argmin(axis=1)]
    wanted = nearest if t < 1 else data.mean(axis=0)
    np.testing.assert_allclose(Empirical(data)(x, t) * t, wanted - x, rtol=1e-12)


# -- smoothed


def test_in_one_dimension_the_smoothing_is_the_integral():
    x, data = cloud(1, N=12)
    h, t = 0.05, 0.2

    def integrand(eta):
        return np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi) * plain_score(x + np.sqrt(h) * eta, data, t)

    wanted, _ = quad_vec(integrand, -12, 12, epsabs=1e-13)
    score = Smoothed(data, h, shifts=64)
    np.testing.assert_allclose(score(x, t), wanted, rtol=1e-10)
    rough, error = Smoothed(data, h, shifts=6).with_error(x, t)
    assert (np.abs(rough - wanted) > 1e-9).any()
    assert (np.abs(rough - wanted) <= error).all()


@pytest.mark.parametrize("D", [2, 5])
def test_it_is_the_average_over_the_shifts(D):
    x, data = cloud(D)
    score = Smoothed(data, 0.3, shifts=8, rng=4)
    nodes, weights = score.rule
    np.testing.assert_array_equal(nodes[:4], -nodes[4:])
    assert weights.sum() == pytest.approx(1)
    shifted = np.array([plain_score(x + np.sqrt(0.3) * eta, data, 0.2) for eta in nodes])
    found, error = score.with_error(x, 0.2)
    np.testing.assert_allclose(found, shifted.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found, score(x, 0.2))
    pairs = (shifted[:4] + shifted[4:]) / 2
    np.testing.assert_allclose(error, pairs.std(axis=0, ddof=1) / 2, rtol=1e-9)


@pytest.mark.parametrize(("D", "least", "most"), [(2, 0.2, 0.8), (30, 0.8, 1.15)])
def test_the_error_is_that_of_other_shifts(D, least, most):
    """Over 150 seeds: the mean square error is the stated one, or less where the pairs are more even than chance."""
    x, data = cloud(D, M=3)
    t = 0.3 if D == 2 else 2.0
    found, errors = zip(*(Smoothed(data, t, 8, seed).with_error(x, t) for seed in range(150)), strict=True)
    wanted = Smoothed(data, t, 2**13)(x, t)
    actual, stated = np.mean((np.array(found) - wanted) ** 2), np.mean(np.square(errors))
    # from 300 seeds of plain arrays: .404(30) and .967(15); of 150 the error is 9 % and 3 % or less
    assert least * stated < actual < most * stated


def test_linear_scores_are_left_as_they_are():
    """One sample: the shifts cancel in pairs, and nothing is smoothed away."""
    x, _ = cloud(4)
    data = np.ones((1, 4))
    found, error = Smoothed(data, 2.0, 4).with_error(x, 0.1)
    np.testing.assert_allclose(found, (1 - x) / 0.1, rtol=1e-14)
    np.testing.assert_allclose(error, 0, atol=1e-14)  # of means of 1, rounded, over t


def test_no_bandwidth_is_no_smoothing():
    x, data = cloud(3)
    np.testing.assert_allclose(Smoothed(data, 0.0)(x, 0.2), Empirical(data)(x, 0.2), rtol=1e-12)
    np.testing.assert_array_equal(Smoothed(data, lambda t: t / 2)(x, 0.2), Smoothed(data, 0.1)(x, 0.2))


def test_shifts_are_of_their_seed_and_blocks_change_nothing(monkeypatch):
    x, data = cloud(3, M=50)
    plain = Smoothed(data, 0.3, rng=3)(x, 0.2)
    np.testing.assert_array_equal(Smoothed(data, 0.3, rng=np.random.SeedSequence(3))(x, 0.2), plain)
    assert (Smoothed(data, 0.3, rng=4)(x, 0.2) != plain).any()
    monkeypatch.setattr("numerics.scores.ENTRIES", 200)
    np.testing.assert_allclose(Smoothed(data, 0.3, rng=3)(x, 0.2), plain, rtol=1e-10)


# -- unconditioned


@pytest.mark.parametrize("D", [1, 2, 3, 4, 9, 40])
@pytest.mark.parametrize(("t_min", "t_max"), [(0.05, 3.0), (1e-3, 1e2)])
def test_it_is_the_gradient_of_the_integral_over_levels(D, t_min, t_max):
    """By Gauss-Legendre in log t, 200 nodes: of N and of its gradient, and by differences of the first alone."""
    x, data = cloud(D, N=6)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    t = t_min * (t_max / t_min) ** ((1 + nodes) / 2)

    def logs(points):
        return np.log(weights) + (1 - D / 2) * np.log(t) - energies(points, data, 1.0)[..., None] / t

    shares = np.exp(logs(x) - logsumexp(logs(x), axis=(1, 2), keepdims=True))
    pulls = (shares / t).sum(axis=-1)
    wanted = (pulls[..., None] * (data - x[:, None])).sum(axis=1)
    found = Unconditioned(data, t_min, t_max)(x, 1.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)
    # the differences leave h^4 times a fifth derivative of order (D/r)^5 at most, and 1e-14 / h
    np.testing.assert_allclose(
        found, gradient(lambda points: logsumexp(logs(points), axis=(1, 2)), x), rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("D", DIMENSIONS)
def test_many_levels_are_their_integral(D):
    """The trapezoid rule in log t, twice; one extrapolation takes away its error of second order at the ends."""
    x, data = cloud(D)
    wanted = Unconditioned(data, 0.05, 5.0)(x, 1.0)

    def trapezoid(steps):
        levels = np.geomspace(0.05, 5.0, steps + 1)
        twice = np.concatenate([levels, levels[1:-1]])  # the ends count half
        return UnconditionedLevels(data, twice)(x, 1.0)

    coarse, fine = trapezoid(200), trapezoid(400)
    np.testing.assert_allclose((4 * fine - coarse) / 3, wanted, rtol=1e-7, atol=1e-7)


def test_levels_are_a_mixture():
    x, data = cloud(3)
    levels = np.array([0.1, 2.0, 0.5])

    def log_mixture(points):
        return logsumexp([np.log(t) + log_density(points, data, t) for t in levels], axis=0)

    score = UnconditionedLevels(data, levels)
    np.testing.assert_allclose(score(x, 7.0), gradient(log_mixture, x), rtol=1e-8, atol=1e-9)
    one = UnconditionedLevels(data, [0.1])
    np.testing.assert_allclose(one(x, 7.0), plain_score(x, data, 0.1), rtol=1e-10)


def test_between_the_levels_it_is_a_newtonian_potential():
    x, data = cloud(8)
    difference = data - x[:, None]
    squares = (difference**2).sum(axis=-1)
    weights = squares ** (-3.0)
    weights /= weights.sum(axis=1, keepdims=True)
    wanted = 6 * ((weights / squares)[..., None] * difference).sum(axis=1)
    found = Unconditioned(data, 1e-6, 1e9)(x, 1.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_its_divergence_from_the_samples_is_that_of_a_harmonic_function():
    """Laplacian of exp: div s + |s|^2 = 0 off the samples, by differences of the score."""
    x, data = cloud(5)
    score = Unconditioned(data, 1e-6, 1e9)
    step, D = 1e-4, 5
    ends = [(score(x + e, 1.0), score(x - e, 1.0)) for e in step * np.eye(D)]
    divergence = sum((ahead - behind)[:, k] / (2 * step) for k, (ahead, behind) in enumerate(ends))
    square = (score(x, 1.0) ** 2).sum(axis=1)
    np.testing.assert_allclose(divergence, -square, rtol=1e-6)


@pytest.mark.parametrize("D", [1, 2, 3, 784])
def test_beside_a_lone_sample_it_pulls_with_the_mean_of_the_inverse_level(D):
    """At r << sqrt(t_min) the density of a level is t^{-D/2}, at r = 0 too."""

    def power(p):
        return (1e4 ** (p + 1) - 1e-4 ** (p + 1)) / (p + 1) if p != -1 else 2 * np.log(1e4)

    def ratio():
        if D < 100:
            return power(-D / 2 - 1) / power(-D / 2)
        return (D / 2 - 1) / (D / 2) / 1e-4  # what the largest level adds is no number

    data = np.ones((1, D))
    beside = data + 1e-7
    found = Unconditioned(data, 1e-4, 1e4)(np.concatenate([data, beside]), 1.0)
    np.testing.assert_array_equal(found[0], 0)
    # r^2 / 2 t_min is below 1e-7, and eps / 1e-7 is what 1 + 1e-7 is rounded by
    np.testing.assert_allclose(found[1], ratio() * (data - beside)[0], rtol=1e-6)


@pytest.mark.parametrize("D", [1, 2, 3, 784])
def test_far_beyond_the_levels_the_largest_is_all_there_is(D):
    data = 10 * np.random.default_rng(2).standard_normal((6, D))
    x = data[:1] + 1e6 / D**0.5
    # to relative t_max / r^2, and eps r^2 / t_max
    np.testing.assert_allclose(Unconditioned(data, 1e-4, 1e4)(x, 1.0), plain_score(x, data, 1e4), rtol=1e-6)


def test_blocks_of_points_change_nothing(monkeypatch):
    x, data = cloud(3, M=50)
    plain = Unconditioned(data, 0.1, 2.0)(x, 1.0)
    monkeypatch.setattr("numerics.scores.ENTRIES", 1)
    np.testing.assert_allclose(Unconditioned(data, 0.1, 2.0)(x, 1.0), plain, rtol=1e-12)


# -- Gaussian


def test_the_gaussian_score_is_the_gradient_of_its_density():
    manifold = LinearManifold.parse("2.0x1,0.3x1", 3)
    x, _ = cloud(3)
    variances = np.array([2.3, 0.6, 0.3])
    np.testing.assert_allclose(Gaussian(manifold)(x, 0.3), -x / variances, rtol=1e-14)


def test_many_samples_have_the_gaussian_score():
    """In one dimension, of the quantiles of the law in place of draws."""
    from scipy.special import ndtri

    data = ndtri((np.arange(20000) + 0.5) / 20000)[:, None]
    x = np.linspace(-2, 2, 5)[:, None]
    wanted = Gaussian(LinearManifold.parse("1.0x1"))(x, 0.5)
    np.testing.assert_allclose(Empirical(data)(x, 0.5), wanted, atol=1e-3)


# -- arrays and refusals

MANIFOLD = LinearManifold.parse("1.0x2", 3)
SCORES = {
    "empirical": Empirical,
    "tempered": lambda data: Tempered(data, 2.0),
    "smoothed": lambda data: Smoothed(data, 0.1, 4),
    "unconditioned": lambda data: Unconditioned(data, 0.1, 2.0),
    "levels": lambda data: UnconditionedLevels(data, grid(2.0, 0.1, 3)),
    "gaussian": lambda data: Gaussian(MANIFOLD),
}


@pytest.mark.parametrize("name", SCORES)
def test_arrays_of_a_library_come_back(backend, name):
    x, data = cloud(3)
    found = SCORES[name](backend.array(data))(backend.array(x), 0.3)
    assert backend.owns(found)
    np.testing.assert_allclose(backend.host(found), SCORES[name](data)(x, 0.3), rtol=1e-10, atol=1e-12)


def test_errors_of_a_library_come_back(backend):
    x, data = cloud(3)
    found, error = Smoothed(backend.array(data), 0.1, 8).with_error(backend.array(x), 0.3)
    assert backend.owns(found)
    assert backend.owns(error)
    np.testing.assert_allclose(to_host(error), Smoothed(data, 0.1, 8).with_error(x, 0.3)[1], rtol=1e-9)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_scores_of_narrow_points_are_those_of_wide_ones(backend, name, dtype):
    """In float64: half precision holds neither t = 1e5 nor the score at t = 1e-5."""
    x, data = (a.astype("float16") for a in cloud(3))
    scores = dict(SCORES, unconditioned=lambda data: Unconditioned(data, 1e-13, 2.0))
    for t in (1e-5, 0.3, 1e5):
        found = scores[name](backend.array(data.astype(dtype)))(backend.array(x.astype(dtype)), t)
        assert "float64" in str(found.dtype)
        wanted = scores[name](data.astype(float))(x.astype(float), t)
        np.testing.assert_allclose(backend.host(found), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_the_trace_of_single_precision_comes_back(backend):
    x, data = (a.astype("float32") for a in cloud(3))
    means, traces = Smoothed(backend.array(data), 0.1, 8).posterior(backend.array(x), 0.3)
    wanted = Smoothed(data.astype(float), 0.1, 8).posterior(x.astype(float), 0.3)
    for found, expected in zip((means, traces), wanted, strict=True):
        np.testing.assert_allclose(backend.host(found), expected, rtol=1e-4)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("bad", [np.full((2, 3), np.nan), np.ones((2, 4)), np.ones(3)])
def test_points_that_are_none_are_refused(name, bad):
    _, data = cloud(3)
    with pytest.raises(ValueError, match=r"finite|dimension|directions|shape"):
        SCORES[name](data)(bad, 0.3)


@pytest.mark.parametrize("name", ["empirical", "tempered", "smoothed", "gaussian"])
@pytest.mark.parametrize("t", [0.0, -1.0, np.nan, np.inf])
def test_times_must_be_positive(name, t):
    x, data = cloud(3)
    with pytest.raises(ValueError, match="t must be positive and finite"):
        SCORES[name](data)(x, t)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda data: Empirical(data * np.nan), "data must be finite"),
        (lambda data: Empirical(data[0]), r"data must have shape \(N, D\)"),
        (lambda data: Smoothed(data, 0.1, 6), "shifts must be a power of two, 2 or more, in more than one dimension"),
        (lambda data: Smoothed(data[:, :1], 0.1, 1), "shifts must be an integer, 2 or more"),
        (lambda data: Smoothed(data, -0.1)(data, 0.1), "the bandwidth must be finite and not negative, got -0.1"),
        (lambda data: Smoothed(data, "0.1")(data, 0.1), "the bandwidth must be finite and not negative, got '0.1'"),
        (
            lambda data: Smoothed(data, lambda t: None)(data, 0.1),
            "the bandwidth must be finite .*, got None at t = 0.1",
        ),
        (lambda data: Smoothed(data, 0.1, 2).with_error(data, 0.1), "an error needs at least 4 shifts, got 2"),
        (lambda data: Tempered(data, True)(data, 0.1), "temperature must be one positive and finite number, got True"),
        (lambda data: Unconditioned(data, "0.1", 1.0), "0 < t_min < t_max, both finite, got '0.1' and 1.0"),
        (lambda data: Tempered(data, 0.0)(data, 0.1), "temperature must be one positive"),
        (lambda data: Unconditioned(data, 1.0, 1.0), "0 < t_min < t_max, both finite, got 1.0 and 1.0"),
        (lambda data: Unconditioned(data, 0.0, 1.0), "0 < t_min < t_max"),
        (lambda data: UnconditionedLevels(data, []), r"levels must be a list of 1 noise variances or more"),
        (lambda data: UnconditionedLevels(data, [1.0, -1.0]), "levels must be positive and finite, got -1"),
        (lambda data: Gaussian(MANIFOLD)(data[:, :2], 0.1), "x must have the 3 directions of the manifold"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make(cloud(3)[1])


# the trace of the Jacobian


@pytest.mark.parametrize("D", [1, 3])
@pytest.mark.parametrize("make", [Empirical, lambda data: Tempered(data, 2.5), lambda data: Smoothed(data, 0.3, 8)])
def test_the_posterior_is_a_mean_and_the_trace_of_its_jacobian(D, make):
    rng, t, step = np.random.default_rng(5), 0.3, 1e-5
    score, x = make(rng.standard_normal((12, D))), rng.standard_normal((7, D))
    mean, trace = score.posterior(x, t)
    np.testing.assert_allclose(mean, x + t * score(x, t), rtol=1e-12, atol=1e-13)
    shifts = step * np.eye(D)
    ends = [[(x + sign * e + t * score(x + sign * e, t)) for sign in (1, -1)] for e in shifts]
    slopes = sum((up - down)[:, k] / (2 * step) for k, (up, down) in enumerate(ends))
    np.testing.assert_allclose(trace, slopes, rtol=1e-7, atol=1e-8)


def test_levels_without_an_inverse_are_refused():
    with pytest.raises(ValueError, match=r"got 1e-312 and 1\.0; t_min is 1e-300 at least"):
        Unconditioned(np.ones((3, 4)), 1e-312, 1.0)
