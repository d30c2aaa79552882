"""What holds the project together: the triples, the documentation's commands, code and links, versions, docstrings."""

import ast
import contextlib
import html
import importlib
import io
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from theory.observable import observables
from validation.claims import CLAIMED, PREDICTIONS, SURVEYS
from validation.cli import cli
from validation.report import overview
from validation.suite import claims_of

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TRIPLES = {
    "theory/predictions/{}.py": ("STATEMENT", "SOURCE", "REGIME", "derivation"),
    "theory/derivations/{}.py": ("derive",),
    "numerics/experiments/{}.py": ("OBSERVABLES", "measure"),
    "validation/claims/{}.py": ("claims", "curves", "figures"),
}
BESIDES = (
    "docs/predictions/{}.md",
    "tests/theory/predictions/test_{}.py",
    "tests/numerics/experiments/test_{}.py",
    "tests/validation/claims/test_{}.py",
)
OF_A_SURVEY = (
    "numerics/experiments/{}.py",
    "validation/claims/{}.py",
    "docs/{}.md",
    "tests/numerics/experiments/test_{}.py",
    "tests/validation/claims/test_{}.py",
)
WINGS = ("theory", "numerics", "validation")
SOURCES = sorted(path for wing in WINGS for path in (ROOT / wing).rglob("*.py"))
MODULES = [path for path in SOURCES if path.name != "__init__.py"]
PACKAGES = [path for path in SOURCES if path.name == "__init__.py"]
QUICK = ("list", "derive", "predict")  # commands that are run, not only parsed


def relative(path):
    return str(path.relative_to(ROOT))


def blocks(page, *languages):
    """The fenced code blocks of a page, (language, content), of some languages or all."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [(language, content) for language, content in found if not languages or language in languages]


def prose(page):
    """A page without its code and its formulas."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]+`", "", text, flags=re.DOTALL)


# the triples


@pytest.mark.parametrize("pattern", [*TRIPLES, *BESIDES])
def test_every_prediction_has_its_files_and_no_file_is_without_a_prediction(pattern):
    here = ROOT / pattern.format(PREDICTIONS[0])
    found = {
        path.name for path in here.parent.glob(f"*{here.suffix}") if path.name not in ("__init__.py", "conftest.py")
    }
    names = (*PREDICTIONS, *SURVEYS) if pattern in OF_A_SURVEY else PREDICTIONS
    wanted = {Path(pattern.format(name)).name for name in names}
    folder = relative(here.parent)
    assert not wanted - found, f"missing in {folder}: {', '.join(sorted(wanted - found))}"
    assert not found - wanted, f"not of a prediction in PREDICTIONS, in {folder}: {', '.join(sorted(found - wanted))}"


@pytest.mark.parametrize("pattern", OF_A_SURVEY)
@pytest.mark.parametrize("name", SURVEYS)
def test_every_survey_has_its_files_and_is_linked(name, pattern):
    assert (ROOT / pattern.format(name)).is_file()
    assert f"(docs/{name}.md)" in README.read_text()
    assert f"({name}.md)" in (ROOT / "docs/index.md").read_text()


@pytest.mark.parametrize("pattern", TRIPLES)
@pytest.mark.parametrize("name", PREDICTIONS)
def test_each_file_of_a_triple_has_what_the_recipe_asks_for(name, pattern):
    path = pattern.format(name)
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    missing = [wanted for wanted in TRIPLES[pattern] if not hasattr(module, wanted)]
    assert not missing, f"missing in {path}: {', '.join(missing)}"


@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_prediction_declares_observables_with_legal_dimensions(name):
    known = observables(importlib.import_module(f"theory.predictions.{name}"))
    assert known
    for about in known.values():
        assert "sample" not in about.dims or about.dims == ("sample",)
        assert sum(dim in about.dims for dim in ("subspace", "bulk", "place")) <= 1


