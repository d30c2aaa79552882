import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, minimum_filter
from scipy.special import erf

from numerics import led
from numerics.gibbs import gibbs_moments
from numerics.reverse import flow, grid
from numerics.scores import Smoothed

THREE = np.array([[-1.0], [0.2], [0.5]])
TWO = np.array([[-1.0], [1.0]])
PLANE = np.array([[0.0, 0.0], [1.0, 0.3], [-0.4, 0.8]])


def density(low, high, data, t, h, count=4001):
    x = np.linspace(low, high, count)
    return x, np.exp(led.log_density(x[:, None], data, t, h)), x[1] - x[0]


def simpson(values, step):
    return step / 3 * (values[0] + values[-1] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum())


def test_the_values_of_the_notes():
    """y = (-1, .2, .5), t = .05, h = .1, and y = +-1, t = .1, h = .5, where the notes have .39895."""
    assert led.log_normalization(THREE, 0.05, 0.1) == pytest.approx(-0.561914, abs=5e-7)
    assert np.exp(led.log_density([[-0.4]], THREE, 0.05, 0.1))[0] == pytest.approx(0.247416, abs=5e-7)
    x, p, step = density(-5, 5, THREE, 0.05, 0.1)
    assert p.sum() * step == pytest.approx(1, abs=1e-10)
    mean = (x * p).sum() * step
    assert (x**2 * p).sum() * step - mean**2 == pytest.approx(0.374124, abs=5e-7)
    _, p, step = density(-0.5, 0.5, TWO, 0.1, 0.5)
    assert simpson(p, step) == pytest.approx(0.399161, abs=1e-6)


@pytest.mark.parametrize(("t", "h"), [(0.05, 0.1), (0.3, 0.02), (0.1, 2.0)])
def test_the_density_against_a_finer_rule(t, h):
    """The kernel by the trapezoid rule in shifts of a hundredth of its width, the integral by that in x."""
    shifts = np.arange(-10, 10, 0.01)
    weights = np.exp(-(shifts**2) / 2) / np.exp(-(shifts**2) / 2).sum()
    x = np.linspace(-4.5, 4.0, 801)
    at = (x[:, None] + np.sqrt(h) * shifts).reshape(-1, 1)
    smoothed = gibbs_moments(at, THREE, t).log_density.reshape(x.size, -1) @ weights
    norm = np.log(np.exp(smoothed).sum() * (x[1] - x[0]))
    assert led.log_normalization(THREE, t, h) == pytest.approx(norm, abs=1e-9)
    np.testing.assert_allclose(led.log_density(x[:, None], THREE, t, h), smoothed - norm, atol=1e-9)


def test_one_sample_is_kept():
    x = np.linspace(-3, 3, 7)[:, None]
    for data, at in ((np.array([[0.4]]), x), (np.array([[0.4, -1.0]]), np.hstack([x, x]))):
        expected = gibbs_moments(at, data, 0.3).log_density
        np.testing.assert_allclose(led.log_density(at, data, 0.3, 0.7), expected, atol=1e-9)
        assert led.log_normalization(data, 0.3, 0.7) == pytest.approx(-0.7 * data.size / 0.6, rel=1e-9)


def test_without_a_kernel_it_is_the_kernel_density_estimate():
    found = led.log_density(PLANE, PLANE, 0.2, 0.0)
    np.testing.assert_array_equal(found, gibbs_moments(PLANE, PLANE, 0.2).log_density)
    assert led.log_normalization(PLANE, 0.2, 0.0) == 0


def test_in_two_dimensions_it_is_normalized_and_has_the_smoothed_score():
    t, h = 0.3, 0.1
    axis = np.arange(-4, 5, 0.1)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.exp(led.log_density(x, PLANE, t, h)).sum() * 0.01 == pytest.approx(1, abs=1e-8)
    e = 1e-4
    at = np.array([[0.3, 0.2], [-0.7, 1.0]])
    found, error = Smoothed(PLANE, h, 2**14).with_error(at, t)
    for k in range(2):
        step = e * np.eye(2)[k]
        slope = (led.log_density(at + step, PLANE, t, h) - led.log_density(at - step, PLANE, t, h)) / (2 * e)
        assert (np.abs(slope - found[:, k]) < 5 * error[:, k] + 1e-5).all()
    np.testing.assert_array_equal(led.gradient(at, PLANE, t, h, shifts=2**14), found)


