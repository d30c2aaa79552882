import numpy as np

from numerics.experiments.subspace_loss import measure, measure_participation
from numerics.measurement import crossing
from tests.numerics.conftest import SMALL, Contract
from theory.setting import LinearManifold, Setting


class TestContract(Contract):
    name = "subspace_loss"


def test_the_paper_in_small():
    """Theory.md: lambda = (1, 0.1), m = (2, 2), N = 300 lose their subspaces at 0.123 and 0.045, within 5 sigma."""
    setting = Setting.of("1.0x2,0.1x2", samples=300, times=np.geomspace(0.02, 0.3, 14))
    found = measure(setting, repeats=150)["loss_time"]
    assert (np.abs(found.mean - [0.123, 0.045]) < 5 * found.sem + 0.0005).all()
    assert (found.sem < 0.03 * found.mean).all()


def test_high_variance_goes_first():
    setting = SMALL.at(times=np.geomspace(0.005, 3, 16))
    found = measure(setting, repeats=40)
    assert found["loss_time"].mean[0] > found["loss_time"].mean[1]
    ratio = found["signal_to_noise"].mean
    assert (ratio > 0).all()
    for k in range(2):
        np.testing.assert_allclose(
            crossing(setting.times, -np.log(ratio[:, k]), 0.0), found["loss_time"].mean[k], rtol=1e-9
        )


def test_without_bracket_there_is_no_loss_time():
    found = measure(SMALL.at(times=[1e-6, 1e-5]), repeats=3)["loss_time"]
    assert np.isnan(found.mean).all()


def test_times_in_any_order():
    setting = SMALL.at(times=np.geomspace(0.005, 3, 9))
    backwards = measure(setting.at(times=setting.times[::-1]), repeats=60)["loss_time"]
    forwards = measure(setting, repeats=60)["loss_time"]
    assert (np.abs(backwards.mean - forwards.mean) < 5 * np.hypot(backwards.sem, forwards.sem)).all()


def test_participation_in_the_authors_setting():
    """Theory.md: D = 30, stds 1 (2), 0.3 (5), 0.01 (23), N = 1000: Y2 passes 0.5 at t of about 0.01."""
    setting = Setting.of("1.0x2,0.09x5,0.0001x23", samples=1000, times=np.geomspace(0.001, 0.1, 9))
    found = measure_participation(setting, repeats=60)["participation"]
    assert found.mean.shape == (9, 3)
    assert ((found.mean > 1 / 1000) & (found.mean <= 1)).all()
    half = crossing(setting.times, found.mean, 0.5)
    assert ((half > 0.006) & (half < 0.017)).all()


def test_participation_is_that_of_its_seed_and_points():
    setting = SMALL.at(manifold=LinearManifold(((1.0, 1), (0.1, 2)), 5), times=[1e-9, 0.1, 1e9])
    ticks = []
    first = measure_participation(setting, repeats=4, rng=2, tick=lambda: ticks.append(None))["participation"]
    assert len(ticks) == 4
    assert first.mean.shape == (3, 2)
    again = measure_participation(setting, repeats=4, rng=np.random.SeedSequence(2))["participation"]
    assert (again.mean == first.mean).all()
    np.testing.assert_allclose(first.mean[0], 1)
    assert (first.mean[1] < first.mean[0]).all()


def test_participation_of_spheres():
    # what the published formula with g = 0 speaks of
    sphere = Setting.of("1.0x2,0.1x2", samples=60, times=SMALL.times, ensemble="sphere")
    found = measure_participation(sphere, repeats=20)["participation"]
    assert ((found.mean > 1 / 60) & (found.mean < 1)).all()
