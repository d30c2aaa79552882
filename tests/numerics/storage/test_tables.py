import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from numerics.storage import tables
from numerics.storage.tables import load, read
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
        case ".tsv":
            np.savetxt(path, table, delimiter="\t")
        case ".txt":
            np.savetxt(path, table)
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
        "a,b\n1,2\n3,4\n5,6\n",
        '"a b","c,d"\n1,2\n3,4\n5,6\n',
        "a,b\r\n1,2\r\n3,4\r\n5,6\r\n",
        "\ufeffa,b\n1,2\n3,4\n5,6\n",
        "a,b\n1,2\n\n3,4\n5,6",
        "\n\n  \na,b\n1,2\n3,4\n5,6\n",
        "a,b\n 1, 2\n 3, 4\n5e0,+6\n",
        "a;b\n1,0;2\n3,0;4\n5;6\n",
        "a\tb\n1,0\t2\n3,0\t4\n5\t6\n",
        "a b\n1 2\n3  4\n 5 6\n",
        "a,b\n1,2\n# note\n3,4\n5,6\n",
        "sep=;\na;b\n1;2\n3;4\n5;6\n",
        'a,b\n"1,0","2,0"\n"3,0","4,0"\n"5,0","6,0"\n',
        "a|b\n1|2\n3|4\n5|6\n",
        "a,b,\n1,2,\n3,4,\n5,6,\n",
        ",a,b\n0,1,2\n1,3,4\n2,5,6\n",
        ",a,b\nx,1,2\ny,3,4\nz,5,6\n",
        "Unnamed: 0,a,b\n17,1,2\n3,3,4\n99,5,6\n",
        "row,a,b\n1,1,2\n2,3,4\n3,5,6\n",
        '"a","b"\n"1",1,2\n"2",3,4\n"3",5,6\n',
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


