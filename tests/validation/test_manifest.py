import importlib.util
import json
import os
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from validation import manifest as module
from validation.manifest import devices, git_state, manifest, precision, versions
from validation.report.tables import strict_json

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def copied_to(directory):
    """The module as if it were installed in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    copy = shutil.copy(module.__file__, directory / "manifest.py")
    spec = importlib.util.spec_from_file_location("copied_manifest", copy)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def git(directory, *arguments):
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", str(directory), *who, *arguments]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | identity)


def test_a_manifest_says_what_is_needed_to_repeat_a_run():
    found = manifest(seed=3, budget="quick")
    assert list(found) == ["run", "versions", "git", "machine", "devices", "matmul_precision"]
    assert found["run"] == {"seed": 3, "budget": "quick"}
    assert set(found["machine"]) == {"platform", "processor", "cores"}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_manifest_is_strict_json_whatever_it_is_given():
    found = manifest(wanted=float("nan"), path=Path("a"), names=("a", "b"), number=np.float64(2))
    text = strict_json(found | {"run": {k: v for k, v in found["run"].items() if k != "path"}})
    assert json.loads(text, parse_constant=pytest.fail)["run"] == {"wanted": None, "names": ["a", "b"], "number": 2}


def test_versions_name_what_is_not_there():
    found = versions()
    assert found["numpy"] == np.__version__
    assert found["geomem"] == version("geomem")
    assert re.fullmatch(r"3\.\d+\.\d+.*", found["python"])
    assert set(found) == {"python", *module.PACKAGES}


def test_a_package_that_is_not_installed_is_none(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-package-anywhere"))
    assert versions()["no-such-package-anywhere"] is None


@needs_git
def test_outside_a_checkout_there_is_no_git_state(tmp_path):
    assert copied_to(tmp_path / "site-packages").git_state() is None


@needs_git
def test_an_environment_inside_another_project_has_no_git_state(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "theirs").write_text("x")
    git(tmp_path, "add", "theirs")
    git(tmp_path, "commit", "-m", "theirs")
    assert copied_to(tmp_path / "venv" / "validation").git_state() is None


@needs_git
def test_a_checkout_has_its_commit_and_whether_it_is_clean(tmp_path):
    git(tmp_path, "init")
    copy = copied_to(tmp_path)
    assert copy.git_state() is None  # not under version control yet
    git(tmp_path, "add", "manifest.py")
    git(tmp_path, "commit", "-m", "ours")
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    found = copy.git_state()
    assert re.fullmatch("[0-9a-f]{40}", found["commit"])
    assert found["clean"] is True
    (tmp_path / "new").write_text("x")
    assert copy.git_state() == {"commit": found["commit"], "clean": False}


def test_without_git_there_is_no_git_state(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state() is None


def test_a_git_that_hangs_is_not_waited_for(monkeypatch):
    def hang(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert git_state() is None


def test_devices_and_precision_without_a_gpu(monkeypatch):
    assert devices()[0] == "cpu"
    assert precision()["numpy"] == "full"
    monkeypatch.setattr(module, "versions", lambda: {"torch": None})
    monkeypatch.setattr(module.sys, "modules", {})
    assert devices() == ["cpu"]
    assert precision() == {"numpy": "full"}
