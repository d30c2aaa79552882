"""What was compiled is kept, and never used for other sources than it was compiled from."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("numba")

ROOT = Path(__file__).parents[3]
CALLED = """
from numerics.engine.compiled.compiler import inlined

@inlined()
def called(x):
    return 2 * x
"""
CALLER = """
from numerics.engine.compiled.called import called
from numerics.engine.compiled.compiler import compiled

@compiled()
def caller(x):
    return called(x)
"""


@pytest.fixture
def tree(tmp_path):
    """A copy of the sources with one compiled function more, that calls another; a call in it says what it makes of 1."""
    for wing in ("numerics", "theory"):
        shutil.copytree(ROOT / wing, tmp_path / "tree" / wing, ignore=shutil.ignore_patterns("__pycache__"))
    for name, source in (("called", CALLED), ("caller", CALLER)):
        (tmp_path / f"tree/numerics/engine/compiled/{name}.py").write_text(source)

    def call(before="", **environment):
        own = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "PYTHONPATH")}
        own |= {"GEOMEM_CACHE_DIR": str(tmp_path / "kept"), "PYTHONPATH": str(tmp_path / "tree")} | environment
        script = f"{before}\nfrom numerics.engine.compiled.caller import caller; print(caller(1.0))"
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path / "tree", env=own, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    return call


def compiled_in(directory):
    return sorted(path.name for path in directory.rglob("*.nbc"))


def test_an_edit_of_a_function_that_is_called_is_seen(tree, tmp_path):
    assert tree() == 2
    assert compiled_in(tmp_path / "kept")
    path = tmp_path / "tree/numerics/engine/compiled/called.py"
    path.write_text(CALLED.replace("2 * x", "4 * x"))
    assert tree() == 4
    assert len(list((tmp_path / "kept/compiled").iterdir())) == 2


def test_what_is_kept_is_used_again(tree, tmp_path):
    tree()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.nbc")}
    tree()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.nbc")} == before


def test_it_lies_below_the_directory_that_was_chosen(tree, tmp_path):
    tree(NUMBA_CACHE_DIR=str(tmp_path / "chosen"))
    assert compiled_in(tmp_path / "chosen")
    assert not (tmp_path / "kept").exists()


def test_without_a_place_to_keep_it_all_works(tree, tmp_path):
    (tmp_path / "file").touch()
    assert tree(NUMBA_CACHE_DIR=str(tmp_path / "file" / "below")) == 2
    assert not list((tmp_path / "tree").rglob("*.nbc"))


def test_what_was_not_used_for_long_is_removed(tree, tmp_path):
    old, recent, other = (tmp_path / "kept/compiled" / name for name in ("geomem-old", "geomem-recent", "other"))
    for directory in (old, recent, other):
        directory.mkdir(parents=True)
        (directory / "file").touch()
    for directory in (old, other):
        os.utime(directory, (time.time() - 31 * 86400,) * 2)
    tree()
    assert not old.exists()
    assert recent.exists()
    assert other.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_where_the_disk_does_not_take_it_all_works(tree, tmp_path):
    assert tree(before="import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))") == 2
    assert not compiled_in(tmp_path / "kept")
