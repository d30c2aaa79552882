import math

import numpy as np
import pytest

from theory.predictions import training_times as prediction
from validation.claims import training_times as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def value(quantity):
    return quantity.function(*quantity.arguments)


def test_the_published_clocks_are_expected_to_disagree():
    disagreeing = [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"]
    assert disagreeing == [f"training_times.published.{name}" for name in ("mem", "gen.wide", "gen.many")]
    headline = [name for name, claim in CLAIMS.items() if claim.headline]
    assert headline == ["training_times.quiet.train_loss", "training_times.published.mem"]


def test_no_control_is_the_truth_by_chance():
    for name, claim in CLAIMS.items():
        right, wrong = np.asarray(value(claim.predicted)), np.asarray(value(claim.control.value))
        assert np.shape(wrong) == np.shape(right), name
        assert (np.abs(wrong - right) > 0.02 * np.abs(right)).any(), name


def test_the_linear_model_learns_the_distribution_and_not_the_samples():
    """Its test loss hardly rises, however long it is trained, and far above its noise it is that of features with v = 0."""
    late = claims.WIDE.trained(times=(1e3, 1e9))
    test, train = claims.linear("test_loss", late)[0], claims.linear("train_loss", late)[0]
    assert test[0] == pytest.approx(test[1], rel=1e-3)
    assert test[1] - train[1] < 0.1 < prediction.test_loss_final(late)[0] - prediction.train_loss_final(late)[0]


def test_averaged_components_are_those_of_endless_samples():
    """Whose covariance is that of the distribution."""
    for name in ("train_loss_kernel", "test_loss_kernel"):
        near, nearer = (
            np.abs(claims.averaged(name, at) - getattr(prediction, name)(at)).max()
            for at in (claims.KERNEL.setting.at(samples=20_000), claims.KERNEL.setting.at(samples=80_000))
        )
        assert nearer < near / 3 < 1e-3


def test_the_kernel_case_is_near_the_kernel():
    """The bias it allows is a small part of what its control is off by."""
    at = claims.KERNEL.setting
    for name in ("train_loss_kernel", "test_loss_kernel"):
        off = np.abs(claims.averaged(name, at) - getattr(prediction, name)(at))
        assert (claims.from_the_kernel(name, at) < off.max() / 3).all()


def test_bias_falls_with_the_square_of_the_dimension_and_is_small_early():
    wide = claims.second_order("train_loss", claims.LATE, claims.WIDE)
    half = claims.second_order("train_loss", claims.LATE, claims.DOWN)
    np.testing.assert_allclose(wide / prediction.train_loss(claims.WIDE), [[0.0025, 0.0025, 0.0125]])
    np.testing.assert_allclose(half / prediction.train_loss(claims.DOWN), [[0.01, 0.01, 0.01]])


def test_steps_are_short_enough_to_descend():
    found = claims.train_by_steps(claims.DOWN)
    assert (np.diff(found) < 0).all()
    assert 0 < np.abs(found - prediction.train_loss(claims.DOWN)).max() < 0.01


def test_the_figure_has_both_sides_of_the_range_of_linear_growth():
    assert claims.SAMPLES[0] < prediction.linear_range(claims.WIDE)[0] < claims.SAMPLES[-1]
    assert math.isinf(prediction.linear_range(claims.WIDE.trained(features=math.inf))[0])
