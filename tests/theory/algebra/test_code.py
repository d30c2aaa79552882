import numpy as np
import pytest
import sympy as sp

from theory.algebra.code import check_expression, check_function, expression, function
from theory.algebra.symbols import N, lam, q, t

GOOD = """def _lambdifygenerated(lambda_, q, t):
    x0 = t**(-1.0)
    return -1/2*log1p(lambda_*x0) + euler_gamma - q
"""
EVIL = (
    "__import__('os')",
    "().__class__",
    "open('x')",
    "q.__class__",
    "[q for q in t]",
    "(lambda: q)()",
    "log(*t)",
    "log(q, where=t)",
    "log(log)",
    "eval",
    "'q'",
    "q if t else q",
    "q := t",
    "q[0]",
    "f'{q}'",
    "q @ t",
    "stranger",
    "stranger(q)",
    "1j",
)


def test_arithmetic_is_run():
    found = function(GOOD)(2.0, 0.5, np.array([1.0, 4.0]))
    np.testing.assert_allclose(found, -np.log1p(2.0 / np.array([1.0, 4.0])) / 2 + np.euler_gamma - 0.5)


def test_functions_may_be_replaced():
    assert function(GOOD, log1p=lambda z: 0.0)(2.0, 0.0, 1.0) == np.euler_gamma


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_else_is_run(evil):
    for source in (f"def f(q, t):\n    return ({evil})\n", f"def f(q, t):\n    x0 = ({evil})\n    return x0\n"):
        with pytest.raises(ValueError, match="code may do arithmetic with"):
            function(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import os\n",
        GOOD + "import os\n",
        "@log\ndef f(q):\n    return q\n",
        "def f(q):\n    import os\n    return q\n",
        "def f(q):\n    x.y = q\n    return q\n",
        "def f(q):\n    x, y = q\n    return q\n",
        "def f(q):\n    for i in q:\n        pass\n    return q\n",
        "def f(q):\n    return\n",
        "def f(q=open('x')):\n    return q\n",
        "def f(q: open('x')):\n    return q\n",
        "def f(*q):\n    return q\n",
        "async def f(q):\n    return q\n",
    ],
)
def test_a_source_is_one_function_of_assignments(source):
    with pytest.raises(ValueError, match="code m"):
        check_function(source)


def test_what_a_function_returns_cannot_reach_the_builtins():
    scope = function(GOOD).__globals__
    assert scope["__builtins__"] == {}
    assert set(scope) == {"__builtins__", "log1p", "euler_gamma", "_lambdifygenerated"}


@pytest.mark.parametrize(
    "e", [lam / (lam + t), sp.log(1 + q) / 3, sp.erfc(lam) - sp.EulerGamma, sp.polygamma(1, t), N ** (sp.pi - 2), -lam]
)
def test_expressions_come_back(e):
    assert expression(sp.srepr(e)) == e


@pytest.mark.parametrize(
    "evil",
    [
        "__import__('os')",
        "Symbol(open('x'))",
        "Symbol('x', positive=open('x'))",
        "Symbol('x', positive='a')",
        "Integer('open(1)')",
        "Lambda(Symbol('x'), Integer(1))",
        "Add(Symbol('x'), evaluate=False)",
        "Symbol('x').func",
        "sympify('1')",
        "Symbol",
    ],
)
def test_nothing_but_expressions_is_read(evil):
    with pytest.raises(ValueError, match="code may do arithmetic"):
        check_expression(evil)
