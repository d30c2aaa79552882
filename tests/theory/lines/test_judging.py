"""How lines become steps: what is asked of the judge, and how a fault is passed on."""

import pytest
import sympy as sp

from theory.derivation import Derivation, check
from theory.judgement.judgement import Judgement
from theory.lines import judging
from theory.lines.line import Step
from theory.lines.roots import explain, judge_with_true_roots

lam, t, m, N = sp.symbols("lambda t m N", positive=True)  # those of every draft


class Judge:
    """Says of every question what it is told to, and keeps the questions."""

    def __init__(self, verdict=lambda left, right, relation: "proved"):
        self.verdict, self.asked = verdict, []

    def __call__(self, function, left, right, relation, *more, at=None, assume=(), **further):
        if function == judging.EXPLAIN:
            return Judgement("refuted", "no root", witness={"m": "2"}, hint="mend it")
        self.asked.append((function, left, right, relation, at, assume, further))
        verdict = self.verdict(left, right, relation)
        witness = {"m": "2"} if verdict == "refuted" else {}
        return Judgement(verdict, "said", ("Arb",), witness, ("1", "2") if witness else ())


def draft():
    d = Derivation("draft", source="here")
    d.declare("lambda t", positive=True, unit=2)
    d.declare("m", positive=True)
    d.declare("N", at_least=2)
    return d


def test_relations_are_asked_in_the_words_of_the_judge():
    d = draft()
    d.assume(lam < t)
    d.equal("equal", lam, t)
    d.less("less", lam, t)
    d.at_most("at most", lam, t)
    d.greater("greater", lam, t)
    d.at_least("at least", lam, t)
    d.differs("differs", lam, t)
    d.tends("tends", t / lam, 1, t, sp.oo)
    d.leading("leading", t, lam, t, 0, "+")
    judge = Judge()
    assert d.judged(judge).verdict == "proved"
    assert [(left, right, relation, at) for _, left, right, relation, at, *_ in judge.asked] == [
        (lam, t, "=", None),
        (t, lam, ">", None),
        (t, lam, ">=", None),
        (lam, t, ">", None),
        (lam, t, ">=", None),
        (lam, t, "!=", None),
        (t / lam, 1, "tends", (t, sp.oo)),
        (t, lam, "leading", (t, 0, "+")),
    ]
    assert {asked[5] for asked in judge.asked} == {(lam < t,)}
    assert {asked[0] for asked in judge.asked} == {judging.JUDGE}


def test_lines_are_judged_once():
    d = draft()
    d.equal("one", lam, t)
    judge = Judge()
    d.judged(judge)
    d.equal("two", t, lam)
    d.judged(judge)
    assert [asked[1] for asked in judge.asked] == [lam, t]
    assert [step.name for step in d.steps] == ["one", "two"]
    assert [asked[1] for asked in judge.asked] == [lam, t]


def test_an_average_is_an_integral_that_is_not_done():
    d = draft()
    y = d.declare("y", real=True, unit=1)
    result = d.average("average", y**2, {y: lam}, lam)
    assert result == lam
    (line,) = d.lines
    assert isinstance(line.sides[0], sp.Integral)
    assert sp.simplify(line.sides[0].doit()) == lam
    assert r"\int" in line.statement


def test_a_root_is_asked_whether_it_solves_and_where_it_is():
    d = draft()
    s = d.declare("s", at_least=3, below=9)
    d.solve("root", sp.Eq(s * m, N), s, N / m)
    judge = Judge()
    d.judged(judge)
    asked = [(left, right, relation) for _, left, right, relation, *_ in judge.asked]
    assert asked == [(N, N, "="), (N / m, 0, ">"), (N / m, 3, ">="), (9, N / m, ">")]
    outside = Judge(lambda left, right, relation: "refuted" if right == 3 else "proved")
    d = Derivation("p")
    s, k = d.declare("s", at_least=3), d.declare("k", positive=True)
    d.solve("root", sp.Eq(s, k), s, k)
    assert d.judged(outside).verdict == "refuted"


