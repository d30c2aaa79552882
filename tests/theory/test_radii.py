import numpy as np
import pytest

from theory.radii import laguerre, legendre, product, sobol


@pytest.mark.parametrize("rule", [laguerre, legendre])
@pytest.mark.parametrize("dimension", [1, 2, 7, 40, 1000])
def test_moments_of_chi_square(rule, dimension):
    squares, weights = rule(dimension, 48)
    assert weights.sum() == pytest.approx(1, rel=1e-11)
    assert weights @ squares == pytest.approx(dimension, rel=1e-10)
    assert weights @ squares**2 == pytest.approx(dimension * (dimension + 2), rel=1e-9)


def test_a_product_averages_over_all_radii():
    squares, weights = product([laguerre(3, 5), legendre(2, 40)])
    assert squares.shape == (200, 2)
    assert weights @ squares.prod(axis=1) == pytest.approx(6, rel=1e-10)


def test_many_subspaces_are_sampled():
    squares, weights = sobol(np.array([1, 2, 3, 4]))
    assert weights @ squares == pytest.approx([1, 2, 3, 4], rel=2e-3)