@pytest.mark.parametrize("source", ["", "data", "data.doc", "data.xlsx", "data.npy.gz", "Digits", "/", "."])
def test_unknown_formats(source):
    refused(source, r"data must be one of .npy, .npz, .csv, .tsv, .txt, .parquet or the word digits, got '")


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
    path.write_bytes(whole[: len(whole) // 2 + (0 if suffix not in tables.TEXT else 5)])
    if suffix not in tables.TEXT:
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
        ("a,b\n3,x\n5,6\n", r"line 2 has 'x' in column 2 \('b'\), not a number; leave that column out with --columns"),
        (
            "7,2\n3,x\n5,6\n",
            "'x' in column 2, not a number; mend or remove that line, or leave that column out with --columns",
        ),
        ("a,b\nm,kg\n1,2\n3,4\n", r"line 2 has no number, as 'm' in column 1 \('a'\); remove that line"),
        ("7,2\n3,\u22124\n5,6\n", "line 2 has '\u22124' in column 2, not a number; write - for \u2212"),
        ("\na,b\n1,2\n3,x\n5,6\n", r"line 4 has 'x' in column 2 \('b'\), not a number"),
        ("a,b\n1,2\n3,\n5,6\n", r"row 2 of the data, column 2 \('b'\), is missing .*--drop-missing"),
        ("1,,3\n4,5,6\n7,8,9\n1,2,3\n", "row 1 of the data, column 2, is missing"),
        ("0.5,NA,3\n4,5,6\n7,8,9\n1,2,3\n", "row 1 of the data, column 2, is missing"),
        ("nan,0.5\n4,5\n7,8\n1,2\n", "row 1 of the data, column 1, is missing"),
        ("7,2\n3,4,5\n6,7\n", "line 2 has 3 cells where those above have 2"),
        ("a,b\n3,4,5,6\n6,7,8,9\n", "the header has 2 names where line 2 has 4 cells"),
        ("a,b\n1_0,2\n3,4\n5,6\n", "line 2 has '1_0' in column 1"),
        (" \n\n", "the file is empty"),
        ("a,b\n", "must hold at least 3 samples"),
        ("a,b\n1,2\n3,4\n", r"must hold at least 3 samples, got shape \(2, 2\)"),
        ("7,2\n3,nan\n5,6\n", "must be finite, but row 2 of the data, column 2, is missing"),
        ("7,2\n3,-inf\n5,6\n", "must be finite, but row 2 of the data, column 2, is -inf"),
        ("7,2\n3,1e999\n5,6\n", "must be finite, but row 2 of the data, column 2, is inf"),
        ("7,2\n3,1+2j\n5,6\n", r"line 2 has '1\+2j' in column 2, not a number"),
        ("7,2,1\n7,2,1\n7,2,1\n", "must vary, got a constant data set"),
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
        (np.where(TABLE == 4, np.nan, TABLE), "must be finite, but row 1 of the data, column 3, is missing"),
        (np.where(TABLE == 4, np.inf, TABLE), "must be finite, but row 1 of the data, column 3, is inf"),
        (TABLE + np.longdouble(1) / 3, r"\[0, 0\] is 0.3333.*which float64 cannot hold exactly"),
        (
            np.array([[3, 2**53 + 1], [5, 6], [9, 8]]),
            r"\[0, 1\] is 9007199254740993, which float64 cannot hold exactly",
        ),
        (
            np.c_[np.arange(4), TABLE],
            "column 1 counts the rows from 0, .* leave it out with --columns 2-4, or take it with",
        ),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_bad_arrays(tmp_path, suffix, table, message):
    refused(saved(tmp_path, f"a{suffix}", table), message)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x", "y", "z"]}, "must hold real numbers, got string in column 'a'; leave that column out"),
        ({"a": [[1, 2], [3, 4], [5, 6]]}, "must hold real numbers, got list"),
        ({"a": [1, None, 7]}, r"row 2 of the data, column 1 \('a'\), is missing"),
        ({"a": [1, 2, 9], "b": ["x", "y", "z"]}, "must hold real numbers, got string in column 'b'"),
        ({"a": [2**53 + 1, None, 7], "b": [0.5, 1.5, 2.5]}, "is 9007199254740993, which float64 cannot hold exactly"),
        ({"when": [1, 2, 3], "a": [0.5, 1.5, 0.1]}, r"column 1 \('when'\) counts the rows from 1"),
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
    def fail(path, *options, **text):
        raise MemoryError

    monkeypatch.setitem(tables._READERS, ".npz", fail)
    refused(saved(tmp_path, "a.npz"), "does not fit into memory; audit a subsample of it")


# -- labels are not data

DECIMALS = np.random.default_rng(5).standard_normal((40, 3)).round(4)


def text(*above, labels=None, mark=",", below=()):
    """Lines of a file: what is above, the decimals, with labels in front if there are any, and what is below."""
    rows = [mark.join(map(str, row)) for row in DECIMALS]
    if labels is not None:
        rows = [f"{label}{mark}{row}" for label, row in zip(labels, rows, strict=True)]
    return "\n".join([*above, *rows, *below]) + "\n"


def written(tmp_path, content, name="a.csv"):
    (tmp_path / name).write_text(content)
    return str(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "first", "left_out"),
    [
        (text(), "1", []),
        (text("0,1,2"), "0", []),
        (text("1,2,3"), "1", []),
        (text("0.0,1.0,2.0"), "0.0", []),
        (text(",0,1,2", labels=range(40)), "0", ["column 1, an index without a name"]),
        (text(",a,b,c", labels=range(1, 41)), "a", ["column 1, an index without a name"]),
        (text(",a,b,c", labels=np.arange(40) * 7 % 41), "a", ["column 1, an index without a name"]),
        (text("sample_id,a,b,c", labels=range(40)), "a", ["column 1 ('sample_id'), which counts the rows from 0"]),
        (text("# mine", "a,b,c"), "a", ["1 line of comment (#)"]),
    ],
)
def test_labels_are_recognized_and_told(tmp_path, content, first, left_out):
    table = read(written(tmp_path, content))
    assert (table.samples == DECIMALS).all()
    assert table.taken.summary() == {
        "rows": 40,
        "columns": 3,
        "first": first,
        "last": {"0": "2", "0.0": "2.0", "a": "c"}.get(first, "3"),
        "left_out": left_out,
        "doubts": [],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (text("2001,2002,2003"), r"the first row \('2001', '2002', '2003'\) may be a header or data; say --header if"),
        (text("400.5,410.5,420.5"), "may be a header or data"),
        (text("400,450,600"), "may be a header or data"),
        (text("0.5,oops,0.1"), "may be a header or data"),
        (text(",0.5,0.1"), "may be a header or data"),
        ("0,1\n0.5,0.1\n0.2,0.3\n", "may be a header or data"),
        ("0,1,2\n5,3,1\n0,0,9\n7,8,1\n", "may be a header or data"),
        (
            text(labels=range(40)),
            "column 1 counts the rows from 0, as an index does; leave it out with --columns 2-4, or",
        ),
        (text("time,a,b,c", labels=range(40)), r"column 1 \('time'\) counts the rows from 0"),
        (text("k,a,b,c", labels=range(100, 140)), "counts in steps of 1 from 100"),
        (text("k,a,b,c", labels=range(0, 2400, 60)), "counts in steps of 60 from 0"),
        (text("k,a,b,c", labels=1 + np.arange(40) * 7 % 40), "holds the numbers from 1 to 40, each once"),
        (text(",a,b,c", labels=np.arange(40) / 7), "column 1 has no name of its own: an index or data; choose columns"),
        (
            text("id,a,b,c", labels=1234567890123456789 + np.arange(40) ** 2),
            "line 2 has 1234567890123456789 in column 1",
        ),
        ("a;b\n1,234;5\n7,654;6\n2,345;9\n", "cells such as '1,234' have two readings; .* say --decimal ,"),
        ("a;b\n1,5;2.5\n3,5;1.5\n2,5;1.0\n", "cells such as '1,5' and '2.5' have two readings"),
        (text("a,b,c,"), "the header has 4 names where line 2 has 3 cells"),
        (
            "0,5\n1,25\n-2,75\n",
            "lines such as '0,5' are two whole numbers, or one with a decimal comma; say --decimal . or",
        ),
        ("400,450.5,600,601,700,801.5\n" + "3,1,4,1,5,9\n2,6,5,3,5,8\n" * 9, "may be a header or data"),
        ("a;b\n1.234;5\n12.345;6\n2.100;9\n", "cells such as '1.234' have two readings; .* say --decimal ."),
    ],
)
def test_what_has_two_readings_is_refused_with_the_remedy(tmp_path, content, message):
    refused(written(tmp_path, content), message)


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (text("2001,2002,2003"), {"header": True}, DECIMALS),
        (text("0,1,2"), {"header": False}, np.r_[[[0, 1, 2]], DECIMALS]),
        (text("time,a,b,c", labels=range(40)), {"columns": "1-4"}, np.c_[np.arange(40), DECIMALS]),
        (text("time,a,b,c", labels=range(40)), {"columns": "a-c"}, DECIMALS),
        (text("time,a,b,c", labels=range(40)), {"columns": "2,c"}, DECIMALS[:, [0, 2]]),
        (text("time,a,b,c", labels=range(40)), {"columns": [4, "a"]}, DECIMALS[:, [0, 2]]),
        (text('"a-b","c,d",e'), {"columns": 'a-b,"c,d"'}, DECIMALS[:, :2]),
        (text("a,b,c", below=["1,NA,3", "4,5,"]), {"drop_missing": True}, DECIMALS),
        ("a;b\n1,234;5\n7,654;6\n2,345;9\n", {"decimal": ","}, [[1.234, 5], [7.654, 6], [2.345, 9]]),
        ("0,5\n1,25\n-2,75\n", {"decimal": ","}, [[0.5], [1.25], [-2.75]]),
        ("0,5\n1,25\n-2,75\n", {"decimal": "."}, [[0, 5], [1, 25], [-2, 75]]),
        ("x\n0,5\n1,25\n-2,75\n", {}, [[0.5], [1.25], [-2.75]]),
        ("a,b\n0,5\n1,25\n-2,75\n", {}, [[0, 5], [1, 25], [-2, 75]]),
        ("a;b\n1.234;5\n2.100;9\n3.5;7\n", {}, [[1.234, 5], [2.1, 9], [3.5, 7]]),
        ("a;b\n1.234;5\n2.100;9\n3.000;7\n", {"decimal": "."}, [[1.234, 5], [2.1, 9], [3, 7]]),
        ('a;b;t\n1,5;2;"x;y"\n2,5;3;"x;y"\n7,5;1;"z"\n', {"columns": "a-b"}, [[1.5, 2], [2.5, 3], [7.5, 1]]),
    ],
)
def test_options_decide(tmp_path, content, options, expected):
    assert (load(written(tmp_path, content), **options)[1] == expected).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("1-9", r"--columns must hold names or positions of the 4 columns \(t, a, b, c\), as in 1-6,8; got '1-9'"),
        ("0", "got '0'"),
        ("3-2", "got '3-2'"),
        ("d", "got 'd'"),
        ("a,2", "each once"),
        ("", "--columns must"),
    ],
)
def test_columns_that_are_none(tmp_path, columns, message):
    refused(written(tmp_path, text("t,a,b,c", labels=range(40))), message, columns=columns)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_columns_of_arrays(tmp_path, suffix):
    path = saved(tmp_path, f"a{suffix}", np.c_[np.arange(4.0), TABLE])
    refused(path, "counts the rows from 0")
    assert (load(path, columns="2-4")[1] == TABLE).all()
    assert load(path, columns="1-4")[1].shape == (4, 4)
    long = saved(tmp_path, f"b{suffix}", np.c_[np.arange(40.0), DECIMALS])
    assert read(long, columns="1-4").taken.doubts[0].endswith("counts the rows from 0")
    refused(path, "a header and a decimal mark are options of text", header=True)