def test_a_root_is_printed_by_the_name_of_its_variable_and_judged_as_it_was_given():
    d = draft()
    t_C = d.solve("root", sp.Eq(m * t, N * lam), t, N * lam / m)
    assert str(t_C) == "t_C"
    assert t_C.is_positive
    d.solve("another", sp.Eq(m * t, lam), t, lam / m)
    d.equal("later", sp.log(1 + t_C / lam), sp.log(1 + N / m))
    judge = Judge()
    d.judged(judge)
    assert d.lines[-1].text == "log(1 + t_C/lambda) = log(N/m + 1)"
    assert judge.asked[-1][1] == sp.log(1 + N / m)
    assert {root.name for root in d.symbols if "*" in root.name} == {"t_*"}


def inheriting(judge):
    d = draft()
    t_C = d.solve("first root", sp.Eq(m * t, lam), t, 2 * lam / m)
    s = d.declare("s", positive=True, unit=2)
    s_C = d.solve("second root", sp.Eq(s * m, t_C), s, t_C / m)
    d.equal("of the first", t_C, lam / m)
    d.equal("of the second", s_C, lam / m**2)
    d.define("a name", s_C * m)
    d.define("of none", m)
    d.conclude("so", "it follows", "of the second")
    d.equal("alone", m, m)
    return d.judged(judge)


def test_a_fault_is_passed_on_by_name_to_all_that_rests_on_it():
    wrong = 2 * lam
    judge = Judge(lambda left, right, relation: "refuted" if relation == "=" and left == wrong else "proved")
    steps = {step.name: step for step in inheriting(judge).steps}
    assert {name: step.inherits for name, step in steps.items() if step.inherits} == {
        "second root": ("first root",),
        "of the first": ("first root",),
        "of the second": ("first root",),
        "a name": ("first root",),
        "so": ("first root",),
    }
    assert steps["first root"].verdict == "refuted"
    assert steps["so"].label == "inherits; concluded"
    assert steps["of the first"].label == "inherits; judged again: proved"
    assert "it rests on 'first root', refuted" in steps["of the first"].told()
    again = [asked for asked in judge.asked if asked[0] == judging.JUDGE_AGAIN]
    assert len(again) == 4  # of them two for the second root
    (equation,) = again[-1][-1]["roots"]
    assert [str(part) for part in equation] == ["t_C", "m*t", "lambda", "t"]
    assert str(again[-1][1]) == "t_C/m"


def test_nothing_is_passed_on_where_the_root_holds():
    judge = Judge()
    assert not any(step.inherits for step in inheriting(judge).steps)
    assert {asked[0] for asked in judge.asked} == {judging.JUDGE}


def test_what_holds_the_right_side_of_a_refuted_identity_rests_on_it():
    d = draft()
    wrong = d.equal("wrong", lam + t, lam + 2 * t)
    d.equal("plain", lam, lam)
    d.equal("later", wrong * m, m * lam + 2 * m * t)
    d.judged(Judge(lambda left, right, relation: "refuted" if left == lam + t else "proved"))
    assert [step.inherits for step in d.steps] == [(), (), ("wrong",)]


def test_one_line_is_judged_with_what_its_roots_come_from():
    d = draft()
    t_C = d.solve("root", sp.Eq(m * t, lam), t, lam / m)
    d.equal("other", m, m)
    d.equal("wanted", t_C, lam / m)
    assert [step.name for step in d.judged(Judge(), only="wanted").judged_steps] == ["root", "wanted"]
    with pytest.raises(ValueError, match="there is no line 'no'; there are root, other, wanted"):
        d.judged(Judge(), only="no")


