import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from numerics.estimator import EmpiricalDensity
from numerics.gibbs import gibbs_moments

EPS64, EPS32 = float(np.finfo(np.float64).eps), float(np.finfo(np.float32).eps)
SLACK = 50  # rounding errors add up over D, N and the merges
METHODS = ("score_samples", "score", "stein_score", "denoise", "moments")


def cloud(rng, M=40, N=60, D=3):
    return rng.standard_normal((M, D)), rng.standard_normal((N, D))


def fitted(data, t, **parameters):
    return EmpiricalDensity(noise_variance=t, **parameters).fit(data)


def log_density(x, y, variance):
    """Of the mean of N Gaussians, written out."""
    N, D = y.shape
    energy = ((x[:, None] - y[None]) ** 2).sum(-1) / (2 * variance)
    return logsumexp(-energy, axis=1) - math.log(N) - 0.5 * D * math.log(2 * math.pi * variance)


def posterior_mean(x, y, variance):
    energy = ((x[:, None] - y[None]) ** 2).sum(-1) / (2 * variance)
    return np.exp(-energy - logsumexp(-energy, axis=1)[:, None]) @ y


def rounding(x, y, variance, eps=EPS64):
    """How wrong rounding may make a log weight at any of the points.

    The engine keeps what its matrix product rounds below half the digits; energies are rounded to their own size.
    """
    centre = y.mean(axis=0)
    largest = ((x - centre) ** 2).sum(-1).max() + ((y - centre) ** 2).sum(-1).max()
    energy = ((x[:, None] - y[None]) ** 2).sum(-1).min(axis=1).max() / (2 * variance)
    return SLACK * (min(eps * largest / variance, eps**0.5) + eps * (energy + 40))


# -- what scikit-learn asks of an estimator


# float32 is not among them: results for a few points may differ from those for many by what float32 rounds
@parametrize_with_checks([EmpiricalDensity(), EmpiricalDensity(noise_variance=0.3, temperature=2.0)])
def test_scikit_learn(estimator, check):
    check(estimator)


def test_parameters_come_back(rng):
    density = EmpiricalDensity(noise_variance=0.3, temperature=2.0, dtype="float32")
    expected = {"noise_variance": 0.3, "temperature": 2.0, "dtype": "float32"}
    assert density.get_params() == expected
    assert clone(density.fit(cloud(rng)[1])).get_params() == expected
    assert density.set_params(noise_variance=0.7).get_params() == {**expected, "noise_variance": 0.7}


def test_a_clone_is_not_fitted(rng):
    queries, data = cloud(rng)
    with pytest.raises(NotFittedError):
        clone(fitted(data, 0.3)).score_samples(queries)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_known_before_fit(method):
    with pytest.raises(NotFittedError):
        getattr(EmpiricalDensity(), method)(np.ones((3, 2)))


@pytest.mark.parametrize("other", [{"noise_variance": 2.0}, {"temperature": 3.0}, {"dtype": "float32"}])
def test_parameters_set_after_fit_hold_at_once(rng, other):
    queries, data = cloud(rng)
    density = fitted(data, 0.3)
    before = density.score_samples(queries)
    after = density.set_params(**other).score_samples(queries)
    # identical computations; a BLAS may add up in another order
    np.testing.assert_allclose(after, clone(density).fit(data).score_samples(queries), rtol=1e-12)
    assert (after != before).any()


