import numpy as np
import pytest
from scipy.special import ndtr

from theory.averages.over_points import SOBOL_POINTS, asked, average, chi, product, sobol
from theory.setting import Setting


@pytest.mark.parametrize("dimension", [1, 2, 7, 40, 1000, 10**6])
def test_moments_of_chi_square(dimension):
    rule = chi(dimension, 6)
    squares, weights = rule.squares[:, 0], rule.weights
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert weights @ squares == pytest.approx(dimension, rel=1e-12)
    assert weights @ squares**2 == pytest.approx(dimension * (dimension + 2), rel=1e-12)
    variance = weights @ (squares - dimension) ** 2
    assert variance == pytest.approx(2 * dimension, rel=1e-9)


def test_gauss_is_exact_for_polynomials_in_the_radius():
    """Odd powers too, up to 2n - 1 and not beyond: E r^9 and E r^10 of three directions, from five nodes."""
    rule = chi(3, 5)
    r = np.sqrt(rule.squares[:, 0])
    assert rule.weights @ r**9 == pytest.approx(2**4.5 * 120 / np.sqrt(np.pi) * 2, rel=1e-12)
    assert abs(rule.weights @ r**10 / 10395 - 1) > 1e-4


def test_a_product_averages_over_all_radii():
    rule = product([chi(3, 5), chi(2, 4)])
    assert rule.squares.shape == (20, 2)
    assert rule.ends.shape == (2, 2, 20)
    assert rule.weights @ rule.squares.prod(axis=1) == pytest.approx(6, rel=1e-12)


def test_the_ends_are_coefficients_of_orthonormal_polynomials():
    rule = product([chi(3, 4), chi(2, 5)])
    norm = (rule.ends**2 / rule.weights).sum(axis=-1)
    np.testing.assert_allclose(norm, 1, rtol=1e-10)
    linear = np.sqrt(rule.squares[:, 0])
    assert (rule.errors(linear[:, None]) < 1e-20).all()
    assert rule.errors(linear[:, None] ** 6)[0] > 1e-3  # of the order that four nodes do not see


@pytest.mark.parametrize("dimensions", [[1], [2], [9], [30], [2, 5], [1, 1], [3, 2, 12]])
@pytest.mark.parametrize("width", [0.2, 1.0])
def test_the_error_is_known_and_kept(dimensions, width):
    """A transition in the radii, against the same with many more nodes than asked for; sharp ones err by ten estimates."""
    mean = np.sqrt(dimensions)

    def transition(squares):
        return ndtr((np.sqrt(squares) - 1.2 * mean).sum(axis=1, keepdims=True) / width / len(dimensions))

    found, error = average(transition, np.array(dimensions), 1e-6)
    rule = product([chi(m, 100 if len(dimensions) < 3 else 26) for m in dimensions])
    exact = rule.weights @ transition(rule.squares)
    assert error < 1e-6
    assert abs(found / exact - 1) < (1e-6 if width == 1 else 1e-5)


@pytest.mark.parametrize("near", [1e-4, 1e-2, 1.0])
def test_what_changes_near_the_middle_is_seen(near):
    """A peak as narrow as that and a slow change, against a fine sum over the radius of three directions."""

    def peaked(squares):
        return 1 / (1 + squares[:, :1] / near) + 0.1 * near * np.cos(np.sqrt(squares[:, :1]))

    r = np.concatenate([np.linspace(0, 0.3, 40_001), np.linspace(0.3, 12, 40_001)[1:]])
    density = np.sqrt(2 / np.pi) * r**2 * np.exp(-(r**2) / 2)
    exact = np.trapezoid(density * peaked(r[:, None] ** 2)[:, 0], r)
    asked = []

    def counted(squares):
        asked.append(len(squares))
        return peaked(squares)

    found, error = average(counted, np.array([3]), 1e-6, near=np.array([4 * near]))
    assert found[0] == pytest.approx(exact, rel=2e-6)
    assert error < 1e-6
    assert sum(asked) < 60


def test_points_are_not_wasted_and_not_without_end():
    asked = []

    def count(f):
        def counted(squares):
            asked.append(len(squares))
            return f(squares)

        return counted

    average(count(lambda squares: np.sqrt(squares[:, :1])), np.array([40, 50]), 1e-6)
    assert asked == [16]
    asked.clear()
    found, error = average(count(lambda squares: (squares[:, :1] > 2.0).astype(float)), np.array([2, 2]), 1e-9)
    assert sum(asked) < 3 * 8192
    assert error > 1e-9  # a step is beyond any polynomial, and it says so
    assert found[0] == pytest.approx(np.exp(-1), abs=0.1)


def test_what_is_negligible_needs_no_relative_accuracy():
    """Values of one sign here and the other there cancel; the wanted accuracy is then one of their size."""
    asked = []

    def odd(squares):
        asked.append(len(squares))
        return squares[:, :1] - 3.0

    found, error = average(odd, np.array([3]), 1e-6)
    assert abs(found[0]) < 1e-12
    assert asked == [8]
    assert error < 1e-6


def test_many_subspaces_are_sampled():
    dimensions = np.array([1, 2, 3, 4, 5])
    assert sobol(dimensions).shape == (SOBOL_POINTS, 5)
    found, error = average(lambda squares: squares, dimensions, 1e-6)
    assert found == pytest.approx(dimensions, rel=2e-3)
    assert 1e-6 < error < 1e-2


def test_what_is_asked_for_is_each_time_and_where_x_is_then():
    setting = Setting.of("1x2", times=np.array([0.2, 0.5]), schedule="flow")
    assert asked(setting) == [(t, None) for t in setting.t]
    (_, near), (t, far) = asked(setting.at(point=(0.3, 0.4)))
    assert t == setting.t[1]
    assert near == pytest.approx((0.25 / 0.8**2,))
    assert far == pytest.approx((0.25 / 0.5**2,))