def test_what_a_line_needs_is_found_by_weakening():
    d = draft()
    d.assume(m < N)
    d.less("line", m, N + t / lam)

    def verdict(left, right, relation):
        return "proved" if m in right.free_symbols else "refuted"  # as long as m is positive

    judge = Judge(verdict)
    (step,) = d.judged(judge, needs=True).steps
    assert {what: found for what, found, _ in step.needs} == {
        "lambda positive": "unused",
        "t positive": "unused",
        "m positive": "needed",
        "N at least 2": "unused",
        "m < N": "unused",
    }
    assert next(why for what, _, why in step.needs if what == "m positive") == "m = 2"
    assert judge.asked[-1][5] == (sp.Ge(N, 2),)  # without m < N


def test_steps_come_back_from_their_json():
    from dataclasses import asdict
    from json import dumps, loads

    d = draft()
    d.solve("root", sp.Eq(m * t, lam), t, 2 * lam / m, "because")
    (step,) = d.judged(Judge(lambda left, right, relation: "refuted"), needs=True).steps
    assert Step.of(loads(dumps(asdict(step)))) == step
    assert step.told() == [
        "because",
        "witness: m = 2; left side 1; right side 2",
        "hint: mend it",
        "evidence: said",
        "trusts: Arb",
    ]
    assert step.file.endswith("test_judging.py")
    assert step.code == 'd.solve("root", sp.Eq(m * t, lam), t, 2 * lam / m, "because")'


def test_a_notebook_shows_the_lines_with_their_verdicts():
    d = draft()
    d.equal("line", m, m)
    d.cited("known", "a < b", "arXiv:0000.00000")
    d.judged(Judge())
    shown = d._repr_html_()
    assert "[proved]" in shown
    assert "[cited]" in shown
    assert "$m = m$" in shown
    assert check(d) is d


def test_lines_of_matrices_are_lines_like_others():
    d = draft()
    A = sp.Matrix([[m, 1], [0, N]])
    B = sp.MatrixSymbol("B", 2, 2)
    d.equal("determinant", A.det(), m * N)
    d.equal("inverse", A.inv() * A, sp.eye(2))
    d.equal("trace", sp.Trace(B * B.T), sp.Trace(B.T * B))
    judge = Judge()
    assert d.judged(judge).verdict == "proved"
    assert judge.asked[1][2] == sp.eye(2)
    assert "matrix" in d.steps[1].statement


def test_a_derivation_shows_what_is_judged_and_judges_nothing_for_it():
    d = Derivation("bounds")
    a = d.declare("a", positive=True)
    d.equal("doubled", a, 2 * a)
    assert repr(d) == "<Derivation 'bounds', lines: 1, judged: 0>"
    check(d)
    assert repr(d).startswith(
        "<Derivation 'bounds', lines: 1, judged: 1>\n  doubled: refuted; the two sides' ratio is 1/2 everywhere"
    )


# a wrong root


def why(root, witness=(("N", "2"),), hint="the two sides' ratio is 1/2 everywhere: a factor 1/2 is missing"):
    equation = (m * sp.log(1 + lam / t) / 2, sp.log(N), t)
    return explain(*equation, root, witness=witness, hint=hint, assume=(N >= 2,))


@pytest.mark.parametrize(
    ("exponent", "words"),
    [(1 / m, "is off by a factor 2"), (4 / m, "is off by a factor 1/2"), (-2 / m, "has the wrong sign")],
    ids=str,
)
def test_an_exponent_that_is_off_is_told(exponent, words):
    found = why(lam / (N**exponent - 1))
    assert found.hint == f"the two sides' ratio is 1/2 everywhere: the exponent {words}, t = lambda/(N**(2/m) - 1)"


def test_where_no_exponent_would_mend_it_the_solution_is_told():
    hint = "as it was; t = lambda/(N**(2/m) - 1) solves it"
    assert why(lam / (N ** (2 / m) + 1), hint="as it was").hint == hint


