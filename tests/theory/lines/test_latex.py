"""LaTeX that is read prints back as it was written, or is refused with what would be."""

import sys

import pytest
import sympy as sp

from theory.derivation import Derivation
from theory.lines.latex import parsed

lam, t, m = sp.symbols("lambda t m", positive=True)
collapse = sp.Symbol("t_C", positive=True)
KNOWN = {s.name: s for s in (lam, t, m, collapse)}


@pytest.fixture(autouse=True)
def lark():
    return pytest.importorskip("lark")


@pytest.mark.parametrize(
    "e",
    [
        m * sp.log(1 + lam / t) / 2,
        lam * m / (2 * t),
        sp.sqrt(t) + 1,
        collapse**2,
        sp.exp(-(lam**2) / (2 * t)),
        sp.tanh(t),
    ],
    ids=str,
)
def test_what_sympy_prints_is_read(e):
    assert parsed(sp.latex(e), KNOWN) == e


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r"\frac{m\lambda}{2t}", r"prints as \\frac{\\lambda m}{2 t}"),
        (r"\frac{x}{t}", "x in .* is not declared"),
        (r"\frac{", "not understood"),
        (r"t + 0", "is not what sympy prints"),
    ],
)
def test_what_would_print_otherwise_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parsed(text, KNOWN)


def test_a_line_of_a_derivation_may_be_latex():
    d = Derivation("a draft")
    lam, t = d.declare("lambda t", positive=True)
    d.equal("line", d.latex(r"\frac{\lambda}{\lambda + t}"), 1 - t / (lam + t))
    assert d.steps[0].verdict == "proved"


def test_without_lark_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lark.exceptions", None)
    with pytest.raises(ValueError, match=r"pip install 'geomem\[latex\]'"):
        parsed("t", KNOWN)
