"""Samplers against exact solutions: of the Gaussian score, of one sample, and of solvers that know nothing of either."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from numerics.gibbs import gibbs_moments
from numerics.reverse import METHODS, as_asked, diffusion, falling, flow, grid, grid_by, log_density, start, stops
from numerics.scores import Empirical, Gaussian, Smoothed, Tempered, Unconditioned
from theory.setting import SCHEDULES, LinearManifold, Setting

MANIFOLD = LinearManifold.parse("2.0x1,0.3x1,0.05x1", 4)
SPECTRUM = MANIFOLD.spectrum
HIGH, LOW = 40.0, 0.02
STEPS = np.array([40, 80, 160, 320])


class Units(np.random.Generator):
    """Normals of which draw k is 1 in row k and 0 elsewhere, so that what became of each is told apart."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))
        self.draws = 0

    def standard_normal(self, size):
        self.draws += 1
        found = np.zeros(size)
        found[self.draws] = 1
        return found


class Scaled(np.random.Generator):
    """Normals of another variance."""

    def __init__(self, seed, variance):
        super().__init__(np.random.PCG64(seed))
        self.variance = variance

    def standard_normal(self, size):
        return self.variance**0.5 * super().standard_normal(size)


class Counted:
    """A score that counts how often, and remembers when, it was asked."""

    def __init__(self, score):
        self.score, self.times = score, []

    def __call__(self, x, t):
        self.times.append(t)
        return self.score(x, t)


def cloud(D=3, M=20, N=30, seed=1):
    rng = np.random.default_rng(seed)
    return np.sqrt(HIGH) * rng.standard_normal((M, D)), rng.standard_normal((N, D))


def fitted_order(errors):
    """Minus the slope of log error over log steps, by least squares."""
    return -np.polyfit(np.log(STEPS), np.log(errors), 1)[0]


def variances(method, steps, before):
    """Of every direction at the end of a diffusion with the Gaussian score, which is linear in x and in every normal."""
    times = grid(HIGH, LOW, steps)
    x = np.zeros((1 + steps * METHODS[method], SPECTRUM.size))
    x[0] = np.sqrt(before)
    return (diffusion(Gaussian(MANIFOLD), x, times, Units(), method=method) ** 2).sum(axis=0)


# -- orders


@pytest.mark.parametrize("method", METHODS)
def test_the_flow_has_its_order(method):
    """The flow of a Gaussian scales a direction by sqrt((lam + t')/(lam + t)); of variance 0 it is exact."""
    exact = np.sqrt((SPECTRUM + LOW) / (SPECTRUM + HIGH))
    score, x = Gaussian(MANIFOLD), np.ones((1, 4))
    errors = np.array([np.abs(flow(score, x, grid(HIGH, LOW, n), method=method)[0] - exact) for n in STEPS])
    assert errors[:, 3].max() < 1e-14
    for k in range(3):
        assert fitted_order(errors[:, k]) == pytest.approx(METHODS[method], abs=0.15)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("noise", [True, False])
