import os
import subprocess
import sys
import textwrap
import tracemalloc
from dataclasses import fields

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import partitions
from numerics.gibbs import GibbsMoments, gibbs_moments
from numerics.partitions import gibbs_moments_of
from numerics.storage.checkpoint import Checkpoint
from tests.numerics.conftest import PROPERTY, backend_of
from tests.numerics.storage.test_sources import KINDS, saved

OBSERVABLES = (
    "log_partition",
    "energy",
    "energy_variance",
    "entropy",
    "participation",
    "largest_weight",
    "mean",
    "score",
)
# |x - y|^2 / 2t is below 400 in these clouds, and products round it to 400 eps = 1e-13; the slack is for sums and merges
CLOSE = {"rtol": 1e-10, "atol": 1e-10}
TIMES = np.array([[0.1], [1.0], [10.0]])


def cloud(N, M=5, D=3, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((M, D)), random.standard_normal((N, D))


def close(found, expected, tolerance=None, covariance=None):
    for name in (*OBSERVABLES, *(["covariance"] if covariance else [])):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), err_msg=name, **(tolerance or CLOSE))
    assert (found.nearest == expected.nearest).all()
    assert found.count == expected.count


def same(found, expected):
    """Field by field, to the bit."""
    for field in fields(GibbsMoments):
        mine, theirs = np.asarray(getattr(found, field.name)), np.asarray(getattr(expected, field.name))
        assert mine.dtype == theirs.dtype, field.name
        assert (mine == theirs).all() if mine.dtype == object else mine.tobytes() == theirs.tobytes(), field.name


# -- the same averages


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_source_has_the_averages_of_memory(tmp_path, kind, covariance):
    queries, data = cloud(103)
    expected = gibbs_moments(queries, data, TIMES, covariance=covariance)
    found = gibbs_moments_of(saved(tmp_path, kind, data), queries, TIMES, covariance=covariance, rows=10)
    close(found, expected, covariance=covariance)
    assert found.nearest.max() > 10


