import numpy as np
import pytest

from numerics.experiments import trained_network as experiment
from numerics.experiments.trained_network import measure, measure_all, measure_sizes
from tests.numerics.conftest import COARSELY, SMALL, Generating
from theory.setting import LinearManifold, Setting

TINY = SMALL.trained(features=4, times=(2, 1))
PAIR = Setting.of("1x1,0.1x1", samples=6, times=[0.3, 0.01]).trained(features=16, times=(40, 400))


class TestContract(Generating):
    name = "trained_network"
    small = TINY
    coarsely = COARSELY["trained_network"]

    @pytest.mark.slow
    def test_errors_shrink_with_the_root_of_repeats(self, monkeypatch):
        """But of what is the same for all after two steps: counts of few, and the last of the remedies tried."""
        alike = ("dimension", "memorized_fraction", "equivalent_bandwidth", "equivalent_temperature")
        scattered = {name: dims for name, dims in experiment.OBSERVABLES.items() if name not in alike}
        monkeypatch.setattr(experiment, "OBSERVABLES", scattered)
        super().test_errors_shrink_with_the_root_of_repeats()


def test_without_a_network_nothing_is_trained():
    with pytest.raises(
        ValueError, match="the experiment trained_network is of a trained network; give the setting one"
    ):
        measure(SMALL)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"features": np.inf}, "a network that is simulated has finitely many features"),
        ({"times": (2.5,)}, "steps must be whole numbers, 1 or more, got 2.5"),
        ({"times": (0.5,)}, "steps must be whole numbers, 1 or more, got 0.5"),
        ({"ridge": 0.1}, "trained by Adam has no ridge, got 0.1"),
    ],
)
def test_what_cannot_be_trained_by_steps_is_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        measure(TINY.trained(**changed), repeats=2)


def test_how_many_are_trained_together_changes_nothing(monkeypatch):
    together = measure(TINY, repeats=5)
    monkeypatch.setattr(experiment, "ENTRIES", 1)
    alone = measure(TINY, repeats=5)
    for name, m in together.items():
        np.testing.assert_allclose(m.mean, alone[name].mean, rtol=1e-5, err_msg=name)


def test_steps_come_in_the_order_asked_for():
    one, other = (measure(TINY.trained(times=steps), repeats=2) for steps in ((2, 1), (1, 2)))
    for name, dims in experiment.OBSERVABLES.items():
        if "training" in dims:
            axis = dims.index("training")
            np.testing.assert_array_equal(one[name].mean, np.flip(other[name].mean, axis), err_msg=name)


def test_on_few_samples_it_walks_and_never_nearer_than_the_triangle_allows():
    found = measure_all(PAIR, repeats=8)
    empirical, true = found["distance_to_empirical"].mean, found["distance_to_true"].mean
    assert (empirical[:, 1, 1] < empirical[:, 0, 1]).all()  # at its own noised samples, after ten times the steps
    np.testing.assert_allclose(found["walk"].mean[:, 1], empirical[:, 0] - empirical[:, 1])
    assert (np.sqrt(empirical) + np.sqrt(true) > 1 - 1e-12).all()
    assert (found["training_loss"].mean > found["least_loss"].mean[:, None]).all()


def test_on_new_points_it_stays():
    """The error of the Jacobian is within what Stein's identity allows, and of the distance within the triangle's."""
    found = measure_all(PAIR.trained(times=(400,)), repeats=8, fresh=True)
    true = PAIR.manifold.spectrum / (PAIR.manifold.spectrum + PAIR.t[:, None])
    off = np.abs(found["jacobian"].mean[:, 0] - true)
    assert (off < found["jacobian_error"].mean[:, 0] + 3 * found["jacobian"].sem[:, 0]).all()
    assert (np.abs(found["distance_to_empirical"].mean - 1) < found["distance_error"].mean).all()
    assert (found["distance_to_true"].mean < 0.5).all()


def test_more_samples_are_farther():
    grown = measure_sizes(PAIR.at(times=[0.1]).trained(times=(400,)), (6, 60), repeats=6)["growth"]
    assert grown.mean.shape == (1, 1, 1, 3)
    assert grown.mean[0, 0, 0, 1] > 0


def test_it_is_the_same_in_any_schedule():
    plain = measure(TINY, repeats=2)
    moved = measure(TINY.at(schedule="ou", times=np.log1p(TINY.times) / 2), repeats=2)
    for name, m in moved.items():
        np.testing.assert_allclose(m.mean, plain[name].mean, rtol=1e-6, err_msg=name)


@pytest.mark.slow
def test_the_signs_hold_with_other_seeds():
    """Five others than those of the claims, at their setting; 5 networks of it do not know their error well."""
    from validation.claims.trained_network import FRESH, SIZES, SMALL

    few = measure_all(SMALL, repeats=5, rng=1, batch=64)
    assert (few["walk"].mean[:, -1] > 3 * few["walk"].sem[:, -1]).all()
    assert (few["order"].mean[:, -1] > 0).all()
    assert (few["dimension"].mean[:, -1] < 4).all()
    assert (
        few["jacobian"].mean[:, -1] < SMALL.manifold.variances / (SMALL.manifold.variances + SMALL.t[:, None])
    ).all()
    new = measure_all(FRESH, repeats=5, rng=1, fresh=True, batch=64)
    assert (new["distance_to_true"].mean < 0.05).all()
    assert (np.abs(new["order"].mean) < 0.05).all()
    growth = measure_sizes(SMALL.at(times=[0.01]).trained(times=(1000,)), SIZES, repeats=5, rng=1, batch=64)["growth"]
    assert (growth.mean > 0).all()


def test_normal_directions_are_no_subspace():
    wider = TINY.at(manifold=LinearManifold(TINY.manifold.subspaces, 6))
    found = measure(wider, repeats=2)
    assert found["jacobian"].mean.shape == (3, 2, 2)
    assert (found["dimension"].mean <= 6).all()
