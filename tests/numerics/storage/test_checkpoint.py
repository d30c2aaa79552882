import json
import os
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.storage import checkpoint
from numerics.storage.checkpoint import Checkpoint
from numerics.storage.contents import Contents


def first(stop):
    """Contents of so many rows."""
    return Contents(2**128 - stop, ((0, stop, 4),))


def state(covariance="full", t=((0.1,), (0.7,))):
    random = np.random.default_rng(0)
    return gibbs_moments(random.standard_normal((4, 3)), random.standard_normal((9, 3)), t, covariance=covariance)


def same(a, b):
    """Field by field to the bit, and of the same types."""
    for field in fields(GibbsMoments):
        mine, theirs = getattr(a, field.name), getattr(b, field.name)
        assert type(mine) is type(theirs), field.name
        if isinstance(mine, np.ndarray):
            assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape), field.name
            assert mine.tobytes() == theirs.tobytes(), field.name
        else:
            assert mine == theirs, field.name


@pytest.fixture
def keeper(tmp_path):
    return Checkpoint(tmp_path / "deep" / "sum.npz", "key")


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
@pytest.mark.parametrize("t", [0.3, ((0.1,), (0.7,))])
def test_what_is_kept_comes_back_bit_for_bit(keeper, covariance, t):
    kept = state(covariance, t)
    keeper.save(kept, first(9))
    found, contents = keeper.load()
    assert contents == first(9)
    same(found, kept)
    same(found + kept, kept + kept)
    assert [p.name for p in keeper.path.parent.iterdir()] == ["sum.npz"]


def test_numbers_that_are_rare_come_back_too(keeper):
    kept = replace(state(), mean=np.array([np.nan, np.inf, -0.0, 5e-324]), count=2**60, temperature=0.1 + 0.2)
    keeper.save(kept, first(2**60))
    found, contents = keeper.load()
    same(found, kept)
    assert contents == first(2**60)


def test_there_is_nothing_before(keeper):
    assert keeper.load() is None
    assert not keeper.path.parent.exists()


def test_the_latest_replaces_the_earlier(keeper):
    for consumed in (3, 5):
        keeper.save(state(), first(consumed))
    assert keeper.load()[1] == first(5)


def refused(keeper, message):
    with pytest.raises(ValueError, match=message) as caught:
        keeper.load()
    assert str(keeper.path) in str(caught.value)
    assert "remove it or name another file" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_question_is_refused(keeper):
    keeper.save(state(), first(9))
    refused(Checkpoint(keeper.path, "other"), "is the checkpoint of another question")
    assert keeper.load()[1] == first(9)


def test_a_file_truncated_anywhere_is_refused(keeper):
    keeper.save(state(), first(9))
    whole = keeper.path.read_bytes()
    for length in range(0, len(whole), 37):
        keeper.path.write_bytes(whole[:length])
        refused(keeper, "is no whole checkpoint")


def test_a_flipped_bit_is_refused_or_harmless(keeper):
    kept = state()
    keeper.save(kept, first(9))
    whole = keeper.path.read_bytes()
    random, refusals = np.random.default_rng(0), 0
    for bit in random.choice(8 * len(whole), 1000, replace=False):
        keeper.path.write_bytes(flipped(whole, int(bit)))
        try:
            found, contents = keeper.load()
        except ValueError:
            refusals += 1
        else:
            same(found, kept)
            assert contents == first(9)
    assert refusals > 500  # the rest were times of day and the like, which zip files carry


def flipped(content, bit):
    broken = bytearray(content)
    broken[bit // 8] ^= 1 << bit % 8
    return bytes(broken)


@pytest.mark.parametrize("part", ["header", "state_mean", "state_nearest"])
def test_a_whole_archive_of_other_numbers_is_refused(keeper, part):
    keeper.save(state(), first(9))
    with np.load(keeper.path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if part == "header":
        arrays[part] = np.array(str(arrays[part]).replace('"consumed": 9', '"consumed": 8'))
    else:
        arrays[part] = arrays[part] + 1
    np.savez(keeper.path, **arrays)
    refused(keeper, "its check sum is wrong")


def foreign(path, kind):
    if kind == "text":
        path.write_text("mine")
    elif kind == "array":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    elif kind == "other arrays":
        np.savez(path, data=np.ones(3))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "mine")
    elif kind == "pickle":
        np.savez(path, header=np.array([{}], dtype=object))
    elif kind == "other header":
        np.savez(path, header=np.array(json.dumps({"format": "geomem checkpoint 0"})))
    elif kind == "list":
        np.savez(path, header=np.array("[]"))
    elif kind == "directory":
        path.mkdir()


@pytest.mark.parametrize(
    "kind", ["text", "array", "other arrays", "zip", "pickle", "other header", "list", "directory"]
)
def test_a_foreign_file_is_refused_and_stays(tmp_path, kind):
    keeper = Checkpoint(tmp_path / "sum.npz", "key")
    foreign(keeper.path, kind)
    before = keeper.path.read_bytes() if keeper.path.is_file() else None
    refused(keeper, "is no whole checkpoint")
    assert before is None or keeper.path.read_bytes() == before


@pytest.mark.parametrize("change", ["less", "more"])
def test_a_state_of_another_version_is_refused(keeper, change, monkeypatch):
    known = [field for field in fields(GibbsMoments) if change == "more" or field.name != "mean"]
    monkeypatch.setattr(checkpoint, "fields", lambda kind: known)
    keeper.save(state(), first(9))
    monkeypatch.setattr(checkpoint, "fields", lambda kind: fields(kind)[: -1 if change == "more" else None])
    refused(keeper, "was written by another version of geomem")


def test_a_write_that_fails_leaves_the_earlier(keeper, monkeypatch):
    keeper.save(state(), first(3))

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keeper.save(state(), first(5))
    assert keeper.load()[1] == first(3)