def test_an_index_of_pandas_in_parquet_is_left_out(tmp_path):
    columns = {"a": DECIMALS[:, 0], "b": DECIMALS[:, 1], "when": np.arange(40) % 7}
    table = pyarrow.table(columns).replace_schema_metadata({"pandas": '{"index_columns": ["when"], "columns": []}'})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    found = read(str(tmp_path / "a.parquet"))
    assert (found.samples == DECIMALS[:, :2]).all()
    assert found.taken.left_out == ("column 3 ('when'), an index",)


@pytest.mark.parametrize(
    ("name", "labels", "doubt"),
    [
        ("day", [f"202001{d:02}" for d in np.arange(40) % 28 + 1], "column 1 ('day') looks like dates"),
        ("at", 1_600_000_000 + np.arange(40) ** 2, "column 1 ('at') looks like times since 1970"),
        ("k", np.arange(40) ** 2, "column 1 ('k') looks like an ID: whole numbers, all different"),
        ("label", np.arange(40) % 3, "column 1 ('label') looks like a class, by its name"),
    ],
)
def test_what_is_read_and_looks_like_a_label_is_told(tmp_path, name, labels, doubt):
    table = read(written(tmp_path, text(f"{name},a,b,c", labels=labels)))
    assert table.samples.shape == (40, 4)
    assert table.taken.doubts == (doubt,)
    assert doubt in str(table.taken)