def test_the_diffusion_has_its_weak_order(method, noise):
    """The bridge from t to t' of a Gaussian: the variance V becomes ((lam+t')/(lam+t))^2 V + (lam+t')(t-t')/(lam+t)."""
    before = HIGH + SPECTRUM * (not noise)
    exact = ((SPECTRUM + LOW) / (SPECTRUM + HIGH)) ** 2 * before
    exact += (SPECTRUM + LOW) * (HIGH - LOW) / (SPECTRUM + HIGH)
    if not noise:
        np.testing.assert_allclose(exact, SPECTRUM + LOW)
    errors = np.array([np.abs(variances(method, n, before) - exact) for n in STEPS])
    assert errors[:, 3].max() < 1e-15
    for k in range(3):
        assert fitted_order(errors[:, k]) == pytest.approx(METHODS[method], abs=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_the_flow_has_its_order_where_the_score_is_not_linear(method):
    x, data = cloud(D=1, M=5, N=3)
    score = Empirical(data)
    times = HIGH, 0.3  # the trajectories are smooth: the samples are not told apart yet

    def slope(t, points):
        return -score(points[:, None], t)[:, 0] / 2

    exact = solve_ivp(slope, times, x[:, 0], rtol=1e-12, atol=1e-12, method="DOP853").y[:, -1]
    errors = [np.abs(flow(score, x, grid(*times, n), method=method)[:, 0] - exact).max() for n in STEPS]
    assert fitted_order(errors) == pytest.approx(METHODS[method], abs=0.15)
    assert errors[-1] < 0.01


def test_the_diffusion_has_its_law_where_the_score_is_not_linear():
    """By its kernel from t to t': the posterior of x_t' given x_t, a mixture of bridges to the samples."""
    data = np.array([[-1.0], [0.2], [0.5]])
    x, M, t, then = 0.3, 10000, 1.0, 0.2
    weights = np.exp(-((x - data[:, 0]) ** 2) / (2 * t))
    weights /= weights.sum()
    means = data[:, 0] + then / t * (x - data[:, 0])
    mean = weights @ means
    variance = then * (t - then) / t + weights @ (means - mean) ** 2
    found = diffusion(Empirical(data), np.full((M, 1), x), grid(t, then, 20))
    # 5 standard errors
    assert found.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / M))
    assert found.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / M))


# -- exact solutions


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ratio", [1.001, 1e3, 1e40])
def test_one_sample_takes_one_step(method, ratio):
    x, _ = cloud()
    y = np.array([[1.0, -2.0, 0.5]])
    t = np.array([4.0, 4.0 / ratio])
    np.testing.assert_allclose(
        flow(Empirical(y), x, t, method=method), y + np.sqrt(1 / ratio) * (x - y), rtol=1e-13, atol=1e-14
    )
    bridge = diffusion(Empirical(y), np.tile(x[:1], (3, 1)), t, Units(), method=method)
    wanted = y[0] + (x[0] - y[0]) / ratio
    np.testing.assert_allclose(bridge[0], wanted, rtol=1e-13, atol=1e-14)
    squares = ((bridge[1:] - bridge[0]) ** 2).sum(axis=0)
    np.testing.assert_allclose(squares, 4 / ratio * (1 - 1 / ratio), rtol=1e-9, atol=1e-28)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("T", [0.5, 3.0])
