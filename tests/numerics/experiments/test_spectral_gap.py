import numpy as np
import pytest

from numerics.arrays import stream
from numerics.experiments.spectral_gap import Sphere, Torus, measure, measure_spectrum, measure_surface
from tests.numerics.conftest import Contract, same_as
from theory.setting import LinearManifold, Setting

WIDE = Setting.of(LinearManifold.parse("1x2,0.1x3", 8), times=[0.05, 0.7])


class TestContract(Contract):
    name = "spectral_gap"
    small = Setting.of(LinearManifold.parse("1x2,0.1x2", 9), times=np.array([0.05, 0.2, 0.8]))

    def test_block_sizes_change_nothing(self):
        """There are none."""
        same_as(self.measure(rng=3), self.measure(rng=3))


def drawn(repeat):
    """F as it is said to be drawn, column by column."""
    F = stream(4, "spectral_gap", repeat).standard_normal((8, 5))
    return F * np.sqrt(np.array([1, 1, 0.1, 0.1, 0.1]) / 5)


def test_eigenvalues_are_those_of_the_jacobian():
    found, expected = measure(WIDE, repeats=2, rng=4), []
    for repeat in range(2):
        F = drawn(repeat)
        spectra = [np.linalg.eigvalsh(t * np.linalg.inv(F @ F.T + t * np.eye(8))) for t in WIDE.t]
        expected.append(
            [[(1 - one).sum() / 5, (one < 0.5).sum(), one[5:].mean() - one[4], np.log(one[4])] for one in spectra]
        )
    retained, dimension, gap, _ = np.mean(expected, axis=0).T
    np.testing.assert_allclose(found["mean_retained"].mean, retained, rtol=1e-10)
    np.testing.assert_allclose(found["estimated_dimension"].mean, dimension)
    np.testing.assert_allclose(found["gap_width"].mean, gap, rtol=1e-9)
    lowest = np.mean([np.linalg.eigvalsh(drawn(repeat).T @ drawn(repeat))[[0, -1]] for repeat in range(2)], axis=0)
    assert [found[name].mean for name in ("edge_lowest", "edge_highest")] == pytest.approx(lowest, rel=1e-10)
    assert found["gap_opening_time"].mean == found["edge_lowest"].mean


def test_flipd_is_the_mean_of_its_definition_over_clean_points():
    found, expected = measure(WIDE, repeats=2, rng=4), []
    for repeat in range(2):
        F = drawn(repeat)
        J = [-np.linalg.inv(F @ F.T + t * np.eye(8)) for t in WIDE.t]
        expected.append([8 + t * (np.trace(j) + np.trace(j @ F @ F.T @ j)) for t, j in zip(WIDE.t, J, strict=True)])
    np.testing.assert_allclose(found["flipd_dimension"].mean, np.mean(expected, axis=0), rtol=1e-10)


def test_what_coordinates_keep_is_one_less_their_posterior_variance():
    found, expected = measure(WIDE, repeats=2, rng=4)["latent_retained"].mean, []
    for repeat in range(2):
        F = drawn(repeat)
        left = [1 - np.diag(np.linalg.inv(np.eye(5) + F.T @ F / t)) for t in WIDE.t]
        expected.append([[one[:2].mean(), one[2:].mean()] for one in left])
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-10)


def test_the_spectrum_alone_is_the_same():
    whole, part = measure(WIDE, repeats=3), measure_spectrum(WIDE, repeats=3)
    assert set(part) == set(whole) - {"latent_retained"}
    same_as(part, {name: whole[name] for name in part}, rtol=1e-9)


def test_the_gap_opens_at_a_time_of_the_schedule():
    edm = WIDE.at(schedule="edm", times=np.sqrt(WIDE.t))
    found, plain = (measure_spectrum(setting, repeats=2)["gap_opening_time"] for setting in (edm, WIDE))
    assert found.mean > plain.mean
    np.testing.assert_allclose(found.mean**2, plain.mean, rtol=0.2)


def test_a_remedy_is_refused():
    with pytest.raises(ValueError, match="the experiment spectral_gap is of the empirical score itself"):
        measure(WIDE.at(temperature=2.0), repeats=2)


def test_points_lie_on_their_surfaces_and_are_as_many_as_asked():
    random = np.random.default_rng(0)
    np.testing.assert_allclose(np.linalg.norm(Sphere(2.0)(100, random), axis=1), 2.0)
    x = Torus(2.0, 0.5)(20_000, random)
    assert x.shape == (20_000, 3)
    out = np.hypot(x[:, 0], x[:, 1]) - 2
    np.testing.assert_allclose(np.hypot(out, x[:, 2]), 0.5)
    # by area the tube's angle has the density 1 + cos(a)/4, whose mean cosine is 1/8
    assert abs((out / 0.5).mean() - 1 / 8) < 5 * np.sqrt(0.5 / len(x))


def test_a_surface_has_two_dimensions_in_any_space():
    for surface in (Sphere(1.0), Torus(2.0, 0.7)):
        found = [measure_surface(surface, 3000, (0.05, 0.1), D, repeats=3) for D in (3, 6)]
        for one in found:
            np.testing.assert_allclose(one["mean_retained"].mean, 2, atol=0.2)
            np.testing.assert_allclose(one["estimated_dimension"].mean, 2, atol=0.1)
            np.testing.assert_allclose(one["noised_dimension"].mean, 2, atol=0.3)


def test_samples_that_condense_leave_no_dimension():
    found = measure_surface(Sphere(1.0), 200, (1e-6,), repeats=3)
    assert found["estimated_dimension"].mean[0] < 0.2
