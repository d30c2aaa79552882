"""The front door: what it names, how it is run, and what it says of others who have the names of its packages."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import geomem
from geomem import plugin
from numerics.gibbs import gibbs_moments
from theory.setting import LinearManifold, Setting
from validation import cli, strategies
from validation.audit import audit

ROOT = Path(__file__).parents[1]


def python(*arguments, cwd, **environment):
    """A Python that finds this checkout whatever is installed, in some folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_its_names_are_those_of_the_packages():
    assert geomem.gibbs_moments is gibbs_moments
    assert geomem.Setting is Setting
    assert geomem.audit is audit
    assert set(geomem.__all__) <= set(dir(geomem))
    for name in geomem.__all__:
        assert getattr(geomem, name) is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert geomem.__version__ == project["version"]
    with pytest.raises(AttributeError, match="geomem has no 'nope'; it has EmpiricalDensity, "):
        _ = geomem.nope


def test_it_imports_what_is_asked_for_and_nothing_before(tmp_path):
    code = "import sys; a = set(sys.modules); import geomem; print(sorted(set(sys.modules) - a))"
    done = python("-P", "-c", code, cwd=tmp_path)
    assert done.stdout == "['geomem']\n"
    code = "import sys, geomem; geomem.Setting; print({'numerics', 'validation'} & set(sys.modules))"
    assert python("-P", "-c", code, cwd=tmp_path).stdout == "set()\n"


def test_the_command_is_its_main():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert list(scripts) == ["geomem"]
    module, _, name = scripts["geomem"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_hypothesis_is_told_of_its_types():
    hooks = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["hypothesis"]
    assert hooks == {"geomem": "geomem.plugin:register"}
    for module, types in plugin.STRATEGIES.items():
        for name, strategy in types.items():
            assert isinstance(getattr(import_module(module), name), type)
            assert strategy in strategies.__all__


def test_tests_of_others_pay_nothing_for_its_types_until_they_are_imported(tmp_path):
    before = (
        "import sys; import hypothesis as h; from geomem.plugin import register; register(); a = list(sys.meta_path)"
    )
    code = f"{before}; print({{'numpy', 'theory', 'validation'}} & set(sys.modules))"
    assert python("-P", "-c", code, cwd=tmp_path, HYPOTHESIS_NO_PLUGINS="1").stdout == "set()\n"
    loaded = "import theory.setting as s; assert s.__spec__.loader is s.__loader__; print(len(a) - len(sys.meta_path))"
    drawn = "print(h.find(h.strategies.from_type(s.LinearManifold), lambda m: m.spectrum.size > 2))"
    done = python("-P", "-c", f"{before}; {loaded}; {drawn}", cwd=tmp_path, HYPOTHESIS_NO_PLUGINS="1")
    assert (done.stdout.splitlines()[0], done.stderr) == ("2", "")  # theory.network comes along
    assert LinearManifold.parse(done.stdout.splitlines()[1].split(" in ")[0])


def test_types_of_others_that_have_the_names_of_its_own_are_left_alone(tmp_path):
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory/setting.py").write_text("class Setting: pass")
    code = (
        "import hypothesis as h; from geomem.plugin import register; register(); from theory.setting import Setting; "
        "print(type(h.find(h.strategies.from_type(Setting), lambda _: True)) is Setting)"
    )
    done = python("-c", code, cwd=tmp_path, HYPOTHESIS_NO_PLUGINS="1")
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize("module", ["geomem", "validation.cli"])
def test_it_is_run_as_a_module(tmp_path, module):
    done = python("-m", module, "list", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("collapse\n")
    done = python("-m", module, "nope", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_it_is_run_from_the_checkout_itself():
    assert python("-m", "geomem", "--version", cwd=ROOT, PYTHONPATH="").returncode == 0


@pytest.mark.parametrize("arguments", [("-m", "geomem"), ("-P", "-m", "geomem")], ids=" ".join)
def test_nothing_is_imported_from_the_working_folder(tmp_path, arguments):
    for name in ("signal", "pickle", "pathlib", "importlib", "numpy", "click", "validation", "theory", "_strptime"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w')")
    done = python(*arguments, "list", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["theory", "numerics", "validation"])
def test_who_hides_a_package_is_named_and_not_executed(tmp_path, name):
    for foreign in (tmp_path / "folder" / name / "__init__.py", tmp_path / "module" / f"{name}.py"):
        foreign.parent.mkdir(parents=True)
        foreign.write_text("open('executed', 'w')")
        first = tmp_path / foreign.relative_to(tmp_path).parts[0]
        done = python("-m", "geomem", "list", cwd=tmp_path, PYTHONPATH=f"{first}{os.pathsep}{ROOT}")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"geomem: the name '{name}' is taken by {first}")
        assert "take it off PYTHONPATH" in done.stderr
        assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("left", ["nothing", "another's"])
def test_a_package_that_was_removed_or_overwritten_is_said_in_a_line(tmp_path, left):
    for name in ("geomem", "theory", "numerics"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "geomem").unlink()
    (tmp_path / "geomem").mkdir()
    for file in ("__init__.py", "__main__.py"):
        (tmp_path / "geomem" / file).write_text((ROOT / "geomem" / file).read_text())
    for name in ("theory", "numerics"):
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        (tmp_path / name / {"theory": "setting.py", "numerics": "gibbs.py"}[name]).touch()
    (tmp_path / "validation").mkdir()
    if left == "another's":
        (tmp_path / "validation" / "__init__.py").touch()
    done = python("-m", "geomem", "list", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "the package 'validation'" in done.stderr
    assert "pip install --force-reinstall" in done.stderr


# the user's surroundings


def test_a_terminal_without_greek_letters_is_written_to(tmp_path):
    done = python("-m", "geomem", "derive", "collapse", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("collapse\n")


DRAWING = """
import matplotlib as mpl
from validation.report import figures
figures.check()
with figures.style():
    print(mpl.rcParams["text.usetex"], mpl.rcParams["axes.facecolor"])
"""


def test_a_backend_that_is_not_there_and_a_matplotlibrc_change_nothing(tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: red\n")
    code = f"from validation import cli\nwith cli._surroundings():\n    exec({DRAWING!r})"
    done = python("-P", "-c", code, cwd=tmp_path, MPLBACKEND="module://nowhere.backend")
    assert (done.stdout, done.stderr) == ("False white\n", "")


def test_the_surroundings_are_left_as_they_were(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "module://nowhere.backend")
    with cli._surroundings():
        assert os.environ["MPLBACKEND"] == "agg"
    assert os.environ["MPLBACKEND"] == "module://nowhere.backend"
