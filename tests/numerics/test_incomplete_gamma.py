"""The integral against mpmath, over all the ways it is taken."""

import mpmath
import numpy as np
import pytest

from numerics.incomplete_gamma import log_incomplete_gamma

ORDERS = [-0.5, 0.0, 0.5, 1.0, 1.5, 9.0, 391.0, 5e4]


def expected(a, low, high):
    with mpmath.workdps(400 if low < 1e-20 else 60):
        if high > max(a, 1) * 1.5:  # what mpmath calls lower incomplete would cancel
            return float(mpmath.log(mpmath.gammainc(a, low) - mpmath.gammainc(a, high)))
        return float(mpmath.log(mpmath.gammainc(a, low, high)))


@pytest.mark.parametrize("a", ORDERS)
@pytest.mark.parametrize("ratio", [1.5, 100.0])
@pytest.mark.parametrize("place", [1e-30, 1e-3, 0.2, 0.8, 1.0, 1.3, 5.0, 1e3])
def test_it_is_the_integral(a, ratio, place):
    low = place * max(a, 1.0)
    found = log_incomplete_gamma(a, [low], [low * ratio])
    wanted = expected(a, low, low * ratio)
    # a logarithm of size L is rounded by eps L, and so are its parts, of size a log a; a difference by its larger part
    larger = float(mpmath.gammainc(a, low) / mpmath.exp(wanted)) if a <= 0 else 1.0
    rounding = 1e-15 * (abs(wanted) + abs(a) * (1 + abs(np.log(max(abs(a), 1)))) + low + larger)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-14 + 20 * rounding)


def test_a_narrow_interval_costs_its_digits():
    u = np.array([0.3, 3.0, 30.0])
    found = log_incomplete_gamma(3.0, u, u * (1 + 1e-6))
    middle = u * (1 + 0.5e-6)
    np.testing.assert_allclose(found, np.log(1e-6 * u * middle**2 * np.exp(-middle)), atol=1e-9)


@pytest.mark.parametrize("a", [-1.0, -0.25, np.nan, np.inf])
def test_other_orders_are_refused(a):
    with pytest.raises(ValueError, match="the order must be positive and finite, or one of"):
        log_incomplete_gamma(a, [1.0], [2.0])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (1.0, np.inf), (np.nan, 1.0)])
def test_bounds_must_be_in_order(low, high):
    with pytest.raises(ValueError, match=r"positive, finite and in order; give low < high"):
        log_incomplete_gamma(1.0, [low], [high])
