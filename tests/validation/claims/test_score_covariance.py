import numpy as np
import pytest

from tests.validation.conftest import check_evaluation
from theory.predictions import score_covariance as prediction
from theory.setting import Setting
from validation.claims import score_covariance

CLAIMS = {claim.name: claim for claim in score_covariance.claims()}


@pytest.mark.parametrize("name", ["gaussian", "mixture", "digits"])
def test_covariances_are_symmetric_and_positive(name):
    predicted, bias, _ = check_evaluation(CLAIMS[f"score_covariance.{name}"])
    np.testing.assert_allclose(predicted, predicted.swapaxes(1, 2), rtol=1e-9)
    assert (np.linalg.eigvalsh(predicted) > 0).all()
    assert (bias < 0.02 * np.linalg.eigvalsh(predicted)[:, -1:, None]).all()


def test_the_points_have_the_effective_samples_that_the_allowed_bias_rests_on():
    log_ratio = prediction.log_weight_ratio(score_covariance.POINTS, score_covariance.T, score_covariance.MANIFOLD)
    assert (score_covariance.SAMPLES * np.exp(-log_ratio) > 500).all()


def test_the_kernel_at_its_own_point_is_the_covariance():
    kernel, _, _ = check_evaluation(CLAIMS["score_covariance.kernel"])
    covariance, _, _ = check_evaluation(CLAIMS["score_covariance.gaussian"])
    np.testing.assert_allclose(kernel[0], np.diag(covariance[0]), rtol=1e-12)


def test_the_mixture_of_one_is_the_gaussian():
    right, _, _ = check_evaluation(CLAIMS["score_covariance.gaussian"])
    law = {"weights": np.ones(1), "means": np.zeros((1, 2)), "covariances": np.diag([1.0, 0.3])[None]}
    for x, S in zip(score_covariance.POINTS, right, strict=True):
        np.testing.assert_allclose(prediction.mixture_covariance(x, score_covariance.T, **law), S, rtol=1e-10)


def test_digits_are_drawn_once():
    atoms = score_covariance.digits()
    assert atoms is score_covariance.digits()
    assert atoms.samples.shape == (1797, 2)
    np.testing.assert_allclose(atoms.samples.mean(axis=0), 0, atol=1e-10)
    drawn = atoms(50, np.random.default_rng(0))
    assert (drawn[:, None] == atoms.samples).all(axis=2).any(axis=1).all()


def test_the_paths_have_the_effective_samples_that_their_bias_rests_on():
    path, N = score_covariance.PATHS["gaussian"], score_covariance.SAMPLES_PATH
    log_ratio = prediction.log_weight_ratio(path, score_covariance.T_PATH, score_covariance.MANIFOLD)
    assert (N * np.exp(-log_ratio) > 1 / 0.003).all()


def test_neighbours_on_a_path_are_less_than_a_correlation_length_apart():
    setting = Setting(score_covariance.MANIFOLD, times=np.array([score_covariance.T_PATH]))
    path = score_covariance.PATHS["gaussian"]
    apart = np.abs(path - np.roll(path, 1, axis=0)).max(axis=0)
    assert (apart < prediction.correlation_length(setting)[0]).all()
