"""Files of derivations: what they may do, and at which line they cannot be used."""

import os
from pathlib import Path

import pytest

from theory.derivation_file import UnusableError, checked, read

ROOT = Path(__file__).parents[2]
HEAD = "from sympy import Eq, Symbol, exp, log\nfrom theory.derivation import Derivation\nd = Derivation('a draft')\n"
SYMBOLS = "a, b = d.declare('a b', positive=True, unit=2)\nn = d.declare('n', positive=True)\n"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path / "cache"))

    def write(text, head=HEAD + SYMBOLS):
        path = tmp_path / "draft.derivation.py"
        path.write_text(head + text)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "number", "message"),
    [
        ("x = (\n", 6, "SyntaxError: '(' was never closed"),
        ("1 / 0\n", 6, "ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)\n", 6, "SystemExit: 0"),
        ("raise GeneratorExit\n", 6, "GeneratorExit"),
        ("class Mine(BaseException): ...\nraise Mine('it is')\n", 7, "Mine: it is"),
        ("d.equal('line', a,\n    Symbol('q'))\n", 6, "q is not declared"),
        ("d.equal('line', a, Symbol('a', real=True))\n", 6, "a was declared with positive=True and here has real=True"),
        ("d.equal('line', a, 0.5 * a)\n", 6, "got the float 0.5"),
        ("d.define('x', a)\nd.define('x', b)\n", 7, "there is a line 'x' already"),
        ("d.declare('a', real=True)\n", 6, "a was declared before"),
        ("def add():\n    d.equal('line', a + n, b)\nadd()\n", 7, "unlike units are added"),
        ("d.equal('line', a * b, b)\n", 6, "unlike units"),
        ("d.conclude('so', 'it is', 'nothing')\n", 6, "there is no such line before it"),
        ("", 3, "the derivation 'a draft' has no lines"),
        ("d.equal('line', n, n)\nDerivation('empty')\n", 7, "the derivation 'empty' has no lines"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_told_with_its_line(file, text, number, message):
    path = file(text)
    with pytest.raises(UnusableError) as found:
        read(path)
    assert found.value.number == number
    assert str(found.value).startswith(f"{path}:{number}: ")
    assert message in found.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "no derivation is made; start with"),
        ("from theory.algebra import squared_distance\nsquared_distance.derive()\n", "no derivation is made"),
        (f"{HEAD}d.equal('line', Symbol('a'), 1)\n", "a is not declared"),
    ],
    ids=["none", "only those of others", "nothing declared"],
)
def test_a_file_must_make_a_derivation_of_declared_symbols(file, text, message):
    with pytest.raises(UnusableError, match=message):
        read(file(text, head=""))


