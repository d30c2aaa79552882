import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from numerics.storage import tables
from numerics.storage.tables import load
from tests.numerics.conftest import Trap

# -- data sets of users

TABLE = np.arange(12.0).reshape(4, 3) ** 2


def saved(folder, name, table=TABLE):
    path = folder / name
    match path.suffix:
        case ".npy":
            np.save(path, table)
        case ".npz":
            np.savez(path, table)
        case ".csv":
            np.savetxt(path, table, delimiter=",")
        case ".parquet":
            columns = {f"c{k}": column for k, column in enumerate(np.asarray(table).T)}
            pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


@pytest.mark.parametrize("suffix", tables.FORMATS)
def test_every_format(tmp_path, suffix):
    name, samples = load(saved(tmp_path, f"my data{suffix}"))
    assert name == "my data"
    assert samples.dtype == np.float64
    assert (samples == TABLE).all()


def test_every_format_has_a_reader():
    assert tuple(tables._READERS) == tables.FORMATS


def test_suffixes_in_capitals(tmp_path):
    saved(tmp_path, "a.npy")
    (tmp_path / "a.npy").rename(tmp_path / "a.NPY")
    assert load(str(tmp_path / "a.NPY"))[1].shape == (4, 3)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint16", ">f8", "bool"])
def test_every_number_becomes_float64(tmp_path, dtype):
    table = (TABLE % 5).astype(dtype)
    samples = load(saved(tmp_path, "a.npy", table))[1]
    assert samples.dtype == np.float64
    assert (samples == table.astype(float)).all()


def test_images_are_flattened(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3), dtype=np.uint8)
    samples = load(saved(tmp_path, "a.npy", images))[1]
    assert (samples == images.reshape(5, 48)).all()


def test_fortran_order(tmp_path):
    assert (load(saved(tmp_path, "a.npy", np.asfortranarray(TABLE)))[1] == TABLE).all()


def test_digits():
    name, samples = load("digits")
    assert name == "digits"
    assert samples.shape == (1797, 64)


def test_an_archive_of_several_with_data_among_them(tmp_path):
    np.savez(tmp_path / "a.npz", data=TABLE, labels=np.arange(4), names=np.array([None, {}], dtype=object))
    assert (load(str(tmp_path / "a.npz"))[1] == TABLE).all()


def test_an_archive_of_several(tmp_path):
    np.savez(tmp_path / "a.npz", train=TABLE, test=TABLE)
    with pytest.raises(ValueError, match=r"it holds 2 arrays \(train, test\) and none is called data"):
        load(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n5,6\n",
        "a,b\n1,2\n3,4\n5,6\n",
        '"a b","c,d"\n1,2\n3,4\n5,6\n',
        '"1","2"\n"3","4"\n"5","6"\n',
        "a,0\n1,2\n3,4\n5,6\n",
        "1,2\r\n3,4\r\n5,6\r\n",
        "\ufeff1,2\n3,4\n5,6\n",
        "\ufeffa,b\n1,2\n3,4\n5,6\n",
        "1,2\n\n3,4\n5,6",
        " 1, 2\n 3, 4\n5e0,+6\n",
    ],
)
def test_tables_in_text(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert load(str(path))[1].tolist() == [[1, 2], [3, 4], [5, 6]]


def test_pickles_are_refused_and_not_opened(tmp_path):
    trap = tmp_path / "sprung"
    objects = np.empty((4, 3), dtype=object)
    objects[...] = Trap(trap)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", data=objects)
    for name in ("c.npy", "c.npz"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap(trap)))
    for name in ("a.npy", "b.npz", "c.npy", "c.npz"):
        with pytest.raises(ValueError, match="cannot read"):
            load(str(tmp_path / name))
    assert not trap.exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert trap.exists()  # the trap works


def refused(source, message, **options):
    with pytest.raises(ValueError, match=message) as caught:
        load(str(source), **options)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize("source", ["", "data", "data.txt", "data.xlsx", "data.npy.gz", "Digits", "/", "."])
def test_unknown_formats(source):
    refused(source, r"data must be one of .npy, .npz, .csv, .parquet or the word digits, got '")


@pytest.mark.parametrize("suffix", tables.FORMATS)
def test_files_that_are_none(tmp_path, suffix):
    missing = refused(tmp_path / f"a{suffix}", "data file not found: '")
    assert f"a{suffix}" in missing
    (tmp_path / f"b{suffix}").mkdir()
    refused(tmp_path / f"b{suffix}", "data file not found: '")
    refused(tmp_path / f"a\0{suffix}", "data file not found: '")
    refused(tmp_path / ("a" * 300 + suffix), "cannot read .*: File name too long")