def table(page, mark):
    """The rows of a table between marks, as lists of cells."""
    block = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- end -->", page.read_text(), flags=re.DOTALL)[1]
    return [line.strip("| ").split(" | ") for line in block.splitlines()[2:]]


def test_the_tables_are_those_of_the_declarations():
    assert overview.index() in (ROOT / "docs/index.md").read_text()
    declared = [line.strip("| ").split(" | ") for line in overview.index("docs/predictions").splitlines()[2:]]
    assert [row[:2] for row in table(README, "predictions")] == [row[:2] for row in declared]
    failing = [c.name for c in claims_of(PREDICTIONS, "headline") if c.expected == "disagrees"]
    assert [re.match(r"`([^`]+)`", row[0])[1] for row in table(README, "failures")] == failing


def test_every_agreeing_claim_sees_an_error_of_a_twentieth_or_says_why_not():
    shown = {row[0].strip("`"): row[1:] for row in table(ROOT / "docs/statistics.md", "detectable")}
    claims = {claim.name: claim for claim in claims_of(CLAIMED, "standard") if claim.expected == "agrees"}
    assert list(shown) == list(claims)
    for name, claim in claims.items():
        observable, seen, *why = shown[name]
        assert observable == f"`{claim.observable}`"
        assert "".join(why).strip("| ") == claim.coarse
        assert claim.coarse or float(seen.removesuffix(" %")) <= 5, name


def test_tables_are_rewritten_between_their_marks_alone():
    page = "before\n<!-- a -->\nold\n<!-- end -->\nafter\n"
    assert overview.rewritten(page, {"a": "new\n\\1"}) == "before\n<!-- a -->\nnew\n\\1\n<!-- end -->\nafter\n"
    with pytest.raises(ValueError, match="expected <!-- b -->"):
        overview.rewritten(page, {"b": "new"})


@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_source_named_in_the_code_is_named_on_the_page(name):
    source = importlib.import_module(f"theory.predictions.{name}").SOURCE
    page = (ROOT / f"docs/predictions/{name}.md").read_text()
    papers = re.findall(r"arXiv:\d{4}\.\d{5}", source)
    assert papers
    assert [paper for paper in papers if paper not in page] == []


# the words


def test_the_readme_begins_with_the_two_commands():
    first, second = [content for _, content in blocks(README)][:2]
    assert first == "pip install . && geomem validate\n"
    assert second == "pip install -e '.[test]' && pytest\n"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_relative_links_and_images_exist(page):
    targets = re.findall(r"\]\(([^()\s]+)\)", prose(page)) + re.findall(r'src="([^"]+)"', prose(page))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    missing = [target for target in local if not (page.parent / target.partition("#")[0]).exists()]
    assert not missing, f"{relative(page)} points to {', '.join(missing)}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_to_headings_find_them(page):
    for target in re.findall(r"\]\(([^()\s]*#[^()\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        other = page.parent / path if path else page
        headings = re.findall(r"^#+ (.+)$", other.read_text(), flags=re.MULTILINE)
        slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in slugs, f"{relative(page)} points to {target}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=relative)
def test_python_blocks_run_and_print_what_they_say(page):
    names = {}
    for _, code in blocks(page, "python"):
        said = re.findall(r"^#> ?(.*)$", code, flags=re.MULTILINE)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, relative(page), "exec"), names)
        assert printed.getvalue().splitlines() == said


