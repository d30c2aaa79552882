"""A run of `moments` that is killed again and again ends with the sums of one that was not."""

import subprocess
import sys

import numpy as np
import pytest

CHECKPOINT_OFTEN = """
import sys
import numerics.partitions as partitions
partitions.gibbs_moments_of.__kwdefaults__["every"] = 0.1
from validation.cli import main
main()
"""


def command(output):
    words = ["moments", "samples.npy", "--queries", "queries.npy", "--t", "0.5,0.05", "--rows", "5000"]
    words += ["--checkpoint", "kept.npz", "--output", output]
    return [sys.executable, "-P", "-c", CHECKPOINT_OFTEN, *words]


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing(tmp_path):
    random = np.random.default_rng(0)
    np.save(tmp_path / "samples.npy", random.standard_normal((200_000, 16)))
    np.save(tmp_path / "queries.npy", random.standard_normal((800, 16)))
    options = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    subprocess.run(command("whole.npz"), check=True, **options)
    (tmp_path / "kept.npz").unlink(missing_ok=True)
    kills = resumed = finished = 0
    while kills < 200:
        resumed += (tmp_path / "kept.npz").exists()
        with subprocess.Popen(command("killed.npz"), **options) as run:
            try:
                said = run.communicate(timeout=random.uniform(0.5, 4.0))[1]
            except subprocess.TimeoutExpired:
                run.kill()
                kills += 1
                continue
        assert run.returncode == 0, said.decode()
        finished += 1
        with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as killed:
            assert all(np.array_equal(whole[name], killed[name], equal_nan=True) for name in whole.files)
        (tmp_path / "killed.npz").unlink()
        (tmp_path / "kept.npz").unlink(missing_ok=True)
    assert resumed > 20
    assert finished > 20
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".killed")]