def test_integers_beyond_float64_are_read_where_they_are_exact(tmp_path):
    content = "a,b\n9007199254740994,1\n1152921504606846976,2\n1e300,4\n"
    assert load(written(tmp_path, content))[1][:, 0].tolist() == [2.0**53 + 2, 2.0**60, 1e300]


def test_text_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes("°C,b\n1,2\n".encode("latin-1"))
    refused(tmp_path / "a.csv", "its text is not UTF-8; save it as UTF-8")


def test_a_form_that_the_first_lines_do_not_show_is_refused(tmp_path):
    content = text("a,b,c", below=["0.5;0.5;0.5"])
    refused(written(tmp_path, content), "line 42 has 1 cells where those above have 3")
    many = "a;b\n" + "7;2\n" * 300 + "7;2,5\n"
    refused(written(tmp_path, many), "line 302 has '2,5' in column 2 .*say --decimal , if a comma is the decimal mark")
    empty = "a,b,\n" + "7,2,\n" * 300 + "7,2,5\n"
    refused(written(tmp_path, empty), "line 302 has '5' in column 3, which has no name and is empty above")


def test_a_comma_that_parts_cells_is_no_decimal_mark(tmp_path):
    refused(written(tmp_path, "3,5,4,25\n7,5,1,75\n0,5,2,25\n"), "so they cannot be the decimal mark", decimal=",")


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("12 kg", "write the number alone"),
        ("$12.5", "write the number alone"),
        ("85 %", "write the number alone"),
        ("(3.2)", "write the number alone"),
        ("1 234.5", "write numbers without thousands separators"),
        ("1'234", "write numbers without thousands separators"),
        ("1.5D+03", "write e for the exponent"),
        ("2024-01-05", "mend or remove that line, or leave that column out"),
        ("10:30", "mend or remove that line, or leave that column out"),
    ],
)
def test_numbers_of_persons_are_refused_with_how_to_write_them(tmp_path, cell, hint):
    refused(written(tmp_path, text("a,b,c", below=[f"0.5,{cell},0.1"])), f"line 42 has .* in column 2 .*; {hint}")


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#NAME?", "#VALUE!"])
def test_a_line_that_begins_with_an_error_of_a_spreadsheet_is_no_comment(tmp_path, error):
    path = written(tmp_path, text("a,b,c", below=[f"{error},0.5,0.1"]))
    refused(path, r"row 41 of the data, column 1 \('a'\), is missing")
    assert read(path, drop_missing=True).taken.left_out == ("1 of 41 rows, with missing cells",)


