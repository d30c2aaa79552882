"""Identities between matrices of any size: what the rules of inverses, traces and determinants say, and what they do not."""

import pytest
import sympy as sp
from sympy import Determinant, Identity, Inverse, MatrixSymbol, Trace

from theory.judgement.free_algebra import vanishes
from theory.judgement.judge import judge

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", positive=True)
c = sp.Symbol("c")
A, B, C = (MatrixSymbol(name, n, n) for name in "ABC")
X, U, V, W = MatrixSymbol("X", n, m), MatrixSymbol("U", n, m), MatrixSymbol("V", m, n), MatrixSymbol("W", m, m)
u, v = MatrixSymbol("u", n, 1), MatrixSymbol("v", n, 1)
P, Q = sp.symbols("P Q", commutative=False)
one, small = Identity(n), Identity(m)
entry = Trace(v.T * Inverse(A) * u)
hat = X * Inverse(X.T * X) * X.T
ridge, dual = Inverse(X.T * X + t * small), Inverse(X * X.T + t * one)

TRUE = {
    "push through": (Inverse(one + A * B) * A, A * Inverse(one + B * A)),
    "difference of inverses": (Inverse(A) - Inverse(B), Inverse(A) * (B - A) * Inverse(B)),
    "resolvents": (
        Inverse(A + t * one) - Inverse(A + 2 * t * one),
        t * Inverse(A + t * one) * Inverse(A + 2 * t * one),
    ),
    "Woodbury": (
        Inverse(A + U * W * V),
        Inverse(A) - Inverse(A) * U * Inverse(Inverse(W) + V * Inverse(A) * U) * V * Inverse(A),
    ),
    "Sherman and Morrison": (
        Inverse(A + u * v.T),
        Inverse(A) - Inverse(A) * u * v.T * Inverse(A) / (1 + entry),
    ),
    "ridge regression and its dual": (ridge * X.T, X.T * dual),
    "degrees of freedom": (Trace(X * ridge * X.T), m - t * Trace(ridge)),
    "traces of resolvents of either Gram matrix": (t * Trace(ridge) - m, t * Trace(dual) - n),
    "parallel sum": (Inverse(Inverse(A) + Inverse(B)), A * Inverse(A + B) * B),
    "inverse of a transpose": (Inverse(A.T), Inverse(A).T),
    "projection": (hat**2, hat),
    "rank of a projection": (Trace(hat), m),
    "determinant of a shift": (Determinant(t * one + U * V), t ** (n - m) * Determinant(t * small + V * U)),
    "determinant lemma": (Determinant(A + u * v.T), Determinant(A) * (1 + entry)),
    "determinant of a multiple": (Determinant(2 * A), 2**n * Determinant(A)),
    "similar matrices": (Determinant(Inverse(B) * A * B), Determinant(A)),
    "commutator": (Trace(A * B - B * A), 0),
    "operators": (P * (1 + Q * P) ** -1, (1 + P * Q) ** -1 * P),
    "square of a sum of operators": ((P + Q) ** 2, P**2 + P * Q + Q * P + Q**2),
}
FALSE = {
    "push through, without turning": (Inverse(one + A * B) * A, A * Inverse(one + A * B)),
    "difference of inverses, sign": (Inverse(A) - Inverse(B), Inverse(A) * (A - B) * Inverse(B)),
    "inverse of a sum": (Inverse(A + B), Inverse(A) + Inverse(B)),
    "resolvent by its series": (Inverse(one + A), one - A + A**2),
    "inverse of a product, order": (Inverse(A * B), Inverse(A) * Inverse(B)),
    "Sherman and Morrison, sign": (
        Inverse(A + u * v.T),
        Inverse(A) - Inverse(A) * u * v.T * Inverse(A) / (1 - entry),
    ),
    "traces of resolvents, sizes": (Trace(ridge), Trace(dual)),
    "projection on all": (hat, one),
    "rank of a projection, other side": (Trace(hat), n),
    "determinant of a shift, sizes": (Determinant(t * one + U * V), Determinant(t * small + V * U)),
    "determinant lemma, sign": (Determinant(A + u * v.T), Determinant(A) * (1 - entry)),
    "determinant of a multiple": (Determinant(2 * A), 2 * Determinant(A)),
    "determinant of a sum": (Determinant(A + B), Determinant(A) + Determinant(B)),
    "trace of a square": (Trace(A) ** 2, Trace(A**2)),
    "trace, odd turn": (Trace(A * B * C), Trace(A * C * B)),
    "transpose of one factor": (Trace(A * B), Trace(A * B.T)),
    "two matrices of one name": (Trace(A * B), Trace(MatrixSymbol("A", m, m) * MatrixSymbol("B", m, m))),
    "operators, without turning": (P * (1 + Q * P) ** -1, (1 + Q * P) ** -1 * P),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_the_rules_say_is_proved(name):
    left, right = TRUE[name]
    assert vanishes(left - right)
    assert judge(left, right).verdict == "proved"


@pytest.mark.parametrize("name", FALSE)
def test_what_they_do_not_say_is_not(name):
    left, right = FALSE[name]
    assert not vanishes(left - right)
    assert judge(left, right).verdict in ("refuted", "inconclusive")


def test_nothing_is_divided_by_that_may_vanish():
    assert not vanishes(c * A - c * B)
    assert vanishes(Inverse(c * one + A) * (c * one + A) - one)
