"""Labels: the class of every sample, in a file beside the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.storage.text import MISSING, NUMBER

__all__ = ["FORMATS", "read_labels"]

FORMATS = (".npy", ".csv", ".tsv", ".txt")


def read_labels(source: str) -> NDArray[Any]:
    """Labels of N samples, numbers or words, shape (N,).

    Args:
        source: a .npy file of one axis, a text file with one label in each line, or the word `digits`.

    Raises:
        ValueError: for a file that is missing, unreadable, or of another format or shape.
    """
    if source == "digits":
        from sklearn.datasets import load_digits

        return np.asarray(load_digits().target)
    path = Path(source)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"labels must be one of {', '.join(FORMATS)} or the word digits, got {source!r}")
    try:
        found = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else _lines(path)
    except FileNotFoundError:
        raise ValueError(f"file of labels not found: {source!r}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot read {source!r}: its text is not UTF-8; save it as UTF-8") from None
    except Exception as error:  # readers raise whatever they raise
        raise ValueError(f"cannot read {source!r}: {' '.join(str(error).split())}") from None
    if found.ndim == 2 and 1 in found.shape:
        found = found.ravel()
    if found.ndim != 1:
        raise ValueError(f"labels must be one for each sample, shape (N,); got shape {found.shape} in {source!r}")
    return found


def _lines(path: Path) -> NDArray[Any]:
    lines = [line.strip().strip("\"'") for line in path.read_text(encoding="utf-8-sig").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if (
        len(lines) > 1
        and lines[0].lower() not in MISSING
        and not _is_number(lines[0])
        and all(map(_is_number, lines[1:]))
    ):
        raise ValueError(
            f"its first line, {lines[0]!r}, is a header above numbers; remove it, and give one label a line"
        )
    return np.array(lines)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
