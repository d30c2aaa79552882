"""Tests of files of labels."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.storage.labels import read_labels


def test_labels_are_read_from_arrays_and_lines(tmp_path):
    np.save(tmp_path / "one.npy", np.array([[3], [1], [2]]))
    assert read_labels(str(tmp_path / "one.npy")).tolist() == [3, 1, 2]
    (tmp_path / "two.txt").write_text('\ufeffcat\n "dog"\ncat\n\n', encoding="utf-8")
    assert read_labels(str(tmp_path / "two.txt")).tolist() == ["cat", "dog", "cat"]
    assert read_labels("digits").shape == (1797,)


def test_files_that_hold_no_labels_are_refused(tmp_path):
    np.save(tmp_path / "table.npy", np.zeros((3, 2)))
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    (tmp_path / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    for name, said in {
        "table.npy": r"shape \(N,\); got shape \(3, 2\)",
        "objects.npy": "cannot read .* allow_pickle",
        "latin.txt": "not UTF-8",
        "absent.npy": "file of labels not found",
        "labels.xlsx": "labels must be one of .npy, .csv, .tsv, .txt or the word digits",
    }.items():
        with pytest.raises(ValueError, match=said):
            read_labels(str(tmp_path / name))


@pytest.mark.parametrize("header", ["label", "target class", '"y"'])
def test_a_header_above_numbers_is_no_label(tmp_path, header):
    (tmp_path / "a.csv").write_text(f"{header}\n0\n1\n1\n")
    with pytest.raises(ValueError, match=r"its first line, .*, is a header above numbers; remove it"):
        read_labels(str(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_text("a\n0\n1\nb\n")
    assert read_labels(str(tmp_path / "a.csv")).tolist() == ["a", "0", "1", "b"]
    (tmp_path / "a.csv").write_text("NA\n0\n1\n")  # which is missing, and for others to refuse
    assert read_labels(str(tmp_path / "a.csv")).tolist() == ["NA", "0", "1"]
