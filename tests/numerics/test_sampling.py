import numpy as np
import pytest

from numerics.data import draw, points
from numerics.gibbs import gibbs_moments
from numerics.sampling import QUERIES, Sampling
from theory.setting import Setting

SETTING = Setting.of("1.0x2,0.1x1", samples=30, times=[0.1, 0.5])
THROUGH = SETTING.at(query="trajectory", point=(0.5, -0.5, 0.1))


def test_data_sets_are_keyed_by_name_and_number_and_ticked():
    ticks = []
    run = Sampling(repeats=3, rng=7, tick=lambda: ticks.append(1))
    first = [samples for _, samples in run.data_sets(SETTING, "a")]
    assert len(ticks) == 3
    assert all(samples.shape == (30, 3) for samples in first)
    again = [samples for _, samples in Sampling(repeats=2, rng=7).data_sets(SETTING, "a")]
    np.testing.assert_array_equal(first[:2], again)
    other = [samples for _, samples in Sampling(repeats=2, rng=7).data_sets(SETTING, "b")]
    assert not np.array_equal(other, again)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("options", [{}, {"covariance": "full"}])
def test_moments_of_all_times_are_those_of_each(rng, options):
    data, x = draw(SETTING, 30, rng), rng.standard_normal((2, 5, 3))
    found = Sampling().moments(x, data, SETTING.t, **options)
    assert found.participation.shape == (2, 5)
    assert found.score.shape == (2, 5, 3)
    for i, t in enumerate(SETTING.t):
        one = gibbs_moments(x[i], data, t, **options)
        for name in ("participation", "entropy", "energy_variance", "score", "log_density", "nearest"):
            np.testing.assert_allclose(getattr(found, name)[i], getattr(one, name), rtol=1e-12, atol=1e-14)
        if options:
            np.testing.assert_allclose(found.covariance[i], one.covariance, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    "setting", [SETTING, SETTING.at(query="trajectory"), SETTING.at(point=(0.5, -0.5, 0.1)), THROUGH]
)
def test_averages_are_taken_at_the_points_of_each_time(setting):
    run = Sampling(repeats=2, rng=3)
    found = run.at_points(lambda moments: moments.participation, setting, "a")
    assert found.shape == (2, 2, 1 if setting.point else min(QUERIES, 30) if setting.query == "trajectory" else QUERIES)
    for k, (random, samples) in enumerate(run.data_sets(setting, "a")):
        for i, t in enumerate(setting.t):
            x, data = points(setting, i, samples, QUERIES, random)
            np.testing.assert_allclose(found[k, i], gibbs_moments(x, data, t).participation, rtol=1e-12)


def test_distances_are_of_the_dtype_asked_for(rng):
    data, x = draw(SETTING, 30, rng), rng.standard_normal((2, 5, 3))
    run = Sampling(dtype="float32")
    assert run.on_device(data).dtype == np.float32
    single = run.moments(x, run.on_device(data), SETTING.t)
    double = Sampling().moments(x, data, SETTING.t)
    np.testing.assert_allclose(single.participation, double.participation, rtol=1e-3)
    assert (single.error > double.error).all()


def test_a_temperature_that_no_data_have_is_refused():
    warm = SETTING.at(temperature=2.0)
    with pytest.raises(ValueError, match="the experiment a is of the empirical score itself, with temperature 1"):
        next(Sampling(repeats=2).data_sets(warm, "a"))
    assert next(Sampling(repeats=2).data_sets(warm.plain, "a"))[1].shape == (SETTING.samples, 3)