TOTAL = ",".join(map(repr, DECIMALS.sum(axis=0).tolist()))


@pytest.mark.parametrize("label", ["", "Total", '"Sum"', "-"])
def test_a_row_without_a_number_in_an_index_is_no_sample(tmp_path, label):
    content = text(",a,b,c", labels=range(40), below=[f"{label},{TOTAL}"])
    said = r"line 42 has .* in column 1, an index of whole numbers above: a total, .* or take it with --columns 2-4"
    refused(written(tmp_path, content), said)
    assert (
        read(written(tmp_path, content), columns="2-4").taken.doubts[0].startswith("the last row is the sum of those")
    )
    assert len(read(written(tmp_path, text(",a,b,c", labels=[f"s{k}" for k in range(40)]))).samples) == 40


def test_a_row_without_a_number_in_a_named_index_is_missing_a_cell(tmp_path):
    path = written(tmp_path, text("id,a,b,c", labels=range(40), below=[f",{TOTAL}"]))
    refused(path, r"row 41 of the data, column 1 \('id'\), is missing \(1 such cells\)")
    found = read(path, drop_missing=True)
    assert (found.samples == DECIMALS).all()
    assert found.taken.left_out == ("column 1 ('id'), which counts the rows from 0", "1 of 41 rows, with missing cells")


@pytest.mark.parametrize(("of", "rows"), [("sum", np.sum), ("mean", np.mean)])
def test_a_last_row_of_totals_is_told(tmp_path, of, rows):
    table = np.r_[DECIMALS, rows(DECIMALS, axis=0)[None].round(7)]
    (doubt,) = read(saved(tmp_path, "a.npy", table)).taken.doubts
    assert doubt == f"the last row is the {of} of those above: a total; remove it if it is no sample"
    assert read(saved(tmp_path, "b.npy", np.r_[table[1:], table[:1]])).taken.doubts == ()
    assert read(saved(tmp_path, "c.npy", np.r_[DECIMALS, -DECIMALS, 0 * DECIMALS[:1]])).taken.doubts == ()