def test_a_constant_temperature_is_another_time(method, T):
    x, data = cloud()
    times = grid(HIGH, 1e-3, 40)
    tempered = flow(Tempered(data, T), x, times, method=method)
    np.testing.assert_allclose(tempered, flow(Empirical(data), x, T * times, method=method), rtol=0, atol=1e-12)
    tempered = diffusion(Tempered(data, T), x, times, Scaled(5, 1.0), method=method)
    plain = diffusion(Empirical(data), x, T * times, Scaled(5, 1 / T), method=method)
    np.testing.assert_allclose(tempered, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sampler", [flow, diffusion])
def test_as_t_falls_every_point_becomes_a_sample(sampler):
    x, data = cloud()
    x = x * 1e30
    found = sampler(Empirical(data), x, grid(1e60, 1e-60, 200))
    distances = np.linalg.norm(found[:, None] - data, axis=-1).min(axis=1)
    assert distances.max() < 1e-14


@pytest.mark.parametrize("sampler", [flow, diffusion])
def test_the_last_step_is_to_the_posterior_mean(sampler):
    x, data = cloud()
    times = grid(HIGH, 0.1, 10)
    score = Empirical(data)
    found, noisy = (sampler(score, x, times, denoise=denoise) for denoise in (True, False))
    np.testing.assert_allclose(found, noisy + 0.1 * score(noisy, 0.1), rtol=1e-14)


def test_the_unconditioned_score_does_not_contract():
    """On a schedule |x - y|^2 falls by D - 2 per unit of t, of one sample: the spread between trajectories stays."""
    x, _ = cloud(D=6)
    x *= np.sqrt(HIGH * 6) / np.linalg.norm(x, axis=1, keepdims=True) * np.linspace(1, 2, len(x))[:, None]
    found = flow(Unconditioned(np.zeros((1, 6)), 1e-6, 1e8), x, grid(HIGH, 1.0, 200))
    fall = (x**2).sum(axis=1) - (found**2).sum(axis=1)
    np.testing.assert_allclose(fall, 4 * (HIGH - 1), rtol=1e-4)


# -- what it takes


@pytest.mark.parametrize("sampler", [flow, diffusion])
@pytest.mark.parametrize(("method", "each"), [("exponential", 1), ("midpoint", 2)])
@pytest.mark.parametrize("denoise", [False, True])
def test_the_score_is_asked_once_a_stage(sampler, method, each, denoise):
    score = Counted(Gaussian(MANIFOLD))
    times = grid(HIGH, LOW, 7)
    sampler(score, np.ones((2, 4)), times, method=method, denoise=denoise)
    assert len(score.times) == 7 * each + denoise
    np.testing.assert_allclose(score.times[: 7 * each : each], times[:-1], rtol=1e-15)
    assert (np.diff(score.times) < 0).all()
    assert all(type(t) is float for t in score.times)


def test_nothing_but_the_seed_matters():
    x, data = cloud()
    times, score = grid(HIGH, 0.1, 10), Empirical(data)
    given = x.copy()
    first = diffusion(score, x, times, 3)
    np.testing.assert_array_equal(x, given)
    np.testing.assert_array_equal(diffusion(score, x, times, np.random.SeedSequence(3)), first)
    assert (diffusion(score, x, times, 4) != first).all()
    random = np.random.default_rng(3)
    one, other = (diffusion(score, x, times, random) for _ in range(2))
    assert (one != other).all()


@pytest.mark.parametrize("sampler", [flow, diffusion])
@pytest.mark.parametrize("method", METHODS)
def test_arrays_of_a_library_come_back(backend, sampler, method):
    x, data = cloud()
    times = grid(HIGH, 0.5, 5)
    for make in (Empirical, lambda y: Smoothed(y, 0.1, 4)):
        found = sampler(make(backend.array(data)), backend.array(x), times, method=method, denoise=True)
        assert backend.owns(found)
        assert "float64" in str(found.dtype)
        wanted = sampler(make(data), x, times, method=method, denoise=True)
        np.testing.assert_allclose(backend.host(found), wanted, rtol=1e-9, atol=1e-10)


def test_single_precision_becomes_double():
    x, data = cloud()
    found = flow(Empirical(data.astype(np.float32)), x.astype(np.float32), grid(HIGH, 0.5, 5))
    assert found.dtype == np.float64


# -- where to start, and when


@pytest.mark.parametrize(("law", "wanted"), [("data", SPECTRUM + 3.0), ("noise", np.full(4, 3.0))])
def test_the_start_has_its_law(law, wanted):
    M = 40000
    x = start(MANIFOLD, M, 3.0, 1, law=law)
    # 5 standard errors of covariances of M Gaussian draws
    allowed = 5 * np.sqrt((np.outer(wanted, wanted) + np.diag(wanted**2)) / M)
    assert (np.abs(x.T @ x / M - np.diag(wanted)) < allowed).all()
    np.testing.assert_array_equal(start(Setting(MANIFOLD), M, 3.0, 1, law=law), x)
    assert (start(MANIFOLD, M, 3.0, 2, law=law) != x).all()


def test_the_grid_is_geometric():
    times = grid(8.0, 0.5, 4)
    np.testing.assert_allclose(times, [8, 4, 2, 1, 0.5], rtol=1e-15)
    assert (times[0], times[-1]) == (8.0, 0.5)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_is_a_lens(schedule):
    """The flow of a Gaussian in its own variable scales a direction by the root of alpha^2 (lam + t)."""
    last = min(SCHEDULES[schedule].last_time, 3.0)
    setting = Setting(MANIFOLD, schedule=schedule, times=np.linspace(0.01, 0.9 * last, 2000))
    t, alpha = falling(setting)
    assert (np.diff(t) < 0).all()
    x = np.ones((1, 4))
    found = alpha[-1] * flow(Gaussian(MANIFOLD), x / alpha[0], t)
    deviations = alpha[:, None] * np.sqrt(SPECTRUM + t[:, None])
    np.testing.assert_allclose(found[0], deviations[-1] / deviations[0], rtol=1e-3)


# -- refusals

SCORE = Gaussian(MANIFOLD)
X = np.ones((2, 4))


@pytest.mark.parametrize("sampler", [flow, diffusion])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": [1.0, 1.0]}, "t must fall from the largest noise variance to the smallest"),
        ({"t": [1.0, 2.0]}, "t must fall"),
        ({"t": [1.0]}, r"t must be a list of 2 noise variances or more, got shape \(1,\)"),
        ({"t": [[2.0, 1.0]]}, r"t must be a list of 2 noise variances or more, got shape \(1, 2\)"),
        ({"t": [1.0, 0.0]}, "t must be positive and finite, got 0"),
        ({"t": [1.0, np.nan]}, "t must be positive and finite, got nan"),
        ({"t": [np.inf, 1.0]}, "t must be positive and finite, got inf"),
        ({"t": "10"}, "t must be an array of numbers"),
        ({"x": np.ones(4)}, r"x must have shape \(M, D\), got \(4,\)"),
        ({"x": np.full((2, 4), np.nan)}, "x must be finite"),
        ({"x": np.ones((2, 3))}, "x must have the 4 directions"),
        ({"method": "euler"}, "the method must be one of exponential, midpoint, got 'euler'"),
        ({"score": lambda x, t: x[:, 0]}, r"the score must have the shape \(2, 4\) of x, got \(2,\) at t = 1"),
        ({"score": lambda x, t: x / 0.0}, "the score must be finite, got NaN or infinite values at t = 1"),
        ({"score": lambda x, t: [[0.0]]}, r"the score must have the shape \(2, 4\) of x, got \(1, 1\) at t = 1"),
        ({"score": lambda x, t: None}, "the score must be an array of numbers, got NoneType"),
        ({"score": lambda x, t: 1j * x}, "the score must be a numeric array, got dtype complex128; give its real part"),
        ({"score": lambda x, t: np.ma.masked_less(x, 2.0)}, "the score must not be masked, got 8 masked cells"),
    ],
)
def test_refusals(sampler, change, message):
    arguments = {"score": SCORE, "x": X, "t": [1.0, 0.5], **change}
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        sampler(**arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grid(1.0, 2.0, 3), "expected t_max > t_min > 0, both finite, got 1.0 and 2.0"),
        (lambda: grid(1.0, 0.0, 3), "expected t_max > t_min > 0"),
        (lambda: grid(np.nan, 0.1, 3), "expected t_max > t_min > 0"),
        (lambda: grid(2.0, 1.0, 0), "steps must be an integer of at least 1, got 0"),
        (lambda: grid(2.0, 1.0, 1.5), "steps must be an integer of at least 1, got 1.5"),
        (lambda: start(MANIFOLD, 3.5, 1.0), "the number of points must be an integer of at least 0, got 3.5"),
        (lambda: start(MANIFOLD, 3, -1.0), "t must be positive and finite, got -1"),
        (lambda: start(MANIFOLD, 3, 1.0, law="uniform"), "the law must be 'data' or 'noise', got 'uniform'"),
    ],
)
def test_what_starts_it_is_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# the density of what is generated


