"""What stands for a root depends on what the root depends on: nothing put in, and no derivative, is lost without a word."""

import pickle

import pytest
import sympy as sp
from sympy import Eq, diff, log

from theory.derivation import Derivation


def draft(exponent=2):
    """The collapse time of one subspace; with another exponent it is refuted."""
    d = Derivation("collapse", source="here")
    lam, t = d.declare("lambda t", positive=True, unit=2)
    m = d.declare("m", positive=True)
    N = d.declare("N", integer=True, at_least=2)
    t_C = d.solve("collapse time", Eq(m * log(1 + lam / t) / 2, log(N)), t, lam / (N ** (exponent / m) - 1))
    return d, lam, t, m, N, t_C


def verdicts(d):
    return {step.name: step.verdict for step in d.steps}


def test_its_derivative_is_that_of_the_root():
    d, lam, t, m, N, t_C = draft()
    d.equal("of first order", diff(t_C, lam), 1 / (N ** (2 / m) - 1))
    d.equal("in N", diff(t_C, N), -2 * lam * N ** (2 / m - 1) / m / (N ** (2 / m) - 1) ** 2)
    d.equal("planted", diff(t_C, N), -lam * N ** (2 / m - 1) / m / (N ** (2 / m) - 1) ** 2)
    d.equal("of second order", diff(t_C, lam, 2), 0)
    d.less("falls", diff(t_C, N), 0)
    assert diff(t_C, sp.Symbol("other")) == 0
    assert diff(t_C, t) == 0
    assert diff(t_C**2, t_C) == 2 * t_C
    assert verdicts(d) == {
        "collapse time": "proved",
        "of first order": "proved",
        "in N": "proved",
        "planted": "refuted",
        "of second order": "proved",
        "falls": "proved",
    }


def test_what_is_put_in_reaches_it():
    d, lam, t, m, N, t_C = draft()
    alpha = d.declare("alpha", positive=True)
    d.equal("proportional", t_C.subs(m, log(N) / alpha), lam / (sp.exp(2 * alpha) - 1))
    d.equal("planted", t_C.subs(m, log(N) / alpha), lam / (sp.exp(alpha) - 1))
    d.equal("two at once", t_C.subs({N: 2, m: 2}), lam)
    d.equal("inside", (t_C / lam).subs(m, 2), 1 / (N - 1))
    assert t_C.subs(alpha, 2) == t_C
    assert t_C.subs(t, 2) == t_C
    assert (1 + t_C).subs(t_C, 2) == 3
    found = verdicts(d)
    assert found.pop("planted") == "refuted"
    assert set(found.values()) == {"proved"}


def test_what_it_is_solved_for_cannot_be_put_in():
    _, _, t, m, _, t_C = draft()
    with pytest.raises(
        ValueError, match=r"^t_C solves an equation for t, so that m = t cannot be put in; declare another"
    ):
        t_C.subs(m, t)


def test_a_fault_is_inherited_by_what_came_of_it():
    d, lam, _, m, N, t_C = draft(exponent=1)
    d.equal("slope", diff(t_C, lam), t_C / lam)
    d.equal("put in", t_C.subs({N: 2, m: 2}), lam)
    d.equal("as given", t_C.subs({N: 4, m: 1}), lam / 3)
    steps = {step.name: step for step in d.steps}
    assert steps["collapse time"].verdict == "refuted"
    assert all(steps[name].inherits == ("collapse time",) for name in ("slope", "put in", "as given"))
    assert [steps[name].verdict for name in ("slope", "put in", "as given")] == ["proved", "proved", "refuted"]
    assert "judged again with" in steps["put in"].evidence


def test_one_line_alone():
    d, lam, _, m, _, t_C = draft()
    d.equal("put in", t_C.subs(m, 2), 0 * lam)
    d.judged(only="put in")
    assert [(step.name, step.verdict) for step in d.judged_steps] == [
        ("collapse time", "proved"),
        ("put in", "refuted"),
    ]


def test_a_root_of_an_equation_that_holds_a_root():
    d, lam, t, m, N, t_C = draft()
    s = d.solve("half of it", Eq(2 * t, t_C), t, t_C / 2)
    d.equal("slope", diff(s, lam), 1 / (N ** (2 / m) - 1) / 2)
    d.equal("put in", s.subs({N: 2, m: 2}), lam / 2)
    assert set(verdicts(d).values()) == {"proved"}


def test_what_a_line_returns_depends_on_it_too():
    d, lam, _, _, _, t_C = draft()
    twice = d.equal("twice", t_C + t_C, 2 * t_C)
    assert diff(twice, lam) == 2 * t_C / lam


def test_units_are_those_of_the_symbol():
    d, lam, _, m, _, t_C = draft()
    with pytest.raises(ValueError, match="unlike units"):
        d.less("lengths and squares", t_C.subs(m, 2), lam**2)


def test_a_root_of_another_derivation_is_a_stranger():
    _, _, _, m, _, t_C = draft()
    other = Derivation("other", source="here")
    lam = other.declare("lambda", positive=True)
    for strange in (t_C, t_C.subs(m, 2)):
        with pytest.raises(ValueError, match="is not declared"):
            other.less("less", strange, lam)


def test_a_root_that_leaves_the_domain_of_its_symbol():
    d = Derivation("speciation", source="here")
    mu, s, tau = d.declare("mu sigma tau", positive=True)
    variance = 1 + (s**2 - 1) * sp.exp(-2 * tau)
    d.solve("time", Eq(mu**2 * sp.exp(-2 * tau), variance), tau, log(1 + mu**2 - s**2) / 2)
    (step,) = d.steps
    assert step.verdict == "refuted"
    assert step.evidence.startswith("it leaves the domain of tau: ")


def test_it_is_pickled():
    *_, m, _, t_C = draft()
    again = pickle.loads(pickle.dumps(t_C))
    assert again == t_C
    assert again.subs(m, 2) == t_C.subs(m, 2)