@pytest.mark.parametrize(("t", "h"), [(0.05, 0.1), (0.3, 0.02), (0.01, 0.5)])
def test_the_gradient_is_the_slope_of_the_density(t, h):
    x, e = np.linspace(-2, 2, 9)[:, None], 1e-5
    slope = (led.log_density(x + e, THREE, t, h) - led.log_density(x - e, THREE, t, h)) / (2 * e)
    np.testing.assert_allclose(led.gradient(x, THREE, t, h)[:, 0], slope, rtol=1e-5, atol=1e-5 / t)
    np.testing.assert_allclose(led.gradient(x, THREE, t, 0.0), gibbs_moments(x, THREE, t).score, rtol=1e-12)


def test_gauss_hermite_nodes_miss_the_kinks():
    x, t, h = np.array([[0.3]]), 0.002, 0.5
    exact = led.gradient(x, THREE, t, h)
    assert np.abs(Smoothed(THREE, h, 16)(x, t) - exact) > 0.01 / t
    assert np.abs(Smoothed(THREE, h, 512)(x, t) - exact) < np.abs(Smoothed(THREE, h, 16)(x, t) - exact) / 5


# atoms


@pytest.mark.parametrize("h", [0.01, 0.1, 0.5])
def test_atoms_of_two_samples(h):
    found = led.atoms(TWO, h)
    assert found.size == 2
    np.testing.assert_allclose(erf(found / np.sqrt(2 * h)), found, rtol=1e-10)
    assert found[0] == pytest.approx(-found[1], rel=1e-12)


def test_atoms_are_samples_without_a_kernel_and_the_midrange_under_a_wide_one():
    np.testing.assert_array_equal(led.atoms(THREE, 0.0), THREE[:, 0])
    np.testing.assert_allclose(led.atoms(THREE, 1e-6), THREE[:, 0], atol=1e-9)
    np.testing.assert_allclose(led.atoms(THREE, 1e6), [-0.25], atol=1e-3)
    assert led.atoms(TWO, 0.63).size == 2
    assert led.atoms(TWO, 0.64).size == 1
    np.testing.assert_array_equal(led.atoms([[3.0], [3.0]], 0.1), [3.0])


@pytest.mark.parametrize("h", [0.01, 0.05, 0.2, 1.0])
def test_atoms_in_the_plane_are_minima_of_the_smoothed_distance(h):
    """Of the mean squared distance to the nearest sample of x + u, on a grid: each minimum beside an atom, and none else."""
    data = np.array([[0.0, 0.0], [1.0, 0.3], [-0.4, 0.8], [0.5, -0.7], [1.2, 1.1], [0.3, 0.2]])
    found, step = led.atoms(data, h), 0.02
    axis = np.arange(-6, 7, step)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    nearest = ((x[:, :, None] - data) ** 2).sum(axis=3).min(axis=2)
    smoothed = gaussian_filter(nearest, np.sqrt(h) / step, truncate=8)
    least = (smoothed == minimum_filter(smoothed, 3)) & (np.abs(x - 0.4) < 2).all(axis=2)
    assert found.shape == (least.sum(), 2)
    away = np.linalg.norm(found[:, None] - x[least], axis=2)
    assert away.min(axis=0).max() < 2 * step
    assert away.min(axis=1).max() < 2 * step


def test_atoms_of_samples_on_a_line_are_those_of_the_line():
    for h in (0.01, 0.1):
        for across in (np.array([1.0, 0.0]), np.array([0.6, 0.8])):
            expected = led.atoms(THREE, h)[:, None] * across
            np.testing.assert_allclose(led.atoms(THREE * across, h), expected, atol=1e-9)
    np.testing.assert_array_equal(led.atoms([[3.0, 1.0], [3.0, 1.0]], 0.1), [[3.0, 1.0]])