def test_the_density_of_linear_flow_is_gaussian():
    """From N(0, t_max) each direction is scaled by sqrt((lambda + t)/(lambda + t_max))."""

    def posterior(x, t):
        return SPECTRUM / (SPECTRUM + t) * x, np.full(len(x), (SPECTRUM / (SPECTRUM + t)).sum())

    x = np.random.default_rng(2).standard_normal((9, 4))
    variances = (SPECTRUM + LOW) / (SPECTRUM + HIGH) * HIGH
    exact = -0.5 * (x**2 / variances + np.log(2 * np.pi * variances)).sum(axis=1)
    errors = [np.abs(log_density(posterior, x, grid(HIGH, LOW, n)) - exact).max() for n in STEPS]
    assert errors[-1] < 1e-2 * np.abs(exact).max()
    assert abs(fitted_order(errors) - 2) < 0.1


def test_the_density_of_the_empirical_flow_is_that_of_the_noised_samples():
    """But for the start at N(0, t_max), which is off by |y|^2/t_max."""
    x, data = np.random.default_rng(3).standard_normal((2, 40, 5))
    exact = gibbs_moments(x, data, 0.2).log_density
    errors = [
        np.abs(log_density(Empirical(data).posterior, x, grid(1e5, 0.2, n)) - exact).max() for n in (80, 160, 320)
    ]
    assert errors[-1] < 0.02
    assert 3 < errors[0] / errors[1] < 5