@PROPERTY
@given(
    N=st.integers(1, 60),
    rows=st.integers(1, 70),
    D=st.integers(1, 4),
    temperature=st.floats(0.5, 4),
    covariance=st.sampled_from([None, "diagonal", "full"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_partition(N, rows, D, temperature, covariance, seed):
    queries, data = cloud(N, D=D, seed=seed)
    options = {"temperature": temperature, "covariance": covariance}
    expected = gibbs_moments(queries, data, TIMES, **options)
    close(gibbs_moments_of(data, queries, TIMES, rows=rows, **options), expected, covariance=covariance)


def test_partitions_are_added_in_order():
    queries, data = cloud(50)
    parts = [gibbs_moments(queries, data[k : k + 20], 0.3) for k in (0, 20, 40)]
    same(gibbs_moments_of(data, queries, 0.3, rows=20), parts[0] + parts[1] + parts[2])


def test_one_partition_is_the_engine_itself(tmp_path):
    queries, data = cloud(50)
    for rows in (None, 50, 51, np.int64(1000)):
        same(
            gibbs_moments_of(saved(tmp_path, ".npy", data), queries, 0.3, rows=rows), gibbs_moments(queries, data, 0.3)
        )


def test_one_sample(tmp_path):
    queries, data = cloud(1)
    found = gibbs_moments_of(saved(tmp_path, ".npy", data), queries, 1.0)
    np.testing.assert_allclose(found.mean, np.broadcast_to(data, (5, 3)), rtol=1e-15)
    assert found.participation.tolist() == [1] * 5


@pytest.mark.parametrize("dtype", ["float16", "int8", "bool", ">f8", ">f4"])
def test_what_is_stored_otherwise_is_computed_with_in_floats(tmp_path, dtype):
    queries, data = cloud(60)
    stored = (3 * data).astype(dtype)
    path = saved(tmp_path, ".npy", stored)
    close(gibbs_moments_of(path, queries, TIMES, rows=7), gibbs_moments(queries, stored.astype(np.float64), TIMES))


def test_half_precision_alone_is_computed_with_in_float32():
    queries, data = (a.astype("float16") for a in cloud(60))
    single = gibbs_moments(queries.astype("float32"), data.astype("float32"), 1.0)
    # distances below 60, and eps 1.2e-7: log weights to 1e-5
    close(gibbs_moments_of(data, queries, 1.0, rows=7), single, {"rtol": 1e-4, "atol": 1e-4})


def test_options_reach_the_engine():
    queries, data = cloud(40)
    asked = {"temperature": 2.0, "covariance": "full", "dtype": np.float32}
    same(gibbs_moments_of(data, queries, TIMES, rows=40, **asked), gibbs_moments(queries, data, TIMES, **asked))
    with pytest.raises(ValueError, match="tolerance must be a number between 0 and 1"):
        gibbs_moments_of(data, queries, TIMES, tolerance=2.0)


def test_partitions_go_to_the_library_of_the_queries(tmp_path):
    backend = backend_of("array_api_strict")
    queries, data = cloud(30)
    path = saved(tmp_path, ".npy", data)
    expected = gibbs_moments(queries, data, 0.3)
    found = gibbs_moments_of(path, backend.array(queries), 0.3, rows=10, checkpoint=tmp_path / "sum")
    assert backend.owns(found.mean)
    np.testing.assert_allclose(backend.host(found.mean), expected.mean, **CLOSE)
    again = gibbs_moments_of(path, backend.array(queries), 0.3, rows=10, checkpoint=tmp_path / "sum")
    assert backend.owns(again.mean)
    assert (backend.host(again.mean) == backend.host(found.mean)).all()


def test_it_ticks_by_the_samples_it_has_added(tmp_path):
    queries, data = cloud(25)
    ticks = []
    gibbs_moments_of(data, queries, 1.0, rows=10, tick=ticks.append, checkpoint=tmp_path / "sum")
    assert ticks == [10, 10, 5]
    gibbs_moments_of(data, queries, 1.0, rows=10, tick=ticks.append, checkpoint=tmp_path / "sum")
    assert ticks == [10, 10, 5, 25]


# -- memory


class Synthetic:
    """Rows that are made when they are asked for."""

    def __init__(self, N, D):
        self.shape = (N, D)

    def __getitem__(self, rows):
        return np.random.default_rng(rows.start).standard_normal((rows.stop - rows.start, self.shape[1]))


def peak(N, rows):
    queries = np.zeros((2, 16))
    tracemalloc.start()
    try:
        assert gibbs_moments_of(Synthetic(N, 16), queries, 1.0, rows=rows).count == N
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_of_the_partition_and_not_of_the_data():
    rows = 4096
    peak(4 * rows, rows)  # imports and compiles, under the trace as the others
    partition, data = rows * 16 * 8, 64 * rows * 16 * 8  # bytes: 0.5 and 32 MiB
    assert peak(64 * rows, rows) < 6 * partition  # however many are read ahead of the one that is summed
    assert peak(64 * rows, 64 * rows) > data  # and the measure would see them


# -- checkpoints


def kept(path):
    """How many samples a checkpoint has."""
    with np.load(path) as archive:
        return archive["state_mean"].shape and int(
            str(archive["header"]).partition('"consumed": ')[2].partition(",")[0]
        )


class Interrupted:
    """An array that fails at a row, once."""

    def __init__(self, array, row, error):
        self.array, self.shape, self.row, self.error = array, array.shape, row, error

    def __getitem__(self, rows):
        if rows.stop - rows.start > 1 and rows.start >= self.row:  # one row is asked for to know the data by
            raise self.error
        return self.array[rows]


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_what_was_added_before_an_error_is_kept(tmp_path, every):
    queries, data = cloud(95)
    path = tmp_path / "deep" / "sum.npz"
    failing = Interrupted(data, 40, OSError("the disk is gone"))
    with pytest.raises(ValueError, match=r"cannot read rows 40 to 49 of data .*: the disk is gone"):
        gibbs_moments_of(failing, queries, 0.3, rows=10, checkpoint=path, every=every)
    assert kept(path) == 40
    ticks = []
    found = gibbs_moments_of(data, queries, 0.3, rows=10, checkpoint=path, tick=ticks.append)
    assert ticks == [40, *[10] * 5, 5]
    same(found, gibbs_moments_of(data, queries, 0.3, rows=10))
    assert kept(path) == 95


@pytest.mark.parametrize("at", [1, 3, 10])
def test_an_interruption_by_the_user_keeps_what_was_added(tmp_path, at):
    queries, data = cloud(95)
    ticks = []

    def interrupt(samples):
        ticks.append(samples)
        if len(ticks) == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gibbs_moments_of(data, queries, TIMES, rows=10, checkpoint=tmp_path / "sum", tick=interrupt)
    assert kept(tmp_path / "sum") == min(10 * at, 95)
    found = gibbs_moments_of(data, queries, TIMES, rows=10, checkpoint=tmp_path / "sum")
    same(found, gibbs_moments_of(data, queries, TIMES, rows=10))


def test_a_checkpoint_is_written_no_more_often_than_asked(tmp_path, monkeypatch):
    queries, data = cloud(95)
    saves, clock = [], iter(range(1000))
    monkeypatch.setattr(partitions.time, "monotonic", lambda: float(next(clock)))  # a second per look
    save = Checkpoint.save
    monkeypatch.setattr(Checkpoint, "save", lambda self, *a: (saves.append(a[1].stop), save(self, *a)))
    gibbs_moments_of(data, queries, 1.0, rows=10, checkpoint=tmp_path / "sum", every=3)
    assert saves == [30, 60, 90, 95]


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    queries, data = cloud(30)
    path = saved(tmp_path, ".npy", data)
    first = gibbs_moments_of(path, queries, 1.0, checkpoint=tmp_path / "sum")
    monkeypatch.setattr(partitions, "_moments", lambda *a: pytest.fail("it is summed already"))
    same(gibbs_moments_of(path, queries, 1.0, checkpoint=tmp_path / "sum"), first)


def test_other_partitions_may_go_on(tmp_path):
    queries, data = cloud(95)
    with pytest.raises(ValueError, match="gone"):
        gibbs_moments_of(Interrupted(data, 40, OSError("gone")), queries, 0.3, rows=20, checkpoint=tmp_path / "sum")
    for rows in (7, 7, 11):  # and be taken up again, in other partitions too
        found = gibbs_moments_of(data, queries, 0.3, rows=rows, checkpoint=tmp_path / "sum")
        close(found, gibbs_moments(queries, data, 0.3))


QUESTION = {"t": 0.3, "temperature": 1.0, "covariance": None, "dtype": None}
OTHERS = {
    "queries": {"queries": cloud(30)[0] + 1e-9},
    "float32 queries": {"queries": cloud(30)[0].astype("float32")},
    "fewer queries": {"queries": cloud(30)[0][:4]},
    "t": {"t": 0.30000001},
    "shape of t": {"t": [[0.3]]},
    "temperature": {"temperature": 1.1},
    "covariance": {"covariance": "diagonal"},
    "dtype": {"dtype": "float32"},
    "tolerance": {"tolerance": 1e-3},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_another_question_is_refused(tmp_path, other):
    queries, data = cloud(30)
    path = saved(tmp_path, ".npy", data)
    asked = {"queries": queries, **QUESTION}
    gibbs_moments_of(path, **asked, checkpoint=tmp_path / "sum")
    before = (tmp_path / "sum").read_bytes()
    with pytest.raises(ValueError, match="sum is the checkpoint of another question"):
        gibbs_moments_of(path, **asked | OTHERS[other], checkpoint=tmp_path / "sum")
    assert (tmp_path / "sum").read_bytes() == before


@pytest.mark.parametrize("change", ["content", "length", "dtype"])
def test_a_checkpoint_of_other_data_is_refused(tmp_path, change):
    queries, data = cloud(30)
    path = saved(tmp_path, ".npy", data)
    gibbs_moments_of(path, queries, 0.3, checkpoint=tmp_path / "sum")
    if change == "content":
        saved(tmp_path, ".npy", data + 1)
    else:
        saved(tmp_path, ".npy", data[:-1] if change == "length" else data.astype("float32"))
    with pytest.raises(ValueError, match="is the checkpoint of another question: other data"):
        gibbs_moments_of(path, queries, 0.3, checkpoint=tmp_path / "sum")


def half_done(data, queries, checkpoint):
    """A run that was interrupted after 60 rows."""

    def interrupt(samples, done=[]):  # noqa: B006
        done.append(samples)
        if sum(done) == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gibbs_moments_of(data, queries, 0.3, rows=20, checkpoint=checkpoint, tick=interrupt)
    assert kept(checkpoint) == 60


CHANGES = {
    "one number": lambda a: a.__setitem__((33, 1), np.nextafter(a[33, 1], 9)),
    "the sign of a zero": lambda a: a.__setitem__((0, 0), -a[0, 0]),
    "most rows": lambda a: a.__setitem__(slice(1, 59), 0.1 * a[1:59]),
    "the order within a block": lambda a: a.__setitem__(slice(0, 20), a[:20][::-1].copy()),
    "the order of blocks": lambda a: a.__setitem__(slice(0, 40), np.roll(a[:40], 20, axis=0)),
}


@pytest.mark.parametrize("rows", [20, 7])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["array", ".npy", "columns.npy", ".parquet"])
def test_rows_that_were_summed_and_changed_are_noticed(tmp_path, kind, change, rows):
    queries, data = cloud(95)
    data[0, 0] = 0.0
    source = data if kind == "array" else saved(tmp_path, kind, data)
    half_done(source, queries, tmp_path / "sum")
    before = None if kind == "array" else source.stat()
    CHANGES[change](data)
    if before is not None:
        saved(tmp_path, kind, data)
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ValueError, match=r"other data, for rows 0 to 59 of .* have changed since; remove it or name"):
        gibbs_moments_of(source, queries, 0.3, rows=rows, checkpoint=tmp_path / "sum")


def test_rows_that_were_not_summed_yet_may_change(tmp_path):
    queries, data = cloud(95)
    half_done(data, queries, tmp_path / "sum")
    data[60:] += 1
    found = gibbs_moments_of(data, queries, 0.3, rows=20, checkpoint=tmp_path / "sum")
    same(found, gibbs_moments_of(data, queries, 0.3, rows=20))


def test_the_same_rows_elsewhere_are_the_same_data(tmp_path):
    queries, data = cloud(95)
    half_done(saved(tmp_path, ".npy", data), queries, tmp_path / "sum")
    moved = saved(tmp_path / "there", ".npy", data)
    found = gibbs_moments_of(moved, queries, 0.3, rows=20, checkpoint=tmp_path / "sum")
    same(found, gibbs_moments_of(data, queries, 0.3, rows=20))


def test_a_file_rewritten_while_it_is_read_is_noticed_though_its_time_is_restored(tmp_path):
    queries, data = cloud(95)
    path = saved(tmp_path, ".npy", data)
    before = path.stat()

    def rewrite(samples):
        saved(tmp_path / "new", ".npy", 0.1 * data).replace(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(ValueError, match=r"a\.npy changed while it was read"):
        gibbs_moments_of(path, queries, 0.3, rows=10, tick=rewrite)


def test_a_full_disk_does_not_cost_the_sum(tmp_path, monkeypatch):
    queries, data = cloud(95)

    def full(self, *arguments):
        raise OSError("cannot write sum: No space left on device")

    monkeypatch.setattr(Checkpoint, "save", full)
    with pytest.warns(RuntimeWarning, match="No space left on device; the sum goes on without a checkpoint"):
        found = gibbs_moments_of(data, queries, 0.3, rows=20, checkpoint=tmp_path / "sum", every=0.0)
    same(found, gibbs_moments_of(data, queries, 0.3, rows=20))
    with pytest.raises(OSError, match="No space left on device"):
        half_done(data, queries, tmp_path / "sum")  # where nothing else is left of it, that is said


@pytest.mark.parametrize(
    "spelled",
    [
        {"temperature": 1},
        {"temperature": np.float64(1)},
        {"dtype": np.float64},
        {"dtype": np.dtype("float64")},
        {"t": np.float64(0.3)},
        {"t": np.array(0.3)},
    ],
    ids=str,
)
def test_the_same_question_may_be_spelled_otherwise(tmp_path, spelled):
    queries, data = cloud(30)
    asked = {**QUESTION, "dtype": "float64"}
    first = gibbs_moments_of(data, queries, **asked, checkpoint=tmp_path / "sum")
    same(gibbs_moments_of(data.copy(), queries.copy(), **asked | spelled, checkpoint=tmp_path / "sum"), first)


def test_a_torn_checkpoint_is_refused(tmp_path):
    queries, data = cloud(30)
    (tmp_path / "sum").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ValueError, match=r"sum is no whole checkpoint \(.*\); remove it or name another file"):
        gibbs_moments_of(data, queries, 0.3, checkpoint=tmp_path / "sum")


class Untouched:
    """Data that nobody may read but to know them by."""

    shape = (1000, 3)

    def __getitem__(self, rows):
        assert rows.stop - rows.start == 1, "data were read for nothing"
        return np.ones((1, 3))


@pytest.mark.skipif(os.access("/", os.W_OK), reason="this user ignores permissions")
def test_a_directory_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ValueError, match="is not writable"):
            gibbs_moments_of(Untouched(), np.ones((1, 3)), 0.3, checkpoint=tmp_path / "sum")
    finally:
        tmp_path.chmod(0o700)


def test_a_checkpoint_under_a_file_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="file is not a directory; name another directory"):
        gibbs_moments_of(Untouched(), np.ones((1, 3)), 0.3, checkpoint=tmp_path / "file" / "sum")