def test_a_second_fit_forgets_the_first(rng):
    queries, data = cloud(rng)
    density = fitted(rng.standard_normal((7, 5)), 0.3).fit(data)
    assert density.n_features_in_ == 3
    np.testing.assert_allclose(density.score_samples(queries), fitted(data, 0.3).score_samples(queries), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_samples_are_a_copy(rng, dtype):
    queries, data = (a.astype(dtype) for a in cloud(rng))
    density = fitted(data, 0.3)
    assert density.samples_.dtype == dtype
    np.testing.assert_array_equal(density.samples_, data)
    before = density.score_samples(queries)
    data += 1
    np.testing.assert_allclose(density.score_samples(queries), before, rtol=1e-12)


def test_pickles(rng):
    queries, data = cloud(rng)
    density = fitted(data, 0.3, temperature=2.0, dtype="float32")
    back = pickle.loads(pickle.dumps(density))
    assert back.get_params() == density.get_params()
    np.testing.assert_array_equal(back.samples_, data)
    for method in ("score_samples", "stein_score", "denoise"):
        # identical computations; a BLAS may add up in another order, by what float32 rounds
        expected = getattr(density, method)(queries)
        np.testing.assert_allclose(getattr(back, method)(queries), expected, rtol=1e-4, atol=1e-4)


def test_sample_weights_are_not_accepted(rng):
    with pytest.raises(TypeError, match="sample_weight"):
        EmpiricalDensity().fit(cloud(rng)[1], sample_weight=np.ones(60))


def test_the_engine_does_not_import_scikit_learn():
    program = "import sys, numerics.gibbs; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


# -- the density


@pytest.mark.parametrize("t", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("N", [1, 60, 500])
def test_it_is_a_kernel_density(rng, t, N):
    """Of bandwidth sqrt(t).

    With more than one leaf in its tree, KernelDensity is off by many nats where the density is small (scikit-learn issue
    7492). Here eps |x - y|^2/t is below 1e-13, so 1e-12 leaves room for either's rounding.
    """
    queries, data = cloud(rng, N=N)
    expected = KernelDensity(bandwidth=math.sqrt(t), leaf_size=N).fit(data)
    density = fitted(data, t)
    np.testing.assert_allclose(density.score_samples(queries), expected.score_samples(queries), rtol=1e-12, atol=1e-12)
    assert density.score(queries) == pytest.approx(expected.score(queries), rel=1e-12)


@pytest.mark.parametrize("t", [1e-8, 1e-4, 0.01, 1.0, 1e6])
@pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])
@pytest.mark.parametrize("D", [1, 3, 20])
def test_log_density_written_out(rng, t, temperature, D):
    queries, data = cloud(rng, D=D)
    queries[:10] = data[:10] + math.sqrt(t) * queries[:10]  # near a sample, where it weighs
    variance = t * temperature
    found = fitted(data, t, temperature=temperature).score_samples(queries)
    expected = log_density(queries, data, variance)
    assert found.shape == (40,)
    assert found.dtype == np.float64
    assert (abs(found - expected) <= rounding(queries, data, variance) + 1e-14 * abs(expected)).all()


@pytest.mark.parametrize("D", [1, 2])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_it_is_normalised(rng, D, temperature):
    """Points half a width apart integrate a Gaussian to exp(-8 pi^2) of itself, and 9 widths leave out 1e-18."""
    data = rng.standard_normal((20, D))
    width = math.sqrt(0.3 * temperature)
    reach = abs(data).max() + 9 * width
    axis = np.arange(-reach, reach, width / 2)
    grid = np.stack(np.meshgrid(*[axis] * D), axis=-1).reshape(-1, D)
    total = np.exp(fitted(data, 0.3, temperature=temperature).score_samples(grid)).sum() * (width / 2) ** D
    assert total == pytest.approx(1, abs=1e-11)


def test_the_likelihood_is_the_sum_of_log_densities(rng):
    queries, data = cloud(rng)
    density = fitted(data, 0.3)
    assert isinstance(density.score(queries), float)
    assert density.score(queries, np.zeros(40)) == pytest.approx(density.score_samples(queries).sum(), rel=1e-12)


# -- its score and posterior mean


@pytest.mark.parametrize("t", [0.05, 1.0, 50.0])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_score_is_the_gradient_of_the_log_density(rng, t, temperature):
    queries, data = cloud(rng)
    variance = t * temperature
    density = fitted(data, t, temperature=temperature)
    found = density.stein_score(queries)
    assert found.shape == (40, 3)
    assert found.dtype == np.float64
    h = 1e-4 * math.sqrt(variance)
    for d in range(3):
        up, down = (density.score_samples(queries + s * h * np.eye(3)[d]) for s in (1, -1))
        # the third derivative is a third cumulant over variance^3; of a quantity in a range R it is below R^3/6 sqrt 3
        third = np.ptp(data[:, d]) ** 3 / (6 * math.sqrt(3)) / variance**3
        bound = h**2 / 6 * third + rounding(queries, data, variance) / h
        assert bound < 1e-2 / math.sqrt(variance)  # the check can fail: a score is 1/sqrt(variance) long, about
        assert (abs((up - down) / (2 * h) - found[:, d]) <= bound).all()


@pytest.mark.parametrize("dtype", [None, "float64", "float32"])
def test_averages_are_those_of_the_engine(rng, dtype):
    queries, data = cloud(rng)
    density = fitted(data, 0.3, temperature=2.0, dtype=dtype)
    options = {"temperature": 2.0, "dtype": None if dtype is None else np.dtype(dtype)}
    expected = gibbs_moments(queries, data, 0.3, covariance="full", **options)
    # the distances of the two may be taken differently, to half the digits
    rtol = 1e-3 if dtype == "float32" else 1e-7
    close = {"rtol": rtol, "atol": rtol}
    np.testing.assert_allclose(2 * density.stein_score(queries), expected.score, **close)
    np.testing.assert_allclose(density.denoise(queries), expected.mean, **close)
    np.testing.assert_allclose(density.moments(queries).entropy, expected.entropy, **close)
    np.testing.assert_allclose(density.moments(queries, covariance="full").covariance, expected.covariance, **close)


