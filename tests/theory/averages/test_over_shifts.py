import mpmath
import numpy as np
import pytest

from theory.averages import over_shifts

FUNCTIONS = {
    "excess": lambda u: mpmath.log(2 * mpmath.cosh(u)),
    "tanh": mpmath.tanh,
    "sech_squared": lambda u: mpmath.sech(u) ** 2,
}
DEVIATIONS = 0.3, 1.99, 2.0, 7.0, 300.0


def average(f, mean, deviation):
    """E f(u), u ~ N(mean, deviation^2), to 20 digits: panels about the mean and about the kink."""
    with mpmath.workdps(20):
        low, high = mean - 12 * deviation, mean + 12 * deviation
        ends = {low, mean - 3 * deviation, mean, mean + 3 * deviation, high, *(u for u in (-3, 0, 3) if low < u < high)}
        return float(mpmath.quad(lambda u: f(u) * mpmath.npdf(u, mean, deviation), sorted(ends)))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_averages_against_quadrature(name, deviation):
    for mean in (-0.4, 0.0, 3.0, 40.0):
        found = getattr(over_shifts, name)(np.array(mean), deviation)
        expected = average(FUNCTIONS[name], mean, deviation) - (abs(mean) if name == "excess" else 0)
        assert found == pytest.approx(expected, abs=5e-14 * max(1, deviation)), mean


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_a_kernel_it_is_the_function(name):
    means = np.array([[-3.0, 0.0], [0.2, 300.0]])
    expected = {
        "excess": np.log1p(np.exp(-2 * np.abs(means))),
        "tanh": np.tanh(means),
        "sech_squared": 1 / np.cosh(means) ** 2,
    }
    np.testing.assert_allclose(getattr(over_shifts, name)(means, 0.0), expected[name], atol=1e-13)


@pytest.mark.parametrize("deviation", [1e-6, 0.03, 1.99, 2.5])
def test_the_gain_against_its_series_and_quadrature(deviation):
    for mean in (-0.4, 0.0, 3.0):
        found = over_shifts.gain(np.array(mean), deviation)
        if deviation < 1e-3:
            expected = deviation**2 / 2 / np.cosh(mean) ** 2  # the next order is deviation^2 less
            assert found == pytest.approx(expected, rel=1e-11)
        else:
            expected = average(FUNCTIONS["excess"], mean, deviation) - np.log(2 * np.cosh(mean))
            assert found == pytest.approx(expected, abs=5e-14)


@pytest.mark.parametrize("deviation", [1.0, 1e3, 1e9])
def test_far_away_nothing_is_left_of_the_kink(deviation):
    means = np.array([20.0, 1e4]) * deviation
    np.testing.assert_allclose(over_shifts.excess(means, deviation), 0, atol=1e-9)
    np.testing.assert_allclose(over_shifts.tanh(-means, deviation), -1, rtol=1e-14)
    np.testing.assert_allclose(over_shifts.sech_squared(means, deviation), 0, atol=1e-15)