def test_bytes_of_zero_are_told(tmp_path):
    (tmp_path / "a.csv").write_bytes("a,b\n1,2\n".encode("utf-16-le"))
    refused(tmp_path / "a.csv", "line 1 holds bytes of 0, as text in UTF-16 does; save it as UTF-8")


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        (
            {(3, 0): -999, (9, 2): -999, (20, 2): -999},
            "-999 in columns 1,3 (3 of them, nothing near) looks like a code",
        ),
        ({(3, 0): -999, (9, 0): -99}, "-999 in column 1"),
        ({(5, 1): 9999}, "9999 in column 2 (1 of them, nothing near)"),
        ({(5, 1): 1e20, (7, 1): 1e20}, "1e+20 in column 2"),
        ({(5, 1): -50, (7, 1): -50}, "-50 in column 2 (2 of them, nothing near)"),
    ],
)
def test_codes_for_missing_cells_are_told(tmp_path, changed, doubt):
    table = DECIMALS.copy()
    for place, code in changed.items():
        table[place] = code
    found = read(saved(tmp_path, "a.npy", table))
    assert (found.samples == table).all()
    assert any(doubt in said for said in found.taken.doubts), found.taken.doubts


@pytest.mark.parametrize(
    "table",
    [
        np.where(np.arange(40)[:, None] % 2, DECIMALS, 0),  # many zeros, amid others
        np.r_[DECIMALS, [[3.9, 0, 0], [-4.1, 0, 0]]],
        np.random.default_rng(0).integers(0, 16, (40, 3)),
        np.random.default_rng(0).integers(0, 2, (40, 3)),
        np.random.default_rng(0).integers(0, 1000, (900, 3)),
    ],
)
def test_ordinary_numbers_are_no_codes(tmp_path, table):
    assert read(saved(tmp_path, "a.npy", table)).taken.doubts == ()


def test_steps_and_classes_are_told_by_their_numbers(tmp_path):
    table = np.c_[np.linspace(0, 3.9, 40).round(1), DECIMALS, np.arange(40) * 7 % 3]
    assert read(saved(tmp_path, "a.npy", table)).taken.doubts == (
        "column 5 looks like a class: whole numbers from 0 to 2 beside fractions",
        "column 1 goes in equal steps, as times and places do",
    )
    assert read(saved(tmp_path, "b.npy", 1e300 * DECIMALS)).taken.doubts == ()  # whole as all large numbers are


def test_a_file_that_goes_on_behind_its_array_is_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, TABLE)
        np.save(file, TABLE)
    refused(
        tmp_path / "a.npy", r"224 bytes follow its array of shape \(4, 3\), as where several were saved to one file"
    )


def test_what_an_archive_holds_besides_is_told(tmp_path):
    np.savez(tmp_path / "a.npz", data=TABLE, labels=np.arange(4))
    assert read(str(tmp_path / "a.npz")).taken.left_out == ("the array 'labels'",)
    np.savez(tmp_path / "b.npz", data=TABLE, indices=np.arange(4), indptr=np.arange(4))
    refused(tmp_path / "b.npz", r"it holds a sparse matrix; save its .toarray\(\) with numpy.save")


def test_samples_along_another_axis_than_the_first_are_told(tmp_path):
    images = np.random.default_rng(0).integers(256, size=(4, 4, 3, 50))
    assert "samples are along the first axis of (4, 4, 3, 50), 4 of them" in str(
        read(saved(tmp_path, "a.npy", images)).taken
    )
    assert read(saved(tmp_path, "b.npy", np.moveaxis(images, 3, 0))).taken.doubts == (
        "each sample, 4 x 4 x 3, is flattened",
    )


def test_parquet_takes_columns_of_one_name_and_nothing_from_the_names_of_folders(tmp_path):
    folder = tmp_path / "year=2020"
    folder.mkdir()
    columns = [pyarrow.array(column) for column in TABLE.T]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(columns, names=["a", "a", "b"]), folder / "a.parquet")
    assert (load(str(folder / "a.parquet"))[1] == TABLE).all()
