import json
import math

import numpy as np
import pytest

from numerics.measurement import Measurement
from validation.store import Store


def same(a, b):
    return (
        a.keys() == b.keys()
        and all(np.array_equal(a[k].mean, b[k].mean, equal_nan=True) for k in a)
        and all(np.array_equal(a[k].sem, b[k].sem, equal_nan=True) and a[k].n == b[k].n for k in a)
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "deep" / "measurements")


@pytest.mark.parametrize(
    "mean",
    [0.1 + 0.2, np.array(math.pi), np.array([1e-308, -0.0, 1e308]), np.full((2, 0), 1.0), np.array([[np.nan, np.inf]])],
    ids=["float", "0-d", "extremes", "empty", "not finite"],
)
def test_what_is_kept_comes_back_bit_for_bit(store, mean):
    kept = {"a": Measurement(np.asarray(mean), np.abs(mean), 50), "b": Measurement(np.ones(2), np.ones(2), 3)}
    store.put("x", "key", kept)
    found = store.get("x", "key")
    assert same(found, kept)
    assert found["a"].mean.shape == np.shape(mean) or np.size(mean) == 0
    assert np.array_equal(np.signbit(found["a"].mean), np.signbit(mean))


@pytest.mark.parametrize("value", [np.array(math.pi), np.array([[1e-308, -0.0], [np.nan, np.inf]]), np.zeros(0)])
def test_a_number_or_an_array_comes_back_bit_for_bit(store, value):
    store.put("x", "key", value)
    found = store.get("x", "key")
    assert (found.dtype, found.shape) == (value.dtype, value.shape)
    assert np.array_equal(found, value, equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(value))


def test_nothing_is_there_before_and_with_another_key(store):
    assert store.get("x", "key") is None
    assert not store.directory.exists()
    store.put("x", "key", {"a": Measurement(np.ones(1), np.ones(1), 5)})
    assert store.get("x", "other") is None
    assert store.get("y", "key") is None


def test_the_latest_replaces_the_earlier(store):
    for n in (5, 6):
        store.put("x", f"key{n}", {"a": Measurement(np.ones(1), np.ones(1), n)})
    assert store.get("x", "key5") is None
    assert store.get("x", "key6")["a"].n == 6
    assert [p.name for p in store.directory.iterdir()] == ["x.json"]


BROKEN = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"key"',
    b"\xff\xfe\x00",
    b'{"key": "key"}',
    b'{"key": "key", "measurements": null}',
    b'{"key": "key", "measurements": []}',
    b'{"key": "key", "measurements": {"a": 1}}',
    b'{"key": "key", "measurements": {"a": {"mean": [1], "sem": [1]}}}',
    b'{"key": "key", "measurements": {"a": {"mean": "x", "sem": [1], "n": 2}}}',
    b'{"key": "key", "measurements": {"a": {"mean": [[1], [1, 2]], "sem": [1], "n": 2}}}',
]


@pytest.mark.parametrize("content", BROKEN)
def test_a_file_that_is_not_whole_is_not_there(store, content):
    store.directory.mkdir(parents=True)
    (store.directory / "x.json").write_bytes(content)
    assert store.get("x", "key") is None
    kept = {"a": Measurement(np.ones(1), np.ones(1), 5)}
    store.put("x", "key", kept)
    assert same(store.get("x", "key"), kept)


def test_a_file_truncated_anywhere_is_not_there(store):
    store.put("x", "key", {"a": Measurement(np.arange(3.0), np.ones(3), 5)})
    path = store.directory / "x.json"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert store.get("x", "key") is None


def test_a_directory_in_the_place_of_a_file_is_not_there(store):
    (store.directory / "x.json").mkdir(parents=True)
    assert store.get("x", "key") is None


def test_a_stored_file_is_json_that_names_its_parts(store):
    store.put("x", "key", {"a": Measurement(np.array([1.0]), np.array([0.5]), 5)})
    content = json.loads((store.directory / "x.json").read_text())
    assert content.pop("check_sum")
    assert content == {"key": "key", "measurements": {"a": {"mean": [1.0], "sem": [0.5], "skewness": 0.0, "n": 5}}}


def test_of_flipped_bits_none_is_another_number(store):
    random = np.random.default_rng(0)
    kept = {name: Measurement(random.standard_normal(9), random.random(9), 50) for name in "ab"}
    array = random.standard_normal((4, 5))
    store.put("measured", "key", kept)
    store.put("evaluated", "key", array)
    refused = 0
    for name, expected in (("measured", kept), ("evaluated", {"value": Measurement(array, array, 0)})):
        path = store.directory / f"{name}.json"
        whole = path.read_bytes()
        for bit in random.choice(8 * len(whole), 1500, replace=False):
            broken = bytearray(whole)
            broken[bit // 8] ^= 1 << bit % 8
            path.write_bytes(broken)
            found = store.get(name, "key")
            refused += found is None
            if found is not None:  # as where a space became another
                found = found if name == "measured" else {"value": Measurement(found, found, 0)}
                assert same(found, expected)
    assert refused > 2900


def test_what_an_earlier_version_kept_without_a_check_sum_is_not_there(store):
    store.put("x", "key", np.ones(1))
    path = store.directory / "x.json"
    content = json.loads(path.read_text())
    del content["check_sum"]
    path.write_text(json.dumps(content))
    assert store.get("x", "key") is None