@pytest.mark.parametrize(
    ("left", "root", "hint"),
    [
        (t**2 - 2 * lam**2, lam, "a factor sqrt(2) is missing, t = sqrt(2)*lambda solves it"),
        (t - lam**2 + m**2, lam**2 + m**2, "t = lambda**2 - m**2 solves it where that is positive"),
        (t + sp.exp(t) + sp.cos(t) - 3, sp.S.One, ""),  # no closed form
        (t + lam, lam, ""),  # none is positive
    ],
)
def test_of_an_equation_to_zero_the_solution_is_told(left, root, hint):
    assert explain(left, sp.S.Zero, t, root, witness=(), hint="", assume=()).hint == hint


def test_the_witness_of_a_root_has_all_its_parameters():
    assert list(why(lam / (N ** (1 / m) - 1)).witness.items()) == [("m", "2"), ("N", "2")]  # lambda cancels
    assert why(2 * lam, witness=(("lambda", "3"), ("N", "5"))).witness == {"lambda": "3", "m": "2", "N": "5"}


# the true root


def again(left, right, relation="=", at=None, *, equation, assume=()):
    t_C = sp.Symbol("t_C", positive=True)
    return judge_with_true_roots(left(t_C), right, relation, at=at, assume=assume, roots=((t_C, *equation, t),))


def test_the_true_root_is_one_of_sympys_that_passes_the_judge():
    found = again(lambda root: root, lam / m, equation=(m * t, lam))
    assert found.verdict == "proved"
    assert found.evidence.startswith("judged again with t_C = lambda/m: ")
    assert again(lambda root: root, 2 * lam / m, equation=(m * t, lam)).verdict == "refuted"


@pytest.mark.parametrize("factor", [1, 2])
def test_where_there_is_no_closed_form_the_root_is_found_at_points(factor):
    equation = (t + sp.log(t) + sp.sin(t) / 3, m)  # no solution of sympy's
    exact = again(lambda root: root + sp.log(root) + sp.sin(root) / 3, factor * m, equation=equation)
    assert exact.verdict == ("supported" if factor == 1 else "refuted")
    assert bool(exact.witness) == (factor == 2)


def test_a_limit_of_a_root_without_a_closed_form_is_inconclusive():
    equation = (t + sp.log(t) + sp.sin(t) / 3, m)
    assert again(lambda root: root / m, sp.Integer(1), "tends", (m, sp.oo), equation=equation).verdict == "inconclusive"


# --- approximations along a symbol ---


def test_an_approximation_brings_its_error_as_a_curve():
    d = Derivation("a draft")
    a = d.declare("a", positive=True)
    d.leading("small", sp.log(1 + a), a, a, 0, "+")
    d.approximate("first order", r"\log(1 + a)", a, exact=sp.log(1 + a), along=a)
    d.approximate(
        "root", r"\sqrt{1 + a}", 1 + a / 2, "", {"a = 1": 0.06, "a = 0.1": 0.001}, exact=sp.sqrt(1 + a), along=a
    )
    leading, alone, held = d.steps
    assert (leading.verdict, alone.verdict, held.verdict) == ("proved", "inconclusive", "supported")
    for step in d.steps:
        assert step.curve["along"] == "a"
        assert any("relative error" in words and "the worst" in words for words in step.told())
    (least, error), *_ = leading.curve["points"]
    assert error == pytest.approx(least / 2, rel=1e-4)


def test_an_approximation_that_is_good_all_along_is_supported():
    d = Derivation("a draft")
    a = d.declare("a", positive=True, below=sp.Rational(1, 10))
    d.approximate("first order", r"\log(1 + a)", a, exact=sp.log(1 + a), along=a)
    assert d.steps[0].verdict == "supported"


def test_a_curve_needs_what_is_exact_and_a_symbol():
    d = Derivation("a draft")
    a = d.declare("a", positive=True)
    with pytest.raises(ValueError, match="needs both exact= and along="):
        d.approximate("first order", "A", a, exact=sp.log(1 + a))
