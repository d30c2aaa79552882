import os
import pickle
import sys

import array_api_strict
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.storage import sources
from numerics.storage.sources import open_source
from numerics.storage.tables import load
from tests.numerics.conftest import PROPERTY, Trap

zarr = pytest.importorskip("zarr")

TABLE = np.random.default_rng(0).standard_normal((23, 3))
KINDS = ("array", "view", ".npy", "columns.npy", ".parquet", "directory", ".zarr", "zarr 2")
FILES = KINDS[2:]


class View:
    """The least that is needed: a shape, and rows to slice."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        return self.array[rows]


def parquet(path, table, **options):
    columns = {f"c{k}": np.ascontiguousarray(table[:, k]) for k in range(table.shape[1])}
    pyarrow.parquet.write_table(pyarrow.table(columns), path, **options)


def saved(directory, kind, table=TABLE):
    """The table as a data set of some kind: what `open_source` takes."""
    directory.mkdir(parents=True, exist_ok=True)
    if kind == "array":
        return table
    if kind == "view":
        return View(table)
    path = directory / f"a{kind.replace(' 2', '')}"
    if kind == ".npy":
        np.save(path, table)
    elif kind == "columns.npy":
        np.save(path, np.asfortranarray(table))
    elif kind == ".parquet":
        parquet(path, table, row_group_size=4)
    elif kind == "directory":
        path.mkdir()
        for k, rows in enumerate(np.array_split(np.arange(len(table)), 3)):
            parquet(path / f"part-{k}.parquet", table[rows], row_group_size=5)
    else:
        options = {"zarr_format": 2 if kind == "zarr 2" else 3} if zarr.__version__ >= "3" else {}
        array = zarr.open_array(
            str(path), mode="w", shape=table.shape, chunks=(5, *table.shape[1:]), dtype=table.dtype, **options
        )
        array[...] = table
    return path


def everything(source, rows=7):
    return np.concatenate(list(source.blocks(0, source.shape[0], rows)))


def refused(data, message):
    with pytest.raises(ValueError, match=message) as caught:
        open_source(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- what is read


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_has_the_rows_that_were_saved(tmp_path, kind):
    source = open_source(saved(tmp_path, kind))
    assert source.shape == TABLE.shape
    assert source.dtype == TABLE.dtype
    assert (everything(source) == TABLE).all()
    assert (source.path is None) == (kind in ("array", "view"))
    assert open_source(source) is source


@pytest.mark.parametrize("kind", KINDS)
def test_any_range_in_blocks_of_any_size(tmp_path, kind):
    source = open_source(saved(tmp_path, kind))

    @PROPERTY
    @given(
        ends=st.tuples(st.integers(0, 22), st.integers(1, 23)).filter(lambda e: e[0] < e[1]), rows=st.integers(1, 30)
    )
    def check(ends, rows):
        start, stop = ends
        blocks = list(source.blocks(start, stop, rows))
        assert [len(b) for b in blocks[:-1]] == [rows] * (len(blocks) - 1)
        assert 0 < len(blocks[-1]) <= rows
        assert all(b.dtype == TABLE.dtype and b.ndim == 2 for b in blocks)
        assert (np.concatenate(blocks) == TABLE[start:stop]).all()

    check()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint16", "bool"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_dtype_of_the_disk_is_kept(tmp_path, kind, dtype):
    table = (10 * TABLE).astype(dtype)
    source = open_source(saved(tmp_path, kind, table))
    assert source.dtype == dtype
    found = everything(source)
    assert found.dtype == dtype
    assert (found == table).all()


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4"])
def test_the_other_byte_order(tmp_path, dtype):
    source = open_source(saved(tmp_path, ".npy", (10 * TABLE).astype(dtype)))
    assert (everything(source) == (10 * TABLE).astype(dtype)).all()


@pytest.mark.parametrize("kind", ["array", "view", ".npy", "columns.npy", ".zarr"])
def test_images_are_flattened(tmp_path, kind):
    images = np.arange(11 * 2 * 3 * 4.0).reshape(11, 2, 3, 4)
    source = open_source(saved(tmp_path, kind, images))
    assert source.shape == (11, 24)
    assert (everything(source, 4) == images.reshape(11, -1)).all()


def test_lists_and_memory_maps(tmp_path):
    assert (everything(open_source(TABLE.tolist())) == TABLE).all()
    mapped = np.load(saved(tmp_path, ".npy"), mmap_mode="r")
    assert (everything(open_source(mapped)) == TABLE).all()


def test_columns_of_several_types_have_their_common_one(tmp_path):
    columns = {"a": np.arange(5, dtype="int32") % 3, "b": np.arange(5, dtype="float32") / 2, "c": np.arange(5) > 2}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert source.dtype == np.float64
    assert (everything(source) == np.column_stack(list(columns.values()))).all()


def test_row_groups_without_rows(tmp_path):
    schema = pyarrow.schema([("a", pyarrow.float64()), ("b", pyarrow.float64())])
    with pyarrow.parquet.ParquetWriter(tmp_path / "a.parquet", schema) as writer:
        for size in (0, 3, 0, 0, 2, 0):
            batch = [pyarrow.array(np.full(size, float(size))) for _ in range(2)]
            writer.write_table(pyarrow.table(batch, schema=schema), row_group_size=max(size, 1))
    source = open_source(tmp_path / "a.parquet")
    assert 0 in source.groups[0]
    assert everything(source, 2)[:, 0].tolist() == [3, 3, 3, 2, 2]
    (tmp_path / "many").mkdir()
    for k, size in enumerate((0, 4, 0)):
        parquet(tmp_path / "many" / f"{k}.parquet", TABLE[:size])
    assert (everything(open_source(tmp_path / "many"), 3) == TABLE[:4]).all()


def test_files_of_a_directory_are_taken_by_name_and_no_others(tmp_path):
    for name, row in (
        ("b.parquet", 1),
        ("a.parquet", 0),
        ("c.PARQUET", 2),
        ("_metadata.parquet", 9),
        (".x.parquet", 9),
    ):
        parquet(tmp_path / name, TABLE[row : row + 1])
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "d.parquet").mkdir()
    assert (everything(open_source(tmp_path)) == TABLE[:3]).all()


def test_a_large_row_group_is_never_whole_in_memory(tmp_path):
    table = np.random.default_rng(1).standard_normal((200_000, 8))
    parquet(tmp_path / "a.parquet", table, row_group_size=len(table), use_dictionary=False)
    assert len(open_source(tmp_path / "a.parquet").groups[0]) == 1
    before, most = pyarrow.total_allocated_bytes(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "DECODED", 2**14)
        for _ in open_source(tmp_path / "a.parquet").blocks(0, len(table), 1000):
            most = max(most, pyarrow.total_allocated_bytes() - before)
    # pages of 1 MiB a column, and a batch of 2^14 numbers; the group has 12.2 MiB
    assert 0 < most < 0.8 * table.nbytes


# -- how much at a time


def test_parquet_is_held_to_its_check_sums(tmp_path):
    path = tmp_path / "a.parquet"
    parquet(path, TABLE, write_page_checksum=True, use_dictionary=False, compression="NONE")
    content = path.read_bytes()
    at = content.index(TABLE[:, 1].tobytes())
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    for read in (lambda: load(str(path)), lambda: list(open_source(path).blocks(0, len(TABLE), 5))):
        with pytest.raises((ValueError, OSError), match="CRC checksum verification failed"):
            read()


def test_blocks_take_the_budget(monkeypatch):
    monkeypatch.setattr(sources, "BUDGET", 8 * 3 * 10)
    assert open_source(TABLE).rows() == 10
    assert open_source(TABLE.astype("float16")).rows() == 10  # it is float64 that they take in the end
    assert open_source(np.ones((2, 100))).rows() == 1


@pytest.mark.parametrize("kind", [".parquet", "directory", ".zarr", "zarr 2"])
def test_blocks_are_whole_chunks_where_these_fit(tmp_path, monkeypatch, kind):
    source = open_source(saved(tmp_path, kind))
    grain = 4 if kind == ".parquet" else 5
    assert source.grain == grain
    for rows, expected in ((11, 11 - 11 % grain), (grain, grain), (grain - 1, grain - 1), (1, 1)):
        monkeypatch.setattr(sources, "BUDGET", 8 * 3 * rows)
        assert source.rows() == expected


# -- what it is


@pytest.mark.parametrize("kind", FILES)
def test_the_identity_follows_the_file(tmp_path, kind):
    path = saved(tmp_path, kind)
    source = open_source(path)
    before = source.identity()
    assert before == open_source(str(path)).identity()
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    stat = files[-1].stat()
    os.utime(files[-1], ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    assert source.identity() != before
    elsewhere = saved(tmp_path / "there", kind)
    assert open_source(elsewhere).identity()["path"] != before["path"]
    assert {**open_source(elsewhere).identity(), **{k: before[k] for k in ("path", "changed")}} == before


def test_the_identity_of_an_array_follows_its_shape_and_some_rows():
    before = open_source(TABLE).identity()
    assert open_source(TABLE.copy()).identity() == open_source(View(TABLE)).identity() == before
    assert open_source(TABLE[:-1]).identity() != before
    for row in (0, 11, 22):
        other = TABLE.copy()
        other[row] += 1
        assert open_source(other).identity() != before


def test_relative_paths_are_those_of_the_same_file(tmp_path, monkeypatch):
    path = saved(tmp_path, ".npy")
    monkeypatch.chdir(tmp_path)
    assert open_source(path.name).identity() == open_source(path).identity()
    source = open_source(path.name)
    monkeypatch.chdir("/")
    assert (everything(source) == TABLE).all()


# -- what is refused


@pytest.mark.parametrize("data", ["", "data", "data.txt", "data.npz", "data.csv", "data.npy.gz", "."])
def test_unknown_formats(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    refused(data, r"data must be a .npy or .parquet file, a directory of .parquet files or a Zarr array, got '")


def test_what_has_no_rows():
    for data in (5, None, object(), {"a": 1}):
        refused(data, "data must be a path, or have a shape and rows to slice, got")


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_files_that_are_none(tmp_path, suffix):
    assert f"a{suffix}" in refused(tmp_path / f"a{suffix}", "data file not found: '")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "data must be a .npy or .parquet file")
    refused(tmp_path / f"a\0{suffix}", "data file not found: '")
    refused(tmp_path / ("a" * 300 + suffix), "cannot read .*: File name too long")


@pytest.mark.parametrize("name", ["a.npy", "a.parquet", "d/a.parquet", "z/zarr.json", "z/.zarray", "z/.zgroup"])
@pytest.mark.parametrize("content", [b"", b"garbage\n" * 20, bytes(range(256)) * 4, b"[]"])
def test_files_of_garbage(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    refused(path if path.parent == tmp_path else path.parent, "cannot read '")


@pytest.mark.parametrize("kind", [".npy", "columns.npy", ".parquet", "directory"])
def test_files_cut_short(tmp_path, kind):
    path = saved(tmp_path, kind)
    part = path / "part-1.parquet" if kind == "directory" else path
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    refused(path, "cannot read '")


def test_a_file_cut_short_while_it_is_read_is_an_error_and_no_death(tmp_path):
    path = saved(tmp_path, ".npy")
    source = open_source(path)
    os.truncate(path, source.offset + 15 * 24 + 5)
    blocks = source.blocks(0, 23, 10)
    assert (next(blocks) == TABLE[:10]).all()
    with pytest.raises(OSError, match="the file ends in row 15; it was cut short"):
        next(blocks)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_files_that_may_not_be_read(tmp_path):
    path = saved(tmp_path, ".npy")
    path.chmod(0)
    refused(path, "cannot read .*[Pp]ermission denied")


BAD = [
    (np.float64(3), r"must hold a table \(samples, dimensions\), got shape \(\)"),
    (np.arange(5.0), r"must hold a table \(samples, dimensions\), got shape \(5,\)"),
    (np.ones((0, 3)), r"must not be empty, got shape \(0, 3\)"),
    (np.ones((5, 0)), r"must not be empty, got shape \(5, 0\)"),
    (TABLE * 1j, "must hold real numbers, got dtype complex128"),
]


@pytest.mark.parametrize(("table", "message"), BAD)
def test_bad_arrays(tmp_path, table, message):
    refused(table, f"data {message}")
    np.save(tmp_path / "a.npy", table)
    refused(tmp_path / "a.npy", f"a.npy' {message}")
    array = zarr.open_array(str(tmp_path / "a.zarr"), mode="w", shape=table.shape, dtype=table.dtype)
    del array
    refused(tmp_path / "a.zarr", f"a.zarr' {message}")


@pytest.mark.parametrize(
    "table",
    [TABLE.astype(str), TABLE.astype("M8[s]"), np.zeros((4, 3), dtype=[("a", float)])],
    ids=["str", "time", "struct"],
)
def test_arrays_of_no_numbers(tmp_path, table):
    np.save(tmp_path / "a.npy", table)
    refused(tmp_path / "a.npy", "must hold real numbers, got dtype")
    refused(table, "must hold real numbers, got dtype")


def test_pickles_are_refused_and_not_opened(tmp_path):
    trap = tmp_path / "sprung"
    objects = np.empty((4, 3), dtype=object)
    objects[...] = Trap(trap)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Trap(trap)))
    refused(tmp_path / "a.npy", "cannot read .*Python objects, which are not unpickled")
    refused(tmp_path / "b.npy", "cannot read")
    assert not trap.exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert trap.exists()  # the trap works


@pytest.mark.parametrize("name", ['"pickle"', r'"\u0070ickle"'])
@pytest.mark.parametrize("where", ["compressor", "filters"])
def test_pickles_in_a_zarr_array_are_refused_and_not_opened(tmp_path, where, name):
    trap, path = tmp_path / "sprung", tmp_path / "a.zarr"
    codec = {"compressor": "null", "filters": "null"} | {where: f'{{"id": {name}}}'}
    if where == "filters":
        codec["filters"] = f"[{codec['filters']}]"
    path.mkdir()
    (path / ".zarray").write_text(
        '{"zarr_format": 2, "shape": [4, 2], "chunks": [4, 2], "dtype": "<f8", "fill_value": 0.0, "order": "C", '
        f'"compressor": {codec["compressor"]}, "filters": {codec["filters"]}}}'
    )
    (path / "0.0").write_bytes(pickle.dumps(Trap(trap)))
    refused(path, "is pickled, and what is read here is never unpickled|cannot read .*pickle")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x", "y"]}, "must hold real numbers, got string in column 'a'; leave that column out"),
        ({"a": [1, 2], "b": ["x", "y"]}, "got string in column 'b'"),
        ({"a": [[1, 2], [3, 4]]}, "must hold real numbers, got list"),
        ({"a": np.array([1, 2], dtype="M8[s]")}, "must hold real numbers, got timestamp"),
        ({}, "must not be empty|cannot read"),
        ({"a": np.array([], dtype=float)}, "must not be empty"),
    ],
)
def test_bad_columns(tmp_path, columns, message):
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", message)


def test_empty_cells(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2, 3], "b": [1, None, 3]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="column 'b' must be finite, got 1 empty cells; drop or impute them first"):
        everything(open_source(tmp_path / "a.parquet"))


@pytest.mark.parametrize("other", [TABLE[:, :2], TABLE.astype("float32")], ids=["shape", "dtype"])
def test_files_of_other_columns(tmp_path, other):
    parquet(tmp_path / "a.parquet", TABLE)
    parquet(tmp_path / "b.parquet", other)
    refused(tmp_path, "must have the same columns, got others in '.*b.parquet'")


def test_a_group_of_zarr_arrays_names_them(tmp_path):
    group = zarr.open_group(str(tmp_path / "g.zarr"), mode="w")
    for name in ("x", "y"):
        saved(tmp_path, ".zarr").rename(tmp_path / "g.zarr" / name)
    del group
    refused(tmp_path / "g.zarr", r"is a group of Zarr arrays \(x, y\); name one of them, as in .*g.zarr/NAME")
    assert (everything(open_source(tmp_path / "g.zarr" / "x")) == TABLE).all()


def test_without_zarr_it_says_how_to_get_it(tmp_path, monkeypatch):
    path = saved(tmp_path, ".zarr")
    monkeypatch.setitem(sys.modules, "zarr", None)
    refused(path, r"reading a Zarr array takes zarr, not found here; pip install 'geomem\[zarr\]'")


# -- labels, choices, and what is not quite an array


@pytest.mark.parametrize("kind", FILES)
def test_a_column_that_counts_the_rows_is_refused_unless_it_is_asked_for(tmp_path, kind):
    path = saved(tmp_path, kind, np.c_[np.arange(23.0), TABLE])
    refused(
        path, "counts the rows from 0, as an index does; leave it out with --columns 2-4, or take it with --columns 1-4"
    )
    assert (everything(open_source(path, columns="2-4")) == TABLE).all()
    assert open_source(path, columns="1-4").shape == (23, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_can_be_chosen(tmp_path, kind):
    path = saved(tmp_path, kind)
    source = open_source(path, columns="1,3")
    assert source.shape == (23, 2)
    assert (everything(source) == TABLE[:, [0, 2]]).all()
    assert source.path is None  # another process would open all of them
    assert source.taken.left_out == ("column 2, not asked for",)
    assert source.identity() != open_source(path, columns="1,2").identity() != open_source(path).identity()
    with pytest.raises(ValueError, match="--columns must hold names or positions of the 3 columns"):
        open_source(path, columns="1-4")


def test_an_index_with_a_name_that_says_so_is_left_out_here_and_on_workers(tmp_path):
    for name, values in (
        ("__index_level_0__", 10 - np.arange(23)),
        ("Unnamed: 0", np.arange(23)),
        ("id", np.arange(23)),
    ):
        path = tmp_path / f"{len(name)}.parquet"
        columns = {name: values} | {f"c{k}": TABLE[:, k] for k in range(3)}
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
        source = open_source(path)
        assert (everything(source) == TABLE).all()
        assert (source.taken.columns, source.taken.first, len(source.taken.left_out)) == (3, "c0", 1)
        assert open_source(source.path).identity() == source.identity()


def test_columns_of_text_can_be_left_out(tmp_path):
    columns = {"who": ["x"] * 23} | {f"c{k}": TABLE[:, k] for k in range(3)}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "got string in column 'who'; leave that column out")
    source = open_source(tmp_path / "a.parquet", columns="c0-c2")
    assert (everything(source) == TABLE).all()
    assert (source.taken.first, source.taken.last) == ("c0", "c2")


def test_what_is_read_and_looks_like_a_label_is_told(tmp_path):
    path = saved(tmp_path, ".npy", np.c_[20200101 + np.arange(23.0) % 9, TABLE])
    assert open_source(path).taken.doubts == ("column 1 looks like dates",)
    assert open_source(path, columns="1,2").taken.doubts == ("column 1 looks like dates",)
    assert open_source(path, columns="2-4").taken.doubts == ()


def test_images_have_no_labels(tmp_path):
    images = np.arange(11.0)[:, None, None] + np.zeros((11, 2, 2))
    assert open_source(saved(tmp_path, ".npy", images)).shape == (11, 4)


@pytest.mark.parametrize("kind", [*KINDS, "mixed.parquet"])
def test_integers_that_would_be_rounded_are_refused_where_they_are_read(tmp_path, kind):
    table = np.arange(46).reshape(23, 2) ** 2
    table[20, 1] = 2**53 + 1
    if kind == "mixed.parquet":
        path = tmp_path / kind
        pyarrow.parquet.write_table(pyarrow.table({"a": table[:, 0] / 3, "b": table[:, 1]}), path)
        message = r"column 'b'\[.*\] is 9007199254740993, which float64 cannot hold exactly"
    else:
        path, message = (
            saved(tmp_path, kind, table),
            r"\[20, 1\] is 9007199254740993, which float64 cannot hold exactly",
        )
    with pytest.raises(ValueError, match=message):
        everything(open_source(path))


def test_masks_are_not_forgotten():
    assert (everything(open_source(np.ma.masked_array(TABLE, mask=False))) == TABLE).all()
    refused(np.ma.masked_greater(TABLE, 1), "data must not be masked, got")
    source = open_source(View(np.ma.masked_array(TABLE, mask=np.arange(69).reshape(23, 3) == 65)))
    with pytest.raises(ValueError, match=r"data must not be masked, got 1 masked cells"):
        everything(source)


def test_other_libraries_are_understood_or_refused_in_a_line():
    array = pytest.importorskip("dask.array")
    lazy = array.from_array(TABLE, chunks=(5, 3))
    assert (everything(open_source(lazy)) == TABLE).all()
    refused(lazy[lazy[:, 0] > 0], r"must know its number of rows, .*compute_chunk_sizes\(\)")
    assert (everything(open_source(TABLE.view(np.matrix))) == TABLE).all()
    assert (everything(open_source(pyarrow.table({"a": TABLE[:, 0], "b": TABLE[:, 1]}))) == TABLE[:, :2]).all()
    refused(array_api_strict.asarray(TABLE), "data must have rows to slice, got Array, which says: ")


def test_a_file_that_goes_on_behind_its_array_is_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, TABLE)
        np.save(file, TABLE)
    refused(tmp_path / "a.npy", "bytes follow its array of shape .* save them as one")


def test_samples_along_another_axis_than_the_first_are_told(tmp_path):
    images = np.zeros((4, 4, 3, 50), dtype=np.uint8)
    assert "4 of them; numpy.moveaxis" in open_source(saved(tmp_path, ".npy", images)).taken.doubts[0]