@pytest.mark.parametrize("make", [lambda data: Tempered(data, 2.0), lambda data: Smoothed(data, 0.1)])
def test_a_density_integrates_to_one(make):
    data, x = np.array([[-1.0], [0.2], [0.5]]), np.linspace(-6, 6, 241)[:, None]
    density = np.exp(log_density(make(data).posterior, x, grid(1e3, 0.2, 200)))
    np.testing.assert_allclose(np.trapezoid(density, x[:, 0]), 1, rtol=2e-3)
    points = flow(make(data), start(LinearManifold(((1.0, 1),)), 4000, 1e3, law="noise"), grid(1e3, 0.2, 100))
    mean = np.trapezoid(density * x[:, 0] ** 2, x[:, 0])
    np.testing.assert_allclose((points**2).mean(), mean, atol=5 * (points**2).std() / 4000**0.5)


@pytest.mark.parametrize("make", [Empirical, lambda y: Tempered(y, 2.0), lambda y: Smoothed(y, 0.1, 4)])
def test_densities_of_a_library_come_back(backend, make):
    x, data = cloud()
    found = log_density(make(backend.array(data)).posterior, backend.array(x), grid(HIGH, 0.5, 5))
    assert backend.owns(found)
    wanted = log_density(make(data).posterior, x, grid(HIGH, 0.5, 5))
    np.testing.assert_allclose(backend.host(found), wanted, rtol=1e-9, atol=1e-10)


# where generation stops


def test_generation_stops_at_every_time_of_the_setting():
    setting = Setting.of("1x1", times=[0.5, 2.0, 0.1, 2.0, 8.0])
    steps = []

    def advance(x, now, then):
        steps.append((now, then))
        return x + 1

    found = list(stops(advance, 0, setting, 8.0))
    assert found == [(8.0, 0), (2.0, 1), (2.0, 1), (0.5, 2), (0.1, 3)]
    assert steps == [(8.0, 2.0), (2.0, 0.5), (0.5, 0.1)]
    np.testing.assert_array_equal(np.array(found)[as_asked(setting), 0], setting.t)


def test_steps_are_counted_by_factors_of_e():
    np.testing.assert_allclose(grid_by(np.e**2, 1.0, 4), grid(np.e**2, 1.0, 8))
    np.testing.assert_allclose(grid_by(1.01, 1.0, 4), [1.01, 1.0])


def test_a_score_in_halves_is_multiplied_by_the_time_in_full(backend):
    """float16 ends at 65,504, and -x/t times t = 1e6 is x."""
    x = backend.array(np.full((2, 4), 100.0))
    xp = backend.xp
    half = getattr(xp, "float16", xp.float32)  # the standard has none
    found = flow(lambda x, t: xp.astype(-x / t, half) if hasattr(xp, "astype") else (-x / t).to(half), x, [1e6, 1e5])
    assert np.abs(backend.host(found)).max() < 100
    assert np.isfinite(backend.host(found)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("10", 1.0, 3), "expected t_max > t_min > 0, both finite, got '10' and 1.0"),
        ((10.0, None, 3), "expected t_max > t_min > 0, both finite, got 10.0 and None"),
        ((10.0, 1.0, True), "steps must be an integer of at least 1, got True"),
    ],
)
def test_grids_of_what_is_no_number_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        grid(*arguments)
