"""Linear: what relations of degree 1 leave, by elimination."""

import pytest
import sympy as sp

from theory.judgement.linear import is_shown_linear

x, y, z = sp.symbols("x y z", real=True)
a = sp.Symbol("a", positive=True)


@pytest.mark.parametrize(
    ("e", "strict", "assume"),
    [
        (x - z, True, (x > y, y >= z)),
        (x + y - 2, False, (x >= 1, y >= 1)),
        (a + x, True, (x >= 0,)),
        (3 * x - y, False, (x >= y, x >= 0)),
        (sp.S.One - x, True, (2 * x < 1,)),
        (x - 1, True, (x > 2, x < 1)),
    ],
)
def test_it_shows(e, strict, assume):
    assert is_shown_linear(e, strict, assume)


@pytest.mark.parametrize(
    ("e", "strict", "assume"),
    [
        (x - z, True, (x >= y, y >= z)),
        (x - z, False, (x > y, z >= y)),
        (x + y - 2, True, (x >= 1, y >= 1)),
        (a - x, False, (x >= 0,)),
        (2 * x - 3 * y, False, (x >= y, x >= 0)),
        (sp.S.One - x, True, (x <= 1,)),
        (x, False, ()),
        (a - 1, False, ()),
        (x - y, False, (x**2 >= y,)),
        (x * y, False, (x >= 0, y >= 0)),
    ],
)
def test_it_does_not_show_what_is_false_or_of_another_kind(e, strict, assume):
    assert not is_shown_linear(e, strict, assume)