KILLED = """
    import sys
    import numpy as np
    from numerics.partitions import gibbs_moments_of

    data, queries, checkpoint, out, most = sys.argv[1:]
    done = 0

    def tick(samples):
        global done
        done += samples
        print(done, flush=True)
        if done >= int(most):
            sys.stdin.read()  # stay here, so that the end is never reached

    found = gibbs_moments_of(
        data, np.load(queries), [[0.1], [1.0]], covariance="diagonal", rows=20, checkpoint=checkpoint, every=0.0, tick=tick
    )
    np.savez(out, mean=found.mean, weight=found.weight, scatter=found.scatter, nearest=found.nearest)
"""


def run_until(lines, *arguments):
    """The program above, killed outright after so many lines, or left to its end."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        said = []
        for line in child.stdout:
            said.append(int(line))
            if len(said) == lines:
                child.kill()  # which is SIGKILL, wherever it is now
                break
        child.stdin.close()
        child.wait(60)
    return said, child.returncode


def test_a_killed_run_goes_on_where_it_was_to_the_same_bits(tmp_path):
    queries, data = cloud(2000)
    path = saved(tmp_path, ".npy", data)
    np.save(tmp_path / "queries.npy", queries)
    arguments = (path, tmp_path / "queries.npy", tmp_path / "sum")
    before = 0
    for _ in range(3):
        said, code = run_until(5, *arguments, tmp_path / "never.npz", 1500)
        assert code == -9
        assert said[0] >= before  # it goes on from the checkpoint, of which it speaks first
        assert said[-1] <= kept(tmp_path / "sum") < 2000
        before = kept(tmp_path / "sum")
    said, code = run_until(-1, *arguments, tmp_path / "resumed.npz", 10**9)
    assert code == 0
    assert said[0] == before
    assert said[-1] == 2000
    run_until(-1, *arguments[:2], tmp_path / "other", tmp_path / "whole.npz", 10**9)
    with np.load(tmp_path / "resumed.npz") as resumed, np.load(tmp_path / "whole.npz") as whole:
        assert sorted(resumed) == sorted(whole) == ["mean", "nearest", "scatter", "weight"]
        for name in whole:
            assert resumed[name].tobytes() == whole[name].tobytes(), name
    assert not (tmp_path / "never.npz").exists()
    leftover = [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")]
    assert len(leftover) <= 3  # of a kill in the midst of a write; the checkpoint itself was whole each time


# -- what is wrong


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_named(tmp_path, kind, value):
    queries, data = cloud(50)
    data[27, 1] = value
    with pytest.raises(ValueError, match=r"^rows 20 to 29 of .* \(counted from 0\): data must be finite"):
        gibbs_moments_of(saved(tmp_path, kind, data), queries, 0.3, rows=10)


def test_empty_cells_are_named(tmp_path):
    columns = {"a": [1.0] * 30, "b": [1.0] * 24 + [None] + [1.0] * 5, "c": list(range(30))}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"^cannot read rows 20 to 29 of a.parquet .*: column 'b' must be finite"):
        gibbs_moments_of(tmp_path / "a.parquet", cloud(1)[0], 0.3, rows=10)


def test_what_is_out_of_the_range_of_the_dtype_is_named():
    queries, data = cloud(50)
    data[13] = 1e200
    with pytest.raises(ValueError, match=r"^rows 10 to 19 of data .*: queries and data must stay below"):
        gibbs_moments_of(data, queries, 0.3, rows=10)


def test_what_does_not_fit_into_memory_is_said(monkeypatch):
    queries, data = cloud(50)

    def exhausted(*arguments, **options):
        if len(arguments[1]) > 1:
            raise MemoryError
        return gibbs_moments(*arguments, **options)

    monkeypatch.setattr(partitions, "gibbs_moments", exhausted)
    with pytest.raises(ValueError, match=r"rows 0 to 9 of data .* do not fit into memory; ask for fewer rows"):
        gibbs_moments_of(data, queries, 0.3, rows=10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": np.ones((2, 4))}, "queries and data must share the dimension D, got 4 and 3 in data"),
        ({"queries": np.ones(3)}, r"queries must have shape \(M, D\), got \(3,\)"),
        ({"queries": np.full((2, 3), np.nan)}, "^queries must be finite"),
        ({"t": 0.0}, "^t must be positive and finite"),
        ({"t": [0.1, 0.2, 0.3]}, "^t must be a number, or have shape"),
        ({"temperature": 0.0}, "^temperature must be one positive"),
        ({"covariance": "both"}, "^covariance must be None, 'diagonal' or 'full'"),
        ({"dtype": "int32"}, "^dtype must be"),
        ({"rows": 0}, "^rows, the samples of a partition, must be an integer of at least 1, got 0"),
        ({"rows": -3}, "must be an integer of at least 1, got -3"),
        ({"rows": 1.5}, "must be an integer of at least 1, got 1.5"),
        ({"rows": True}, "must be an integer of at least 1, got True"),
        ({"rows": "7"}, "must be an integer of at least 1, got '7'"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "name a file, not an array"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else next(iter(value)),
)
def test_a_bad_question_is_refused_before_any_data_are_read(change, message):
    with pytest.raises(ValueError, match=message):
        gibbs_moments_of(**{"data": Untouched(), "queries": np.ones((2, 3)), "t": 0.3} | change)


def test_what_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(ValueError, match="data file not found"):
        gibbs_moments_of(tmp_path / "a.npy", np.ones((1, 3)), 0.3)
    np.save(tmp_path / "o.npy", np.array([[{}]]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"cannot read"):
        gibbs_moments_of(tmp_path / "o.npy", np.ones((1, 1)), 0.3)


def test_data_that_change_while_they_are_read_are_no_answer(tmp_path):
    queries, data = cloud(30)
    path = saved(tmp_path, ".npy", data)

    def touch(samples):
        os.utime(path, ns=(0, 0))

    with pytest.raises(ValueError, match=r"a\.npy changed while it was read; run again on data that stay"):
        gibbs_moments_of(path, queries, 0.3, rows=10, tick=touch)


def test_a_file_cut_short_while_it_is_read_names_the_rows(tmp_path):
    queries, data = cloud(3000)
    path = saved(tmp_path, ".npy", data)
    with pytest.raises(ValueError, match=r"^cannot read rows \d+ to \d+ of a.npy .*: the file ends in row 1,500"):
        gibbs_moments_of(path, queries, 0.3, rows=10, tick=lambda samples: os.truncate(path, 128 + 24 * 1500))


def test_the_covariance_along_a_basis(tmp_path):
    rng = np.random.default_rng(5)
    samples, queries = rng.standard_normal((300, 4)), rng.standard_normal((3, 4))
    basis = np.linalg.qr(rng.standard_normal((4, 2)))[0]
    np.save(tmp_path / "samples.npy", samples)
    found = gibbs_moments_of(tmp_path / "samples.npy", queries, 0.5, covariance="full", basis=basis, rows=70)
    whole = gibbs_moments(queries, samples, 0.5, covariance="full").covariance
    np.testing.assert_allclose(found.covariance, basis.T @ whole @ basis, rtol=1e-10, atol=1e-12)
