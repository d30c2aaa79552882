import numpy as np
import pytest

from numerics.experiments import noise_unconditioning as experiment
from numerics.experiments.noise_unconditioning import measure, measure_ends, measure_weights
from numerics.newtonian import weights
from numerics.sampling import Sampling
from tests.numerics.conftest import Contract
from theory.setting import LinearManifold, Setting

FIVE = Setting.of("1.0x5", samples=30, times=[0.1, 2.0])


class TestContract(Contract):
    name = "noise_unconditioning"
    on_sphere = tuple(experiment.OBSERVABLES)

    def test_spheres(self):
        """All ascents end on samples there too."""
        sphere = FIVE.at(ensemble="sphere")
        found, plain = (measure(at, repeats=3) for at in (sphere, FIVE))
        assert set(found) == set(self.on_sphere)
        for name, m in found.items():
            assert np.isfinite(m.mean).all()
            assert (m.mean != plain[name].mean).any() == (name != "collapsed_fraction")

    def test_errors_shrink_with_the_root_of_repeats(self):
        """All of n ascents end on samples, and the error of that shrinks with n itself."""
        few, many = (measure_weights(FIVE, repeats=n) for n in (25, 400))
        for k in few:
            ratio = few[k].sem / many[k].sem
            assert (np.abs(np.log(ratio / 4)) < np.log(3)).all(), (k, ratio)
        assert measure_ends(FIVE, repeats=25)["collapsed_fraction"].sem > 0


def test_one_data_set_by_hand():
    """The numbers that one data set gives, from its own stream."""
    setting = FIVE.at(times=[0.5], point=(1.0, 0.5, 0.0, -0.5, 0.2))
    found = measure_weights(setting, repeats=2)
    data_sets = Sampling(repeats=2).data_sets(setting, "noise_unconditioning")
    by_hand = [weights(np.array([setting.point]), data) for _, data in data_sets]
    np.testing.assert_allclose(found["participation"].mean, np.mean([(w**2).sum() for w, _ in by_hand]))
    np.testing.assert_allclose(found["implied_noise"].mean, np.mean([(w * s).sum() / 3 for w, s in by_hand]))
    np.testing.assert_allclose(found["effective_samples"].mean, 1 / found["participation"].mean)


def test_near_its_sample_x_is_of_that_sample():
    found = measure_weights(FIVE.at(times=[1e-6, 1e4], query="trajectory"), repeats=5)
    np.testing.assert_allclose(found["own_weight"].mean, [1, 1 / 30], atol=0.01)
    np.testing.assert_allclose(found["participation"].mean, [1, 1 / 30], atol=0.01)
    assert found["implied_noise"].mean[1] == pytest.approx(5e4 / 3, rel=0.2)


@pytest.mark.parametrize(
    "setting", [FIVE, Setting.of(LinearManifold.parse("1x1", 3), samples=3), FIVE.at(ensemble="sphere")]
)
def test_every_ascent_ends_on_a_sample(setting):
    found = measure_ends(setting, repeats=40)["collapsed_fraction"]
    assert found.mean == 1
    assert 0 < found.sem < 0.1


def test_two_dimensions_have_no_potential():
    with pytest.raises(ValueError, match="must share a dimension of 3 or more, got 2 and 2"):
        measure(Setting.of("1x2"), repeats=2)
