"""Lines over lambda[k]: proved term by term for every length, written out for small ones, never of equal elements only."""

import pytest
import sympy as sp
from sympy import Derivative, IndexedBase, Product, Sum, log, oo

from theory.derivation import Derivation
from theory.judgement.judge import judge

t = sp.Symbol("t", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
M = sp.Symbol("M", integer=True)
i, j, k = sp.symbols("i j k", integer=True)
lam, m, w = (
    IndexedBase("lambda", positive=True),
    IndexedBase("m", positive=True, integer=True),
    IndexedBase("w", real=True),
)


def total(term, size=n):
    return Sum(term, (i, 1, size))


information = total(m[i] * log(1 + lam[i] / t) / 2)

PROVED = [
    (2 * total(lam[i]), total(2 * lam[i]), "="),
    (total(lam[i]), Sum(lam[k], (k, 1, n)), "="),
    (total(1 + lam[i]), n + total(lam[i]), "="),
    (total(lam[i] / (lam[i] + t)) + total(t / (lam[i] + t)), n, "="),
    (Derivative(information, t), -total(m[i] * lam[i] / (2 * t * (lam[i] + t))), "="),
    (log(Product(lam[i], (i, 1, n))), total(log(lam[i])), "="),
    (total(lam[i], 3), lam[1] + lam[2] + lam[3], "="),
    (Sum(lam[i], (i, 0, 2)) - lam[1], lam[0] + lam[2], "="),
    (total(m[i] * lam[i]) / (2 * t), information, ">"),
    (n, total(lam[i] / (lam[i] + t)), ">"),
    (total(lam[i] ** 2) + n, 2 * total(lam[i]), ">="),
    (total(m[i]), n, ">="),
    ((lam[j] ** 2 + lam[k] ** 2) / 2, lam[j] * lam[k], ">="),
]
SUPPORTED = [
    (n * total(w[i] ** 2), total(w[i]) ** 2, ">="),
    (Product(1 + lam[i] / t, (i, 1, n)), 1 + total(lam[i]) / t, ">="),
    (Sum(w[i] * w[j], (i, 1, n), (j, 1, n)), total(w[i]) ** 2, "="),
]
REFUTED = [
    (total(w[i]) ** 2, n * total(w[i] ** 2), "="),  # of equal elements
    (total(lam[i]) / n, Product(lam[i], (i, 1, n)) ** (1 / n), "="),
    (total(lam[i] * m[i]), total(lam[i]) * total(m[i]), "="),  # of n = 1
    (total(1 + lam[i]), 1 + total(lam[i]), "="),
    (total(lam[i]), total(lam[i], n - 1), "="),
    (log(total(lam[i])), total(log(lam[i])), "="),
    (Derivative(information, t), -total(m[i] * lam[i] / (t * (lam[i] + t))), "="),
    (log(Product(w[i], (i, 1, n))), total(log(w[i])), "="),  # w = -1, twice
    (total(w[i] ** 2), total(w[i]) ** 2, ">="),
    (n - 1, total(lam[i] / (lam[i] + t)), ">"),
    (total(lam[i], M), 0, ">"),  # M = 0
    (Product(1 + lam[i] / t, (i, 1, n)), 1 + total(lam[i]) / t, ">"),  # n = 1
    (total(w[i]), 0, ">="),
    (lam[j] ** 2, lam[j] * lam[k], ">="),
]


def judged(left, right, relation, **more):
    return judge(sp.sympify(left), sp.sympify(right), relation, **more)


@pytest.mark.parametrize("line", PROVED, ids=str)
def test_what_is_proved_of_every_sequence(line):
    found = judged(*line)
    assert found.verdict == "proved"
    assert found.trusts


@pytest.mark.parametrize("line", SUPPORTED, ids=str)
def test_what_holds_at_small_sizes_is_supported(line):
    found = judged(*line)
    assert found.verdict == "supported"
    assert found.cannot_exclude == "other sizes"


@pytest.mark.parametrize("line", REFUTED, ids=str)
def test_what_fails_somewhere_is_not_believed(line):
    found = judged(*line)
    assert found.verdict == "refuted"


def test_a_witness_tells_the_size_and_the_elements():
    found = judged(*REFUTED[0])
    assert dict(found.witness) == {"n": "2", "w[1]": "2", "w[2]": "-2"}


def test_limits_go_under_a_sum_of_fixed_length():
    high = (t * information, total(m[i] * lam[i]) / 2, "tends")
    assert judged(*high, at=(t, oo)).verdict == "proved"
    assert judged(high[0], total(m[i] * lam[i]), "tends", at=(t, oo)).verdict == "refuted"
    grows = total(lam[i] / n)
    assert judged(grows, 0, "tends", at=(n, oo)).verdict != "proved"


def test_assumptions_are_kept():
    assert judged(n * total(lam[i]), 2 * total(lam[i]), ">=", assume=(n >= 2,)).verdict == "proved"
    assert judged(n * total(lam[i]), 2 * total(lam[i]), ">=").verdict == "refuted"


def test_a_derivation_declares_them():
    d = Derivation("any spectrum", source="here")
    lam, m = d.declare_sequence("lambda m", positive=True)
    t = d.declare("t", positive=True)
    D = d.declare("D", integer=True, at_least=1)
    information = d.define("I", Sum(m[k] * log(1 + lam[k] / t) / 2, (k, 1, D)))
    d.equal("slope", sp.diff(information, t), -Sum(m[k] * lam[k] / (2 * t * (lam[k] + t)), (k, 1, D)))
    assert d.verdict == "proved"
    with pytest.raises(ValueError, match="was declared before"):
        d.declare("lambda", real=True)


def test_units_are_those_of_the_elements():
    d = Derivation("any spectrum", source="here")
    lam = d.declare_sequence("lambda", positive=True, unit=2)
    t = d.declare("t", positive=True, unit=2)
    D = d.declare("D", integer=True, at_least=1)
    d.greater("alike", Sum(lam[k] + t, (k, 1, D)), D * t)
    with pytest.raises(ValueError, match="unlike units"):
        d.greater("unlike", Sum(lam[k], (k, 1, D)), D)