def commands(page):
    """Every geomem command of a page, in its blocks and in its prose, as a list of words."""
    shell = "\n".join(content for _, content in blocks(page, "sh", "console"))
    lines = [part.strip() for line in shell.splitlines() for part in line.removeprefix("$ ").split("&&")]
    lines += re.findall(r"`(geomem [^`]+)`", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S))
    return [shlex.split(line)[1:] for line in lines if line.startswith("geomem ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=relative)
def test_commands_parse(page):
    for name, *arguments in commands(page):
        assert name in cli.commands, f"{relative(page)}: geomem {name}"
        if name in ("derive", "predict", "simulate"):
            assert arguments[0] in (*PREDICTIONS, "NAME"), f"{relative(page)}: geomem {name} {arguments[0]}"
        cli.commands[name].make_context(name, list(arguments))


def drawn_by(image):
    """The command that an image says it was drawn by, as a list of words; none where it says nothing."""
    said = re.search(r"<dc:description>(.*?)</dc:description>", image.read_text(), flags=re.DOTALL)
    return shlex.split(html.unescape(said[1]))[1:] if said else []


def test_figures_are_drawn_by_the_lines_that_pages_show():
    shown = {
        page: [page.parent / target for target in re.findall(r"!\[[^]]*\]\(([^()\s]+\.svg)\)", prose(page))]
        for page in PAGES
    }
    assert drawn_by(shown[README][0])
    for page, images in shown.items():
        lines = [line for one in (README, page) for line in commands(one)]
        for image in images:
            assert drawn_by(image) in ([], *lines), f"{relative(page)}: {image.name}"


@pytest.mark.slow
def test_the_first_figure_is_what_its_line_draws(tmp_path, monkeypatch):
    image = ROOT / "docs/images/collapse.svg"
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, drawn_by(image))
    assert result.exit_code == 0, result.output
    marks = [
        [float(n) for pair in re.findall(r'<use [^>]*?x="([\d.]+)" y="([\d.]+)"', file.read_text()) for n in pair]
        for file in (image, tmp_path / "docs/images/collapse.svg")
    ]
    assert len(marks[0]) > 2 * 54  # of points and their z, and of ticks
    assert marks[1] == pytest.approx(marks[0], abs=1)  # in points of print


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")], ids=relative)
def test_console_blocks_print_what_they_show(page):
    for _, content in blocks(page, "console"):
        command, _, shown = content.partition("\n")
        _, *arguments = shlex.split(command.removeprefix("$ "))
        assert arguments[0] in QUICK, f"too slow to be run here, show it as sh: {command}"
        assert CliRunner().invoke(cli, arguments).stdout == shown


@pytest.mark.parametrize("command", ["geomem list", *(f"geomem derive {name}" for name in PREDICTIONS)])
def test_cheap_commands_run(command):
    result = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()


def test_the_readme_names_every_command():
    assert [name for name in cli.commands if f"geomem {name}" not in README.read_text()] == []


# the packages


@pytest.mark.parametrize("path", PACKAGES, ids=relative)
def test_packages_are_docstrings_without_imports(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    if relative(path) == "validation/audit/__init__.py":
        return  # the door of an audit: validation.audit.audit
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("wing", WINGS)
def test_packages_are_typed(wing):
    assert (ROOT / wing / "py.typed").is_file()


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_say_what_they_are_and_what_they_offer(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "no docstring"
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    assert len(lists) == 1, "no __all__"
    offered = ast.literal_eval(lists[0])
    module = importlib.import_module(relative(path).removesuffix(".py").replace("/", "."))
    assert [name for name in offered if not hasattr(module, name)] == []
    assert len(set(offered)) == len(offered)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_public_functions_and_classes_have_docstrings(path):
    def silent(body, prefix=""):
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from silent(node.body, f"{node.name}.")

    assert list(silent(ast.parse(path.read_text()).body)) == []


# the versions


def test_versions_are_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), flags=re.MULTILINE)[1]
    changed = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1]
    assert cited.strip("\"'") == project["version"]
    assert changed == project["version"]


def test_the_licence_is_what_the_metadata_say():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    licence, citation = (ROOT / "LICENSE").read_text(), (ROOT / "CITATION.cff").read_text()
    assert project["license"] == "BSD-3-Clause"
    assert licence.startswith("BSD 3-Clause License")
    assert "license: BSD-3-Clause" in citation
    assert all((ROOT / name).is_file() for name in (*project["license-files"], project["readme"]))