@pytest.mark.parametrize("t", [1e-4, 0.1, 1.0, 1e4])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_denoising_is_the_posterior_mean(rng, t, temperature):
    queries, data = cloud(rng)
    queries[:10] = data[:10] + math.sqrt(t) * queries[:10]
    variance = t * temperature
    found = fitted(data, t, temperature=temperature).denoise(queries)
    assert found.shape == (40, 3)
    # a mean moves with the log weights by at most its range
    bound = np.ptp(data) * 2 * rounding(queries, data, variance)
    np.testing.assert_allclose(found, posterior_mean(queries, data, variance), rtol=0, atol=bound)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_tweedie(rng, temperature):
    """E[x_0 | x] = x + tT grad log p^_{tT}; 1e-12 is rounding in units of coordinates of order one."""
    queries, data = cloud(rng)
    density = fitted(data, 0.3, temperature=temperature)
    expected = queries + 0.3 * temperature * density.stein_score(queries)
    np.testing.assert_allclose(density.denoise(queries), expected, rtol=1e-12, atol=1e-12)


def test_one_sample_is_a_gaussian(rng):
    queries, _ = cloud(rng)
    y = np.array([[1.0, -2.0, 3.0]])
    density = fitted(y, 0.3)
    np.testing.assert_allclose(density.denoise(queries), np.repeat(y, 40, axis=0), rtol=1e-14)
    np.testing.assert_allclose(density.stein_score(queries), (y - queries) / 0.3, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.2, 2.5])
def test_a_temperature_is_a_factor_of_the_noise_variance(rng, temperature):
    queries, data = cloud(rng)
    tempered, noisier = fitted(data, 0.3, temperature=temperature), fitted(data, 0.3 * temperature)
    plain = fitted(data, 0.3)
    for method in ("score_samples", "stein_score", "denoise"):
        found, expected = (getattr(density, method)(queries) for density in (tempered, noisier))
        # the same numbers up to the order of t T; what that rounds is magnified by 1/tT < 20
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11, err_msg=method)
        assert abs(found - getattr(plain, method)(queries)).max() > 0.1  # the check can fail


# -- precision


def test_single_precision(rng):
    queries, data = (a.astype(np.float32).astype(np.float64) for a in cloud(rng))
    double = fitted(data, 0.3).score_samples(queries)
    single = fitted(data, 0.3, dtype="float32").score_samples(queries)
    assert single.dtype == np.float64
    assert (single != double).any()
    assert (abs(single - double) <= rounding(queries, data, 0.3, EPS32)).all()


def test_the_precision_is_that_of_the_arrays_unless_set(rng):
    queries, data = (a.astype(np.float32) for a in cloud(rng))
    double = fitted(data.astype(np.float64), 0.3).score_samples(queries.astype(np.float64))
    # float32 rounds by 1e-7 times |x - y|^2/t; float64 does not show here
    exact = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(fitted(data, 0.3, dtype="float64").score_samples(queries), double, **exact)
    np.testing.assert_allclose(fitted(data, 0.3).score_samples(queries.astype(np.float64)), double, **exact)
    assert abs(fitted(data, 0.3).score_samples(queries) - double).max() > 1e-9


@pytest.mark.parametrize("dtype", ["float16", "int64", "longdouble"])
def test_other_dtypes_are_taken_as_float64(rng, dtype):
    queries, data = ((4 * a).astype(dtype) for a in cloud(rng))
    density = fitted(data, 0.3)
    assert density.samples_.dtype == np.float64
    expected = log_density(queries.astype(np.float64), data.astype(np.float64), 0.3)
    # rounding is 1e-14 times |x - y|^2/t, which is a few hundred
    np.testing.assert_allclose(density.score_samples(queries), expected, rtol=1e-11, atol=1e-11)


def test_lists_will_do():
    found = fitted([[0.0], [2.0]], 1).score_samples([[1.0]])
    assert found == pytest.approx(-0.5 - 0.5 * math.log(2 * math.pi), rel=1e-14)


# -- among other tools of scikit-learn


