"""What stopping early leaves, held against theory, another measurement, and what flows generate."""

import numpy as np
import pytest

from numerics.early_stopping import COPIED, Stopped, stopped
from numerics.experiments import trade_off
from numerics.leave_one_out import principal_axes, split, trajectory
from numerics.measurement import Measurement
from numerics.memorized import memorized
from numerics.reverse import flow, grid
from numerics.scores import Empirical, Smoothed
from theory.predictions import generalization_time
from theory.setting import Setting

TIMES = np.geomspace(0.02, 5.0, 13)


def gaussian(samples=300, dimension=8, seed=1):
    return np.random.default_rng(seed).standard_normal((samples, dimension))


@pytest.fixture(scope="module")
def found():
    return stopped(principal_axes(gaussian()), TIMES)


def test_the_density_is_that_of_theory_over_data_sets():
    axes = [principal_axes(gaussian(seed=seed)) for seed in range(12)]
    # the law of the samples is wider or narrower than that of its own principal axes by O(1/N)
    densities = np.array([stopped(a, TIMES, queries=60).log_density.mean(axis=0) for a in axes])
    rest = len(split(axes[0], 60, 0)[1])
    kl = generalization_time.kl_clean(Setting.of("1x8", samples=rest, times=TIMES))
    entropy = 4 * np.log(2 * np.pi * np.e)
    error = densities.std(axis=0, ddof=1) / np.sqrt(len(axes))
    # 13 values, 5 errors with 11 degrees of freedom: false alarm below 5e-3; 1.05 t instead of t is 8 errors away at t = .02
    assert (np.abs(densities.mean(axis=0) + entropy + kl) < 5 * error).all()


def test_the_law_is_closest_where_theory_says(found):
    times = np.geomspace(0.3, 1.5, 25)
    kl = generalization_time.kl_clean(Setting.of("1x8", samples=240, times=times))
    closest = found.closest_time
    assert abs(closest.mean - times[np.argmin(kl)]) < 4 * closest.sem + 0.05  # and the grid's parabola
    assert closest.sem < 0.15


def test_copies_with_the_noise_left_on_are_those_of_the_trade_off(found):
    theirs = trade_off.measure_noised(Setting.of("1x8", samples=300, times=TIMES), repeats=20)["memorized_fraction"]
    error = np.hypot(theirs.sem, np.sqrt(0.25 / len(found.copied)))
    assert (np.abs(found.copied.mean(axis=0) - theirs.mean) < 4 * error).all()


def test_a_flow_stopped_there_and_denoised_copies_as_many(found):
    data, few = gaussian(), found.stopping_time
    for t in (few.mean / 4, few.mean):
        x = flow(Empirical(data), 100 * gaussian(400, seed=5), grid(1e4, t, 40), denoise=True)
        share = memorized(x, data).mean()
        expected = np.interp(np.log(t), np.log(TIMES), found.copied_denoised.mean(axis=0))
        # 400 points against 256: four errors of .03 and .031 at most, and the grid
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) * (1 / 400 + 1 / 256)) + 0.03


def test_above_the_bandwidth_a_smoothed_flow_ends_between_samples():
    data = gaussian()
    h = trajectory(principal_axes(data), TIMES).bandwidth.mean
    start = 100 * gaussian(96, seed=6)
    shares = [
        memorized(flow(Smoothed(data, b, 32), start, grid(1e4, 1e-3, 40), denoise=True), data).mean()
        for b in (h / 5, h)
    ]
    assert shares[0] > 0.6
    assert shares[1] < 0.1


def test_units_and_place_change_nothing(found):
    moved = stopped(principal_axes(3.0 * gaussian() + 1e3), 9.0 * TIMES)
    np.testing.assert_allclose(moved.copied_denoised, found.copied_denoised)
    assert moved.stopping_time.mean == pytest.approx(9 * found.stopping_time.mean)
    np.testing.assert_allclose(moved.log_density, found.log_density - 8 * np.log(3.0), rtol=1e-9, atol=1e-6)


def test_copies_in_the_data_are_one_sample():
    data = gaussian(100)
    doubled = principal_axes(np.concatenate([data, data[:50] * (1 + 1e-9)]))
    assert stopped(doubled, [1e-3, 2e-3]).copied.mean() == 1.0


def test_in_the_plane_some_are_copies_by_chance():
    found = stopped(principal_axes(gaussian(400, 2)), TIMES)
    assert 0.02 < found.by_chance < 0.3  # one ninth, of 80
    assert found.copied_denoised[:, 0].mean() > COPIED + found.by_chance


def test_noise_across_the_data_hides_copies_too():
    """Noised in all 60 directions, of which the samples span 7, and counted there."""
    random = np.random.default_rng(3)
    data = random.standard_normal((300, 7)) @ np.linalg.qr(random.standard_normal((60, 7)))[0].T
    times = np.geomspace(2e-4, 0.2, 7)
    found = stopped(principal_axes(data), times, queries=400).copied.mean(axis=0)
    points = data[random.integers(300, size=1000)]
    plain = [memorized(points + np.sqrt(t) * random.standard_normal(points.shape), data).mean() for t in times]
    # four errors of sqrt(1/4 (1/400 + 1/1000)); without that noise half are copies at t = .2 yet
    assert np.abs(found - plain).max() < 0.12
    assert np.ptp(plain) > 0.9


@pytest.mark.parametrize(("end", "told"), [(0.01, True), (0.2, False)])
def test_above_the_stopping_time_copies_are_few_at_all_times(end, told):
    shares = np.array([1.0, 0.02, 0.3, end])
    copied = (np.arange(1000)[:, None] < 1000 * shares).astype(float)
    t = np.array([1.0, 2.0, 4.0, 8.0])
    nothing = Measurement.of(np.zeros((2, 4)))
    time = Stopped(t, copied, copied, nothing, np.zeros((2, 4)), by_chance=0.0).stopping_time.mean
    assert (4 < time < 8) if told else np.isnan(time)


@pytest.mark.parametrize("D", [1, 2])
def test_chance_is_told_from_more_than_the_samples_held_out(D):
    data = gaussian(60, D)
    distances = np.sort(np.linalg.norm(data[:, None] - data, axis=-1), axis=1)
    assert stopped(principal_axes(data), TIMES).by_chance == (distances[:, 1] < distances[:, 2] / 3).mean()


def test_no_more_than_all_of_the_variance_is_left():
    """Denoised at a small t nothing is lost, whichever samples are drawn."""
    data = gaussian(40, 3)
    left = stopped(principal_axes(data), [1e-9, 1.0], queries=20).variance_left
    assert left.mean[0] == pytest.approx(1, abs=1e-3)
    assert left.sem[0] < 1e-3


@pytest.mark.parametrize(("curvature", "told"), [(3.0, True), (0.03, False)])
def test_a_flat_density_tells_no_closest_time(curvature, told):
    t, random = np.geomspace(0.1, 10, 9), np.random.default_rng(0)
    slopes = random.standard_normal((64, 1)) * np.log(t)  # a held-out sample's own
    density = slopes - curvature * np.log(t) ** 2
    nothing = Measurement.of(np.zeros((2, 9)))
    closest = Stopped(t, np.zeros((2, 9)), np.zeros((2, 9)), nothing, density, by_chance=0.0).closest_time
    assert np.isfinite([closest.mean, closest.sem]).all() == told
    assert not told or abs(closest.mean - 1) < 5 * closest.sem
