import json

import pytest
import sympy as sp

from tests.theory.conftest import PREDICTIONS, prediction
from theory.algebra import gaussian_integrals as gaussian
from theory.algebra.symbols import N, lam, t, x, z
from theory.derivation import Derivation
from theory.derivations import collapse, kl_bound, score_covariance, subspace_loss
from theory.formula import Formula
from theory.judgement.judgement import Judgement
from theory.lines.line import KINDS

a, b = sp.symbols("a b", positive=True)
c, d = sp.symbols("c d")
k = sp.Symbol("k", integer=True)


# --- the package's own derivations ---


@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_step_but_a_limit_law_is_proved(name):
    derivation = prediction(name).derivation()
    unproved = [(s.name, s.verdict) for s in derivation.steps if s.verdict not in ("proved", *KINDS)]
    # a central limit theorem is no identity: its error against exact values is shown instead
    known = {
        "collapse": "second-order memorized probability",
        "condensation": "participation ratio",
        "frozen_jacobian": "frozen variance at finite size",
        "supervision_region": "nearest sample",
        "generalization_time": "generalization time at finite size",
        "temperature": "memorized fraction",
        "noise_unconditioning": "participation ratio at finite size",
    }
    limit_laws = [(known[name], "supported")] if name in known else []
    assert unproved == limit_laws
    assert derivation.verdict == ("supported" if limit_laws else "proved")
    assert derivation.prediction == name
    assert prediction(name).derivation() is derivation
    assert len({s.name for s in derivation.steps}) == len(derivation.steps)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_json_form_has_the_schema(name):
    derivation = prediction(name).derivation()
    found = json.loads(json.dumps(derivation.as_dict()))
    assert set(found) == {"prediction", "steps", "verdict"}
    assert found["prediction"] == name
    assert len(found["steps"]) == len(derivation.steps)
    for step in found["steps"]:
        assert set(step) == {"name", "statement", "reason", "verdict", "evidence"}
        assert all(isinstance(v, str) and v for v in step.values())
        assert step["statement"].count("{") == step["statement"].count("}")


def test_the_json_form_is_a_copy():
    made = Derivation("p", "s", "s", "a")
    made.equal("one", a, a, "because")
    made.as_dict()["steps"][0]["verdict"] = "refuted"
    assert made.verdict == "proved"


def test_a_derivation_is_as_good_as_its_worst_step():
    made = Derivation("p", "s", "s", "a")
    made.define("definition", a, "by name", symbol="f")
    assert made.verdict == "inconclusive"  # nothing was judged
    made.equal("certain", a, a, "right")
    assert made.verdict == "proved"
    made.equal("unknown", a, b, "too hard for this judge")
    assert made.judged(lambda *question, **_: Judgement("inconclusive", "too hard")).verdict == "inconclusive"
    made.equal("false", a, 2 * a, "wrong")
    assert made.verdict == "refuted"
    made.equal("true", b, b, "right")
    assert made.verdict == "refuted"


def law(*errors):
    """The step of a limit law of these errors."""
    made = Derivation("p", "s", "s", "a")
    assert made.approximate("law", "P", a, "because", {f"m = {k}": error for k, error in enumerate(errors)}) == a
    return made.steps[0]


def test_a_limit_law_is_supported_where_its_errors_fall_and_says_that_this_is_no_proof():
    step = law(0.1, 0.01, 0.001)
    assert step.verdict == "supported"
    assert step.evidence == (
        "a limit law, no proof; error against the exact value: 0.1 at m = 0, 0.01 at m = 1, 0.001 at m = 2"
    )
    assert law(0.1, -0.01, 0.001).verdict == "supported"  # by their size


@pytest.mark.parametrize("errors", [(0.1, 0.2), (0.1, 0.1), (0.1, float("nan")), (-0.1, -1, -10), (0.1, -0.05, 0.07)])
def test_a_limit_law_whose_errors_do_not_fall_is_refuted(errors):
    assert law(*errors).verdict == "refuted"


@pytest.mark.parametrize("errors", [(0.9, 0.7), (0.01,), ()])
def test_a_limit_law_of_few_or_large_errors_is_inconclusive(errors):
    assert law(*errors).verdict == "inconclusive"


def test_what_is_not_judged_is_called_what_it_is_and_never_proved():
    made = Derivation("p", "s", "s", "a")
    assert made.define("a name", a, "by name", symbol="f") == a
    made.conclude("both", r"\text{the same}", "a name", symbol="f", reason="the line above")
    made.cited("known", "it is known", "arXiv:0000.00000")
    made.simulated("seen", "it was measured", "run 1")
    assert [s.verdict for s in made.steps] == ["definition", "concluded", "cited", "simulated"]
    assert [s.evidence for s in made.steps] == [
        "by definition",
        "from a name: put together, not judged",
        "cited, not judged: arXiv:0000.00000",
        "simulated, not judged: run 1",
    ]
    made.equal("proved", a, a)
    assert made.verdict == "proved"


# --- a formula broken on purpose ---


class Broken:
    """A derivation with one formula replaced."""

    def __init__(self, right, name, change):
        self.prediction = right.prediction
        self.formulas = dict(right.formulas)
        self.formulas[name] = Formula(name, change(self[name].expression), self[name].symbols)

    def __getitem__(self, name):
        return self.formulas[name]


def seen(target):
    """Whether the derivation comes out refuted, or cannot be carried through at all."""
    try:
        return target.derive.__wrapped__().verdict == "refuted"
    except (ValueError, IndexError, StopIteration):  # an integral no longer converges, an equation has no positive root
        return True


@pytest.mark.parametrize(
    ("source", "name", "target"),
    [
        (score_covariance, "noise_share", subspace_loss),
        (score_covariance, "spread", subspace_loss),
        (score_covariance, "noise_share", kl_bound),
        (score_covariance, "log_weight_ratio", kl_bound),
        (collapse, "information", kl_bound),
    ],
)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: 3 * e, id="times 3", marks=pytest.mark.slow),
        pytest.param(lambda e: e.subs(t, 2 * t), id="t is 2t", marks=pytest.mark.slow),
        pytest.param(lambda e: e.subs(lam, lam * sp.Rational(21, 20)), id="lambda + 5 %"),
    ],
)
def test_a_broken_formula_is_seen_by_the_derivation_that_builds_on_it(monkeypatch, source, name, target, change):
    fake = Broken(source.derive(), name, change)
    monkeypatch.setattr(f"theory.predictions.{fake.prediction}.derivation", lambda: fake)  # as others read it
    assert seen(target)


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (score_covariance, "width"),
        (collapse, "width"),
        pytest.param(score_covariance, "norm", marks=pytest.mark.slow),
        pytest.param(collapse, "norm", marks=pytest.mark.slow),
    ],
)
def test_a_broken_gaussian_average_is_seen(monkeypatch, target, what):
    right = gaussian._factors

    def wrong(polynomial, exponent, over):
        average, norm_squared, exponent = right(polynomial, exponent, over)
        return (average, 2 * norm_squared, exponent) if what == "norm" else (average, norm_squared, 2 * exponent)

    monkeypatch.setattr(gaussian, "_factors", wrong)
    assert seen(target)


def test_the_symbols_carry_their_domain():
    assert lam.is_positive
    assert t.is_positive
    assert N.is_integer
    assert N.is_positive
    assert x.is_real
    assert z.is_real
    assert not x.is_positive
