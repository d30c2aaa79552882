"""Manifest: what a result was obtained with, so that it can be obtained again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["devices", "git_state", "manifest", "precision", "versions"]

PACKAGES = (
    "geomem", "numpy", "scipy", "sympy", "mpmath", "python-flint", "matplotlib", "array-api-compat", "scikit-learn",
    "pyarrow", "math-core", "torch",
)  # fmt: skip


def manifest(**run: Any) -> dict[str, Any]:
    """The arguments of a run with the versions, the git state, the machine and the precision it had."""
    return {
        "run": run,
        "versions": versions(),
        "git": git_state(),
        "machine": {
            "platform": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "devices": devices(),
        "matmul_precision": precision(),
    }


def versions() -> dict[str, str | None]:
    """Version of Python and of each package, None where it is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def git_state() -> dict[str, Any] | None:
    """Commit and cleanliness of the checkout this code runs from; None where it runs from an installation."""
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # a virtual environment may lie inside another project
        return {"commit": git("rev-parse", "HEAD"), "clean": not git("status", "--porcelain")}
    except (OSError, subprocess.SubprocessError):
        return None


def devices() -> list[str]:
    """The devices that `--device` can name, with the GPUs' own names."""
    found = ["cpu"]
    if "torch" in sys.modules or versions()["torch"]:
        import torch

        found += [f"cuda: {torch.cuda.get_device_name(k)}" for k in range(torch.cuda.device_count())]
    return found


def precision() -> dict[str, str]:
    """How matrix products are rounded on each backend."""
    found = {"numpy": "full"}
    if versions()["torch"]:
        import torch

        found["torch"] = torch.get_float32_matmul_precision()
    return found