@pytest.mark.parametrize("suffix", tables.FORMATS)
@pytest.mark.parametrize("content", [b"", b"garbage\n" * 20, bytes(range(256)) * 4, b"\0" * 100])
def test_files_of_garbage(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    refused(path, f"cannot read .* as {suffix}: .|must hold at least 3 samples")


@pytest.mark.parametrize("suffix", tables.FORMATS)
def test_files_cut_short(tmp_path, suffix):
    path = Path(saved(tmp_path, f"a{suffix}", np.random.default_rng(0).standard_normal((500, 3))))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + (0 if suffix != ".csv" else 5)])
    if suffix != ".csv":
        refused(path, "cannot read")


@pytest.mark.parametrize(
    ("inside", "outside"), [(".npz", ".npy"), (".npy", ".npz"), (".csv", ".npy"), (".npy", ".csv")]
)
def test_files_under_the_wrong_suffix(tmp_path, inside, outside):
    path = Path(saved(tmp_path, f"a{inside}")).rename(tmp_path / f"a{outside}")
    refused(path, f"cannot read .* as {outside}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_files_that_may_not_be_read(tmp_path):
    path = Path(saved(tmp_path, "a.npy"))
    path.chmod(0)
    refused(path, "cannot read .*[Pp]ermission denied")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,x\n5,6\n", "could not convert string 'x'"),
        ("a,b\n1,2\n3,\n5,6\n", "could not convert string ''"),
        ("1,,3\n4,5,6\n7,8,9\n1,2,3\n", "could not convert string ''"),
        ("1,2\n3,4,5\n6,7\n", "number of columns changed"),
        ("1;2\n3;4\n5;6\n", "could not convert string"),
        ("a,b\n", "must hold at least 3 samples"),
        ("a,b\n1,2\n3,4\n", r"must hold at least 3 samples, got shape \(2, 2\)"),
        ("1,2\n3,nan\n5,6\n", "must be finite, got NaN or infinite entries; drop or impute them first"),
        ("1,2\n3,-inf\n5,6\n", "must be finite"),
        ("1,2\n3,1e999\n5,6\n", "must be finite"),
        ("1,2\n3,1+2j\n5,6\n", "could not convert string"),
        ("1,2\n1,2\n1,2\n", "must vary, got a constant data set"),
    ],
)
def test_bad_tables_in_text(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(path, message)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.float64(3), r"must hold a table \(samples, dimensions\), got shape \(\)"),
        (np.arange(5.0), r"must hold a table \(samples, dimensions\), got shape \(5,\)"),
        (np.ones((2, 3)), r"must hold at least 3 samples, got shape \(2, 3\)"),
        (np.ones((0, 3)), r"must hold at least 3 samples, got shape \(0, 3\)"),
        (np.ones((5, 0)), r"must hold at least 3 samples, got shape \(5, 0\)"),
        (np.ones((5, 2)), "must vary, got a constant data set: every sample is the same point"),
        (TABLE * 1j, "must hold real numbers, got dtype complex128"),
        (TABLE.astype(str), "must hold real numbers, got dtype <U"),
        (TABLE.astype("M8[s]"), "must hold real numbers, got dtype datetime64"),
        (np.zeros((4, 3), dtype=[("a", float)]), "must hold real numbers, got dtype"),
        (np.where(TABLE == 4, np.nan, TABLE), "must be finite, got NaN or infinite entries"),
        (np.where(TABLE == 4, np.inf, TABLE), "must be finite, got NaN or infinite entries"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_bad_arrays(tmp_path, suffix, table, message):
    refused(saved(tmp_path, f"a{suffix}", table), message)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x", "y", "z"]}, "must hold real numbers, got dtype object"),
        ({"a": [[1, 2], [3, 4], [5, 6]]}, "must hold real numbers, got dtype object"),
        ({"a": [1, None, 3]}, "must be finite"),
        ({"a": [1, 2, 3], "b": ["x", "y", "z"]}, "must hold real numbers, got dtype object"),
        ({}, "cannot read"),
    ],
)
def test_bad_columns(tmp_path, columns, message):
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", message)


@pytest.mark.parametrize("suffix", tables.FORMATS)
def test_more_than_memory(tmp_path, suffix):
    path = saved(tmp_path, f"a{suffix}")
    load(path, largest=8 * TABLE.size)
    refused(path, "takes .* GiB in float64; audit a subsample of it", largest=8 * TABLE.size - 1)


def test_more_than_memory_before_it_is_read(tmp_path):
    # the file is a hole in the disk, a GiB wide
    path = tmp_path / "a.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype="float64", shape=(2**14, 2**13))
    refused(path, "takes 1.0 GiB in float64", largest=2**20)


def test_out_of_memory(tmp_path, monkeypatch):
    def fail(path):
        raise MemoryError

    monkeypatch.setitem(tables._READERS, ".npz", fail)
    refused(saved(tmp_path, "a.npz"), "does not fit into memory; audit a subsample of it")
