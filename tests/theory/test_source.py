import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import theory
from theory.predictions import collapse
from theory.source import cache_directory, constants, fingerprint, sources

ROOT = Path(theory.__file__).parents[1]


def test_a_module_depends_on_what_it_imports_directly_or_not():
    found = sources("numerics.experiments.condensation")
    assert {"numerics.experiments.condensation", "numerics.gibbs", "numerics.engine.dense", "theory.setting"} <= set(
        found
    )
    assert "numerics.experiments.collapse" not in found
    assert not [name for name in found if name.startswith("theory.predictions")]


def test_imports_inside_functions_count():
    assert "numerics.engine.tiling" in sources("numerics.gibbs")  # imported where it is needed


def test_modules_named_in_quotes_count():
    found = sources("theory.predictions.kl_bound")  # which says derived("theory.derivations.kl_bound")
    assert {"theory.derivations.kl_bound", "theory.derivations.score_covariance"} <= set(found)
    assert "theory.derivations.kl_bound" not in sources("theory.predictions.collapse")


def test_constants_are_read_without_importing():
    code = (
        "import sys; from theory.source import constants; found = constants('theory.predictions.collapse')\n"
        "print(sorted(found), 'numpy' in sys.modules, 'theory.predictions.collapse' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "['REGIME', 'SOURCE', 'STATEMENT'] False False\n"
    assert constants("theory.predictions.collapse")["SOURCE"] == collapse.SOURCE
    with pytest.raises(ModuleNotFoundError, match=r"theory\.nothing"):
        constants("theory.nothing")


def test_a_package_stands_for_all_its_modules():
    found = sources("numerics.storage")
    inside = {f"numerics.storage.{path.stem}" for path in (ROOT / "numerics/storage").glob("*.py")}
    assert inside - {"numerics.storage.__init__"} <= set(found)


def test_what_there_is_not():
    with pytest.raises(ModuleNotFoundError, match=r"numerics\.nothing"):
        fingerprint("numerics.nothing")


def test_edits_below_change_the_fingerprint_and_others_do_not(tmp_path):
    for wing in ("theory", "numerics"):
        shutil.copytree(ROOT / wing, tmp_path / wing, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from theory.source import fingerprint; print(fingerprint('numerics.experiments.condensation'))"

    def now():
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    before = now()
    assert now() == before
    for path, changes in (
        ("numerics/experiments/collapse.py", False),
        ("theory/predictions/condensation.py", False),
        ("numerics/engine/dense.py", True),
        ("theory/setting.py", True),
    ):
        with (tmp_path / path).open("a") as file:
            file.write("# edited\n")
        after = now()
        assert (after != before) == changes, path
        before = after


def test_the_cache_is_where_one_says(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOMEM_CACHE_DIR", str(tmp_path))
    assert cache_directory() == tmp_path
    monkeypatch.delenv("GEOMEM_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_directory() == tmp_path / "x" / "geomem"