def test_a_grid_search_finds_the_bandwidth(rng):
    """By held-out likelihood; for N Gaussian samples near Silverman's rule of thumb, h = 1.06 N^{-1/5}.

    The rule is optimal for the squared error, not for the likelihood, so a step of the grid, a factor 2, on either side.
    """
    data = rng.standard_normal((400, 1))
    grid = 2.0 ** np.arange(-10, 6)
    folds = KFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(EmpiricalDensity(), {"noise_variance": grid}, cv=folds).fit(data)
    written_out = [
        np.mean([log_density(data[out], data[rest], t).sum() for rest, out in folds.split(data)]) for t in grid
    ]
    # rounding, 1e-16 times |x - y|^2/t < 1e5, adds up over 80 points with likelihoods above 10 nats
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], written_out, rtol=1e-9)
    assert search.best_params_["noise_variance"] == grid[np.argmax(written_out)]
    silverman = (1.06 * 400**-0.2) ** 2
    assert 0.5 <= search.best_params_["noise_variance"] / silverman <= 2
    assert search.best_estimator_.samples_.shape == (400, 1)


def test_in_a_pipeline(rng):
    queries, data = cloud(rng)
    scale = np.array([1.0, 10.0, 100.0])
    pipeline = make_pipeline(StandardScaler(), EmpiricalDensity(noise_variance=0.3)).fit(data * scale)
    mean, deviation = data.mean(axis=0), data.std(axis=0)
    expected = log_density((queries - mean) / deviation, (data - mean) / deviation, 0.3)
    np.testing.assert_allclose(pipeline.score_samples(queries * scale), expected, rtol=1e-11, atol=1e-11)
    assert pipeline.score(queries * scale) == pytest.approx(expected.sum(), rel=1e-11)
    search = GridSearchCV(pipeline, {"empiricaldensity__noise_variance": [1e-4, 0.3, 1e4]}).fit(data * scale)
    assert search.best_params_["empiricaldensity__noise_variance"] == 0.3


# -- bad input

BAD_NUMBERS = (0, -1.0, math.nan, math.inf, -math.inf, "1", "scott", None, True, 1j, [1.0], np.ones(3))


@pytest.mark.parametrize("name", ["noise_variance", "temperature"])
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_bad_numbers(rng, name, value):
    queries, data = cloud(rng)
    density = EmpiricalDensity(**{name: value})
    with pytest.raises(ValueError, match=f"{name} must be one positive and finite number, for .*; got "):
        density.fit(data)
    later = EmpiricalDensity().fit(data).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name} must be one positive and finite number"):
        later.score_samples(queries)


@pytest.mark.parametrize("value", [2, 0.5, np.float64(0.5), np.float32(0.5), np.int64(2), np.geomspace(0.5, 1, 2)[0]])
def test_good_numbers(rng, value):
    queries, data = cloud(rng)
    found = fitted(data, value, temperature=value).score_samples(queries)
    np.testing.assert_allclose(found, log_density(queries, data, float(value) ** 2), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float16", "int64", "double precision", "", 64, np.float32, True])
def test_bad_dtypes(rng, dtype):
    with pytest.raises(ValueError, match="dtype must be None or one of float64, float32, as a string; got "):
        EmpiricalDensity(dtype=dtype).fit(cloud(rng)[1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"noise_variance": 1e-310}, "t times the temperature must lie between .* in float64"),
        ({"noise_variance": 1e200, "temperature": 1e150}, "t times the temperature must lie between"),
        ({"noise_variance": 1e-40, "dtype": "float32"}, "t times the temperature must lie between .* in float32"),
    ],
)
def test_noise_variances_out_of_range(rng, parameters, message):
    queries, data = cloud(rng)
    with pytest.raises(ValueError, match=message):
        EmpiricalDensity(**parameters).fit(data).score_samples(queries)


@pytest.mark.parametrize("method", METHODS)
def test_points_of_another_dimension(rng, method):
    with pytest.raises(ValueError, match="X has 2 features, but EmpiricalDensity is expecting 3 features"):
        getattr(fitted(cloud(rng)[1], 0.3), method)(np.ones((4, 2)))


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((0, 3)), np.full((4, 3), np.nan), np.full((4, 3), np.inf)])
def test_tables_that_are_none(rng, bad):
    with pytest.raises(ValueError):  # noqa: PT011  # the words are those of scikit-learn
        EmpiricalDensity().fit(bad)
    with pytest.raises(ValueError):  # noqa: PT011
        fitted(cloud(rng)[1], 0.3).score_samples(bad)


def test_sparse_tables_are_refused(rng):
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        EmpiricalDensity().fit(sparse.csr_array(cloud(rng)[1]))


def test_masks_and_integers_that_would_be_rounded_are_refused(rng):
    data = cloud(rng)[1]
    for wrong, message in (
        (np.ma.masked_greater(data, 1), "X must not be masked"),
        (np.c_[np.full(len(data), 2**53 + 1), np.arange(2 * len(data)).reshape(-1, 2)], "float64 cannot hold exactly"),
    ):
        with pytest.raises(ValueError, match=message):
            EmpiricalDensity().fit(wrong)
        with pytest.raises(ValueError, match=message):
            EmpiricalDensity().fit(data).denoise(wrong)
