"""What the commands do on a disk that is full: a real one, of 64 kB, where this system lets anybody mount one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FULL = 'mount -t tmpfs -o size=64k full "$1" && { head -c 100000 /dev/zero > "$1/fill" 2> /dev/null; shift; "$@"; }'


def can_mount():
    """Whether this user has a mount of his own."""
    if not shutil.which("unshare"):
        return False
    tried = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "full", "/tmp"]
    return subprocess.run(tried, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="nobody may mount a disk here")


@pytest.fixture
def geomem(tmp_path):
    """Runs a command in a folder with data x.npy (40, 2), where full/ is a full disk; stdout, what it left there, and stderr."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(40, 2)))
    (tmp_path / "full").mkdir()

    def run(*arguments, code=0, **environment):
        here = [sys.executable, "-m", "geomem", *arguments]
        listed = f'{FULL} 2> err > out; code=$?; ls -A "{tmp_path}/full"; exit $code'
        command = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            listed,
            "sh",
            str(tmp_path / "full"),
            *here,
        ]
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True)
        out, err = ((tmp_path / name).read_text() for name in ("out", "err"))
        assert done.returncode == code, out + err + done.stderr
        return out, err, done.stdout.split()

    return run


SUM = ("moments", "x.npy", "--queries", "x.npy", "--t", "1")


def test_a_cache_there_changes_nothing(geomem):
    setting = ("predict", "collapse", "--subspaces", "1x2", "--samples", "10")
    for command in (setting, (*SUM, "--output", "out.npz")):
        assert geomem(*command, GEOMEM_CACHE_DIR="full/cache")[0] == geomem(*command)[0]


def test_an_output_there_is_refused_and_kept_elsewhere(geomem):
    _, err, left = geomem(*SUM, "--output", "full/out.npz", code=2)
    assert err.splitlines()[-1].startswith(
        "geomem: cannot write full/out.npz: No space left on device; free space there"
    )
    place = err.split("the averages are in ")[1].split(" instead")[0]
    assert np.load(place)["score"].shape == (1, 40, 2)
    Path(place).unlink()
    assert left == ["fill"]


def test_a_checkpoint_there_is_gone_without(geomem, tmp_path):
    _, err, left = geomem(*SUM, "--output", "out.npz", "--checkpoint", "full/sum.npz")
    assert "the sum goes on without a checkpoint" in err
    assert (tmp_path / "out.npz").exists()
    assert left == ["fill"]


def test_measurements_there_are_refused_by_name(geomem):
    _, err, left = geomem("validate", "collapse", "--output", "full/report", code=2)
    assert "full/report/measurements/collapse." in err.splitlines()[-1]
    assert err.endswith("No space left on device; free space there, or name a place that can be written\n")
    assert left == ["fill", "report"]
