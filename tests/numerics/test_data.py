import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from numerics.data import Mixture, Resampled, draw, log_density, noise, score
from tests.numerics.conftest import PROPERTY
from theory.setting import LinearManifold, Setting

# a test statistic beyond its quantile at this level fails: a false alarm in a million seeds, and there are ten of them
ALARM = 1e-6


def second_moments_fit(samples, covariance):
    """Whether 2 x the likelihood ratio of the covariance is a chi-square draw, means taken as zero."""
    n, D = samples.shape
    S = np.linalg.solve(covariance, samples.T @ samples / n)
    statistic = n * (np.trace(S) - np.linalg.slogdet(S)[1] - D)
    return statistic < stats.chi2.isf(ALARM, D * (D + 1) / 2)


def means_fit(samples, mean, covariance):
    away = samples.mean(axis=0) - mean
    return len(samples) * away @ np.linalg.solve(covariance, away) < stats.chi2.isf(ALARM, samples.shape[1])


# -- the ensembles


@pytest.mark.parametrize("count", [2**60, 10**19, 10**30])
def test_more_samples_than_an_array_holds(rng, count):
    with pytest.raises(MemoryError, match="samples of 4 numbers are more than an array holds"):
        draw(Setting.of("1x4", samples=2), count, rng)


def test_gaussian_moments(rng):
    setting = Setting.of(LinearManifold(((2.0, 2), (0.1, 1)), 5))
    samples = draw(setting, 20000, rng)
    assert samples.shape == (20000, 5)
    assert (samples[:, 3:] == 0).all()
    covariance = np.diag([2.0, 2.0, 0.1])
    assert means_fit(samples[:, :3], np.zeros(3), covariance)
    assert second_moments_fit(samples[:, :3], covariance)
    assert not second_moments_fit(samples[:, :3], np.diag([2.2, 2.0, 0.1]))  # the test can fail
    for d, variance in enumerate((2.0, 2.0, 0.1)):
        assert stats.kstest(samples[:, d] / np.sqrt(variance), "norm").pvalue > ALARM


def test_sphere_moments(rng):
    setting = Setting.of(LinearManifold(((1.5, 4),), 6), ensemble="sphere")
    samples = draw(setting, 20000, rng)
    np.testing.assert_allclose(np.linalg.norm(samples, axis=1), np.sqrt(6.0), rtol=1e-14)
    assert (samples[:, 4:] == 0).all()
    assert means_fit(samples[:, :4], np.zeros(4), 1.5 * np.eye(4))
    # a component squared over the radius squared is Beta(1/2, 3/2)
    assert stats.kstest(samples[:, 0] ** 2 / 6, stats.beta(0.5, 1.5).cdf).pvalue > ALARM


def test_sphere_of_two_variances(rng):
    setting = Setting.of("1.0x3,0.01x5", ensemble="sphere")
    samples = draw(setting, 500, rng)
    np.testing.assert_allclose((samples**2).sum(axis=1), 3.05, rtol=1e-13)
    assert (samples[:, :3] ** 2).sum() > 20 * (samples[:, 3:] ** 2).sum()


def test_draws_are_their_generator(rng):
    setting = Setting.of("1.0x3")
    first = draw(setting, 4, np.random.default_rng(3))
    assert (first == draw(setting, 4, np.random.default_rng(3))).all()
    assert (first != draw(setting, 4, rng)).all()


MIXTURE = Mixture(
    weights=(0.3, 0.7), means=((2.0, 0.0), (-1.0, 1.0)), factors=(((1.0, 0.0), (0.5, 0.2)), ((0.3, 0.0), (0.0, 2.0)))
)


def test_mixture_moments(rng):
    parts = MIXTURE.parts()
    mean = parts["weights"] @ parts["means"]
    away = parts["means"] - mean
    covariance = np.einsum("a,aij->ij", parts["weights"], parts["covariances"] + away[:, :, None] * away[:, None, :])
    samples = MIXTURE(20000, rng)
    assert samples.shape == (20000, 2)
    assert means_fit(samples, mean, covariance)
    # second moments entry by entry: 3 at 5 sigma, a false alarm in 6e5
    products = np.einsum("ni,nj->nij", samples - mean, samples - mean)
    error = products.std(axis=0) / np.sqrt(len(samples))
    assert (np.abs(products.mean(axis=0) - covariance) < 5 * error).all()


def test_mixture_components_are_gaussian(rng):
    one = Mixture((1.0,), ((1.0, 2.0, 3.0),), (((1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.1)),))
    covariance = one.parts()["covariances"][0]
    np.testing.assert_allclose(covariance, [[1, 1, 0], [1, 2, 0], [0, 0, 0.01]])
    assert second_moments_fit(one(20000, rng) - [1, 2, 3], covariance)


def test_resampling(rng):
    source = rng.standard_normal((7, 2))
    samples = Resampled(source)(7000, rng)
    which = (samples[:, None, :] == source).all(axis=2)
    assert (which.sum(axis=1) == 1).all()
    assert stats.chisquare(which.sum(axis=0)).pvalue > ALARM


def test_noise(rng):
    clean = np.full((20000, 2), 3.0)
    assert second_moments_fit(noise(clean, 0.25, rng) - 3, 0.25 * np.eye(2))
    assert (clean == 3).all()


@PROPERTY
@given(log_t=st.floats(-6, 6), seed=st.integers(0, 2**32 - 1))
def test_score_and_density_of_the_distribution(log_t, seed):
    manifold, t = LinearManifold(((2.0, 1), (0.01, 1)), 3), 10**log_t
    x = np.random.default_rng(seed).standard_normal((4, 3)) * np.sqrt(manifold.spectrum + t)
    expected = stats.multivariate_normal(np.zeros(3), np.diag(manifold.spectrum + t)).logpdf(x)
    np.testing.assert_allclose(log_density(x, t, manifold), expected, rtol=1e-9, atol=1e-9)
    for d in range(3):
        h = 1e-5 * np.sqrt(manifold.spectrum[d] + t) * np.eye(3)[d]
        slope = (log_density(x + h, t, manifold) - log_density(x - h, t, manifold)) / (2 * h[d])
        np.testing.assert_allclose(score(x, t, manifold)[:, d], slope, rtol=1e-5, atol=1e-5 / np.sqrt(t))


def test_a_share_of_a_mixture_lies_above():
    setting = Setting.of("0.25x1", ensemble="mixture", separation=20.0, share=0.1)
    above = (draw(setting, 40_000, np.random.default_rng(1))[:, 0] > 0).mean()
    assert abs(above - 0.1) < 5 * 0.3 / 200


def test_a_mixture_lies_at_both_sides_along_the_first_direction():
    setting = Setting.of("0.25x1,0.01x2", ensemble="mixture", separation=6.0)
    samples = draw(setting, 40_000, np.random.default_rng(1))
    sides = np.sign(samples[:, 0])
    assert abs(sides.mean()) < 5 / 200
    np.testing.assert_allclose((samples[:, 0] * sides).mean(), 3.0, atol=5 * 0.5 / 200)
    np.testing.assert_allclose(samples.var(axis=0), [9.25, 0.01, 0.01], rtol=0.04)
    assert abs(np.corrcoef(sides, samples[:, 1])[0, 1]) < 5 / 200
