import numpy as np
import pytest

from numerics.arrays import stream
from numerics.data import draw, log_density
from numerics.experiments import trade_off as experiment
from numerics.experiments.trade_off import measure, measure_noised
from numerics.gibbs import gibbs_moments
from tests.numerics.conftest import COARSELY, Generating
from theory.setting import Setting

FEW = Setting.of("1.0x3", samples=20, times=[0.5, 0.1])


class TestContract(Generating):
    name = "trade_off"
    coarsely = COARSELY["trade_off"]


def test_the_flow_generates_noised_samples():
    """Of the same data sets and fresh points."""
    flow, noised = measure(FEW, repeats=5, rng=3), measure_noised(FEW, repeats=5, rng=3)
    np.testing.assert_allclose(flow["kl_clean"].mean, noised["kl_clean"].mean, rtol=0.01)
    share = flow["memorized_fraction"].mean - noised["memorized_fraction"].mean
    assert np.abs(share).max() < 5 * (0.25 * 2 / 320) ** 0.5


def test_the_divergence_of_noised_samples_is_of_their_density():
    found = measure_noised(FEW, repeats=3, rng=1)["kl_clean"].mean
    rows = []
    for repeat in range(3):
        random = stream(1, "trade_off", repeat)
        samples, x = draw(FEW, 20, random), draw(FEW, experiment.POINTS, random)
        clean = log_density(x, 0.0, FEW.manifold)
        rows.append([(clean - gibbs_moments(x, samples, t).log_density).mean() for t in FEW.t])
    np.testing.assert_allclose(found, np.mean(rows, axis=0), rtol=1e-12)


def test_narrowed_points_of_many_samples_have_the_law_of_the_data():
    many = Setting.of("1.0x1", samples=20_000, times=[0.5])
    plain, narrowed = (measure_noised(many, narrowed=n, repeats=20)["kl_clean"].mean[0] for n in (False, True))
    assert plain > 0.01  # (log 1.5 - 1/3)/2 = 0.036
    assert abs(narrowed) < 0.003


def test_a_remedy_is_followed():
    low = FEW.at(times=[0.1])
    plain = measure(low, repeats=6)["memorized_fraction"].mean[0]
    for remedy in ({"temperature": 3.0}, {"bandwidth": 0.5}):
        assert measure(low.at(**remedy), repeats=6)["memorized_fraction"].mean[0] < plain - 0.05
    with pytest.raises(ValueError, match="one at a time"):
        measure(FEW.at(temperature=2, bandwidth=0.1))
    with pytest.raises(ValueError, match="what is noised is of the empirical score itself"):
        measure_noised(FEW.at(temperature=2))


def test_steps_are_finer_where_samples_are_told_apart():
    grids = experiment._Grids(FEW)
    steps = np.diff(-np.log(grids.between(grids.far, 0.1)))
    assert (steps > 0).all()
    assert steps[-1] <= 1 / experiment.STEPS < steps[0] <= 1 / experiment.FAR_STEPS
    np.testing.assert_allclose(grids.between(grids.far, 0.1)[[0, -1]], [1e4, 0.1])
    np.testing.assert_allclose(grids.between(0.5, 0.1)[[0, -1]], [0.5, 0.1])
    np.testing.assert_allclose(grids.between(100.0, 10.0)[[0, -1]], [100, 10])
    np.testing.assert_array_equal(grids.between(0.1, 0.1), [0.1])