def test_a_byte_order_mark_is_read_over(file):
    path = file("d.equal('line', n * a, a * n)\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (d,) = read(path)
    assert [line.name for line in d.lines] == ["line"]


def test_lines_know_where_they_are_written(file):
    path = file(
        "t_C = d.solve(\n    'root', Eq(n * a, b),\n    a, b / n)\nfor k in (1, 2):\n    d.equal(f'{k}', k * a, a * k)\n"
    )
    (d,) = read(path)
    places = [line.place for line in d.lines]
    assert [place.number for place in places] == [6, 10, 10]
    assert {place.file for place in places} == {str(path)}
    assert places[0].code == "t_C = d.solve(\n    'root', Eq(n * a, b),\n    a, b / n)"
    assert places[1].code == "d.equal(f'{k}', k * a, a * k)"


def test_all_derivations_of_a_file_are_judged_in_another_process(file, tmp_path, capfd):
    (tmp_path / "beside.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "theory.py").write_text("raise RuntimeError('hides the package')\n")
    text = """
import os
from beside import double
print("said by the file", os.getpid())
d.equal("one", double(a), a + a)
d.greater("two", a, 0)
other = Derivation("another", source="here")
m = other.declare("m", positive=True)
other.equal("wrong", m, 2 * m)
"""
    first, second = checked(file(text))
    assert [(step.name, step.verdict) for step in first.steps] == [("one", "proved"), ("two", "proved")]
    assert first.assumptions.startswith("a positive, a length to the power 2; ")
    assert (second.prediction, second.source, second.verdict) == ("another", "here", "refuted")
    assert second.steps[0].number == 14
    said = capfd.readouterr().err
    assert "said by the file" in said
    assert f"said by the file {os.getpid()}" not in said


def test_one_line_alone_and_a_file_that_ends_its_process(file):
    path = file("d.equal('one', a, a)\nd.equal('two', b, b)\n")
    (d,) = checked(path, only="two")
    assert [step.name for step in d.steps] == ["two"]
    with pytest.raises(ValueError, match="there is no line 'three'; there are one, two"):
        checked(path, only="three")
    with pytest.raises(ValueError, match="ended its process before it was judged, with exit code 7"):
        checked(file("import os\nos._exit(7)\n"))


def test_a_file_whose_name_is_no_utf_8(file):
    name = Path(os.fsdecode(os.fsencode(file("").with_name("x")) + b"\xff.py"))
    try:
        file("d.equal('one', a * b, b * a)\n").rename(name)
    except OSError:
        pytest.skip("this disk has no such names")
    for _ in range(2):  # run, and then of what was kept
        assert [d.verdict for d in checked(name)] == ["proved"]


def test_a_file_that_there_is_not(tmp_path):
    with pytest.raises(FileNotFoundError):
        checked(tmp_path / "none.derivation.py")


def test_the_example_passes_its_fault_on(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path))
    example = (ROOT / "docs" / "collapse.derivation.py").read_text()
    (tmp_path / "fixed.derivation.py").write_text(example.replace("N**(1/m)", "N**(2/m)"))
    (right,) = read(tmp_path / "fixed.derivation.py")
    (wrong,) = read(ROOT / "docs" / "collapse.derivation.py")
    assert right.judged(only="collapse time").judged_steps[0].verdict in ("proved", "supported")
    refuted, again = wrong.judged(only="below the linear bound").judged_steps
    assert (refuted.name, refuted.verdict) == ("collapse time", "refuted")
    assert refuted.witness == {"m": "2", "N": "2"}
    assert refuted.hint.startswith("the two sides' ratio is 1/2 everywhere: the exponent is off by a factor 2")
    assert again.inherits == ("collapse time",)
    assert again.verdict in ("proved", "supported")
    assert "t_C = lambda/(N**(2/m) - 1)" in again.evidence


# --- what is kept whole ---


def told(path, **options):
    return [(s.name, s.verdict, s.evidence, s.number) for d in checked(path, **options) for s in d.steps]


def run_again(*_, **__):
    raise AssertionError("the file was run again")


def test_a_file_that_depends_on_its_text_alone_is_not_run_again(file, monkeypatch):
    path = file("d.equal('line', log(a * b), log(a) + log(b))\nd.cited('known', 'a < b', 'a book')\n")
    first = told(path)
    monkeypatch.setattr("theory.derivation_file.subprocess.run", run_again)
    assert told(path) == first
    path.write_text(path.read_text() + "d.less('more', a, a + b)\n")
    with pytest.raises(AssertionError, match="run again"):
        told(path)


@pytest.mark.parametrize(
    "text",
    [
        "import random\nd.equal('line', a, a)\n",
        "print('told')\nd.equal('line', a, a)\n",
        "open(__file__).close()\nd.equal('line', a, a)\n",
        "d.tends('unknown', exp(-a), 1 + exp(-b), a, 0)\nfrom sympy import mathieuc\nd.equal('line', mathieuc(a, 1, b), 1)\n",
    ],
    ids=["chance", "prints", "reads", "inconclusive"],
)
def test_a_file_that_may_tell_something_else_is_run_again(file, monkeypatch, text):
    path = file(text, head=HEAD + "a, b = d.declare('a b', positive=True)\n")
    told(path)
    monkeypatch.setattr("theory.derivation_file.subprocess.run", run_again)
    with pytest.raises(AssertionError, match="run again"):
        told(path)
