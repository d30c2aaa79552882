"""What is declared: assumptions, intervals, and what is refused."""

import pytest
import sympy as sp

from theory.derivation import Derivation
from theory.lines.declared import connected, declared, weaker

a, b, c, u = sp.symbols("a b c u", positive=True)


@pytest.mark.parametrize(
    ("bounds", "fact"),
    [
        ({"at_least": 2}, "is_positive"),
        ({"above": 0}, "is_positive"),
        ({"at_least": 0}, "is_nonnegative"),
        ({"at_least": -1}, "is_real"),
        ({"below": 0}, "is_negative"),
        ({"at_most": -1}, "is_negative"),
        ({"at_most": 0}, "is_nonpositive"),
        ({"at_least": -1, "at_most": 1}, "is_real"),
    ],
    ids=str,
)
def test_bounds_imply_assumptions(bounds, fact):
    symbol = declared("s", {}, bounds, None).symbol
    assert getattr(symbol, fact)


def test_what_bounds_say_beyond_the_assumptions_is_a_relation():
    d = Derivation("p")
    N = d.declare("N", integer=True, at_least=2)
    h, t = d.declare("h, t", positive=True, unit=2)
    d.assume(h < t)
    assert N.is_integer
    assert N.is_positive
    assert d.assumptions == (
        "N integer, at least 2; h positive, a length to the power 2; t positive, a length to the power 2; h < t"
    )
    assert not declared("s", {"integer": True}, {"at_least": 1}, None).relations  # positive says it


def test_the_same_declaration_gives_the_same_symbol():
    d = Derivation("p")
    assert d.declare("a", positive=True) == d.declare("a", positive=True)
    with pytest.raises(ValueError, match="a was declared before, as a positive; give it another name"):
        d.declare("a", real=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"postive": True}, "postive is no assumption of sympy; did you mean positive?"),
        ({"positive": True, "negative": True}, "the assumptions of s contradict each other"),
        ({"positive": True, "below": 0}, "contradict"),
        ({"positive": True, "at_most": -1}, "contradict"),
        ({"at_least": 0.5}, "got the float 0.5; write it as Rational"),
        ({"positive": True, "unit": 0.5}, "got the float 0.5"),
    ],
    ids=str,
)
def test_a_domain_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Derivation("p").declare("s", **options)


@pytest.mark.parametrize("relation", [False, a, "a < b"], ids=str)
def test_what_is_no_assumption_is_refused(relation):
    with pytest.raises(ValueError, match=r"the assumption never holds|expected a relation"):
        Derivation("p").assume(relation)


def lines():
    d = Derivation("p")
    return d, *d.declare("a b", positive=True)


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (sp.Symbol("q"), "q is not declared; declare it first"),
        (sp.Symbol("a", real=True), "a was declared with positive=True and here has real=True"),
        (sp.Float("0.5"), "got the float 0.5"),
        (0.5 * a, "got the float 0.5"),
        (sp.Eq(a, 1), "a line takes its two sides"),
        (True, "a line takes its two sides"),
        ("a", "expected a sympy expression, got 'a'"),
    ],
    ids=str,
)
def test_a_side_that_cannot_be_judged_is_refused(side, message):
    d, one, _ = lines()
    for add in (d.equal, d.less, d.at_most, d.greater, d.at_least, d.differs):
        with pytest.raises(ValueError, match=message):
            add("line", one, side)
    assert d.lines == []


def test_names_are_given_once():
    d, one, other = lines()
    d.define("x", one)
    for add in (d.define, d.cited):
        with pytest.raises(ValueError, match="there is a line 'x' already"):
            add("x", "text", "where")
    with pytest.raises(ValueError, match="a was declared as a symbol before"):
        d.define("a", other)


def test_a_conclusion_names_lines_that_there_are():
    d, one, _ = lines()
    d.define("x", one)
    with pytest.raises(ValueError, match="'y' concludes from 'z', and there is no such line before it"):
        d.conclude("y", "so it is", "x", "z")
    with pytest.raises(ValueError, match="must name the lines"):
        d.conclude("y", "so it is")


def test_a_root_needs_an_equation_for_its_symbol():
    d, one, other = lines()
    with pytest.raises(ValueError, match="expected an equation"):
        d.solve("x", sp.Eq(one, one), one, other)
    with pytest.raises(ValueError, match="expected an equation"):
        d.solve("x", one - other, one, other)
    with pytest.raises(ValueError, match="expected an equation for b"):
        d.solve("x", sp.Eq(one, 2), other, one)


def test_a_chain_alternates():
    d, one, other = lines()
    for wrong in ((one,), (one, "<"), (one, other, "<"), (one, "is", other)):
        with pytest.raises(ValueError, match="expected sides and relations in turn"):
            d.chain("x", *wrong)
    d.chain("x", 0, "<", one, "<=", one + other)
    assert [(line.name, line.relation) for line in d.lines] == [("x (1)", "<"), ("x (2)", "<=")]


def test_relations_bear_on_a_line_through_others():
    relations = (a < b, b < 1, c < u)
    assert connected(relations, (a,)) == (a < b, b < 1)
    assert connected(relations, (sp.Symbol("d"),)) == ()


def test_each_assumption_is_weakened_in_turn():
    one = declared("N", {"integer": True}, {"at_least": 2}, None)
    found = dict(weaker(one))
    assert list(found) == ["N at least 2", "N integer"]
    assert found["N at least 2"].symbol.is_integer
    assert found["N at least 2"].symbol.is_positive
    assert not found["N at least 2"].relations  # at least 1
    assert not found["N integer"].symbol.is_integer
    (relation,) = found["N integer"].relations
    assert relation == (found["N integer"].symbol >= 2)
    ((what, real),) = weaker(declared("t", {"positive": True}, {}, 2))
    assert what == "t positive"
    assert real.symbol.is_real
    assert real.symbol.is_positive is None
    assert real.unit == 2


def test_a_matrix_is_declared_by_its_size():
    d = Derivation("a draft")
    n = d.declare("n", integer=True, positive=True)
    A, B, C = d.declare_matrix("A", n), d.declare_matrix("B", n), d.declare_matrix("C", 3)
    d.equal("cyclic", sp.Trace(A * B), sp.Trace(B * A))
    d.equal("Sylvester", sp.Determinant(sp.Identity(n) + A * B), sp.Determinant(sp.Identity(n) + B * A))
    d.equal("determinant of a Gram matrix", sp.Determinant(C * C.T), sp.Determinant(C) ** 2)
    d.equal("inverse of a sum", sp.Inverse(A + B), sp.Inverse(A) + sp.Inverse(B))
    assert [s.verdict for s in d.steps] == ["proved", "proved", "proved", "refuted"]
    assert "A a n x n matrix" in d.assumptions


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [("A", 0, "positive integer"), ("A", sp.Rational(1, 2), "positive"), ("n", 2, "before")],
)
def test_what_is_no_matrix_is_refused(name, size, message):
    d = Derivation("a draft")
    d.declare("n", integer=True, positive=True)
    with pytest.raises(ValueError, match=message):
        d.declare_matrix(name, size)


def test_a_matrix_of_the_same_name_and_another_shape_is_refused():
    d = Derivation("a draft")
    d.declare_matrix("A", 2)
    with pytest.raises(ValueError, match="declared with shape"):
        d.equal("line", sp.Trace(sp.MatrixSymbol("A", 3, 3)), 0)
