import pytest

from validation.report.words import bracketed


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (0.73841, 0.0019, "0.7384(19)"),
        (-230.1, 4.0, "-230.1(40)"),
        (12345, 678, "12345(678)"),
        (0.5, 0.0, "0.5"),
        (0.5, 1e-30, "0.5"),  # less than rounding
        (1.3e15, 2e14, "1.30(20)e+15"),
        (2e-20, 1e-21, "2.00(10)e-20"),
        (1e308, 1e307, "1.00(10)e+308"),
        (0.0, 5e-302, "0.000(50)e-300"),
    ],
)
def test_a_value_with_its_error_in_brackets(value, error, said):
    assert bracketed(value, error) == said