def test_atoms_in_the_plane_are_samples_without_a_kernel_and_one_under_a_wide_one():
    by_first = PLANE[np.argsort(PLANE[:, 0])]
    np.testing.assert_array_equal(led.atoms(PLANE, 0.0), by_first)
    np.testing.assert_allclose(led.atoms(PLANE, 1e-5), by_first, atol=1e-9)
    (found,) = led.atoms(PLANE, 1e6)
    others = [np.delete(PLANE, k, axis=0) for k in range(3)]
    inner = [np.diff(np.unwrap(np.arctan2(*(beside - y).T)))[0] for y, beside in zip(PLANE, others, strict=True)]
    angles = np.pi - np.abs(inner)  # of the cell of each, whose edges are normal to its sides
    np.testing.assert_allclose(found, angles / (2 * np.pi) @ PLANE, atol=1e-2)


def test_the_flow_in_the_plane_ends_on_atoms():
    h, t = 0.05, 1e-4
    found = led.atoms(PLANE, h)
    starts = found + 0.02
    ends = flow(lambda x, t: led.gradient(x, PLANE, t, h, shifts=2**12), starts, grid(1e-2, t, 20))
    np.testing.assert_allclose(ends, found, atol=0.01)


def test_the_flow_ends_on_atoms_at_its_rate():
    """Collapse moves, it does not vanish: |x - atom| ~ t^((1 - slope)/2)."""
    h, e, times = 0.1, 1e-4, (1e-2, 1e-3)
    found = led.atoms(THREE, h)
    assert found.size == 2  # samples at 0.2 and 0.5 have one
    assert np.abs(found[:, None] - THREE[:, 0]).min() > 0.01

    def score(x, t):
        return led.gradient(x, THREE, t, h)

    ends = flow(score, found[:, None] + 0.01, grid(*times, 20))[:, 0]
    mean, above = ((x + 1e-3 * score(x[:, None], 1e-3)[:, 0]) for x in (found, found + e))
    slope = (above - mean) / e
    assert (slope < 1).all()
    np.testing.assert_allclose(mean, found, atol=1e-3)
    np.testing.assert_allclose(np.log10(np.abs(ends - found) / 0.01), -(1 - slope) / 2, atol=0.03)


# what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0]], [[0.0, 1.0]], 0.1, 0.1), "x must have the 2 dimensions of the data"),
        (([0.0], THREE, 0.1, 0.1), r"x must have shape \(M, D\), got \(1,\)"),
        (([[np.nan]], THREE, 0.1, 0.1), "x must be finite"),
        (([[0.0]], np.zeros((0, 1)), 0.1, 0.1), "data must not be empty"),
        (([[0.0]], THREE, -0.1, 0.1), "t must be positive and finite"),
        (([[0.0]], THREE, 0.1, -0.1), "the bandwidth must be finite and not negative, got -0.1"),
        (([[0.0]], THREE, 0.1, np.nan), "the bandwidth must be finite"),
        (([[0.0]], THREE, 0.1, True), "the bandwidth must be finite and not negative, got True"),
        (([[0.0]], THREE, 0.1, "0.1"), "the bandwidth must be finite and not negative, got '0.1'"),
        ((np.zeros((1, 3)), np.zeros((2, 3)), 0.1, 0.1), r"of 2 dimensions at most, got shape \(2, 3\)"),
        (([[0.0]], THREE, 1e-9, 0.1), "the grid must have at most 4,194,304 points"),
    ],
)
def test_what_is_outside_the_domain_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        led.log_density(*arguments)


def test_atoms_are_for_two_dimensions():
    with pytest.raises(ValueError, match="of 2 dimensions at most, got shape"):
        led.atoms(np.zeros((4, 3)), 0.1)


@pytest.mark.parametrize("D", [1, 2])
@pytest.mark.parametrize("exponent", [-400, -40, 40, 400])
def test_atoms_scale_with_the_data(D, exponent, rng):
    data, h = rng.standard_normal((12, D)), 0.3
    found = led.atoms(np.ldexp(data, exponent), float(np.ldexp(h, 2 * exponent)))
    np.testing.assert_allclose(np.ldexp(found, -exponent), led.atoms(data, h), rtol=1e-9)


def test_atoms_are_found_far_from_the_origin(rng):
    data = np.ldexp(rng.integers(-99, 99, (12, 2)), -6)
    np.testing.assert_allclose(led.atoms(data + 2.0**30, 0.3) - 2.0**30, led.atoms(data, 0.3), atol=1e-6)
    np.testing.assert_allclose(led.atoms(data[:, :1] + 2.0**30, 0.3) - 2.0**30, led.atoms(data[:, :1], 0.3), atol=1e-6)
