import os
import signal
import sys
import time

import numpy as np
import pytest

from numerics import partitions
from numerics.gibbs import gibbs_moments
from numerics.partitions import gibbs_moments_of
from numerics.storage import cluster
from numerics.storage.cluster import connected, reduced
from tests.numerics.storage.test_sources import FILES, TABLE, saved
from tests.numerics.test_partitions import close, cloud, kept, same

distributed = pytest.importorskip("distributed")

TIMES = np.array([[0.1], [1.0]])


@pytest.fixture(scope="module")
def local():
    """Two workers, each a process, and a client of theirs; shared, for they take seconds to start."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as workers,
        distributed.Client(workers, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def threads():
    """Two workers in this process, so that they see what is patched here."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as workers,
        distributed.Client(workers, set_as_default=False) as client,
    ):
        yield client


# -- a tree of neighbours


def spelled(span, shared):
    """Strings add up, associatively, and in one order only."""
    return shared * (span[1] - span[0]) + str(span[0])


@pytest.mark.parametrize("number", [1, 2, 3, 7, 8, 21])
@pytest.mark.parametrize("in_a_round", [1, 2, 5, 8, 100])
def test_neighbours_are_added_in_order(threads, monkeypatch, number, in_a_round):
    monkeypatch.setattr(cluster, "ROUND", in_a_round)
    spans = [(2 * k, 2 * k + 2) for k in range(number)]
    ticks = []
    found = list(reduced(threads, spelled, spans, "x", ticks.append))
    assert "".join(text for text, _ in found) == "".join(f"xx{start}" for start, _ in spans)
    assert [stop for _, stop in found] == [*range(2 * in_a_round, 2 * number, 2 * in_a_round), 2 * number]
    assert ticks == [2] * number


def test_every_thread_has_something_to_do(threads, monkeypatch):
    monkeypatch.setattr(cluster, "ROUND", 2)
    assert cluster._rounds_at_once(threads) == 4  # two threads: two rounds of two leaves, and two to spare
    assert list(reduced(threads, spelled, [], "x")) == []


def failing(span, shared):
    if span[0] == 3:
        raise shared
    return 0


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("no numbers"), ValueError, "^no numbers$"),
        (FileNotFoundError("no file"), OSError, "^no file$"),
        (ModuleNotFoundError("No module named 'numerics'"), ValueError, "need the packages of this machine"),
    ],
    ids=["value", "file", "module"],
)
def test_what_a_worker_raises_is_raised_here(threads, error, kind, message):
    with pytest.raises(kind, match=message):
        list(reduced(threads, failing, [(k, k + 1) for k in range(6)], error))


def test_what_is_left_of_a_failure_is_let_go(threads):
    with pytest.raises(ValueError, match="now"):
        list(reduced(threads, failing, [(k, k + 1) for k in range(100)], ValueError("now")))
    deadline = time.monotonic() + 10
    while threads.futures and time.monotonic() < deadline:  # the client lets go in a thread of its own
        time.sleep(0.01)
    assert threads.futures == {}


# -- the same averages


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("covariance", [None, "diagonal"])
def test_every_source_has_the_averages_of_memory(threads, tmp_path, kind, covariance):
    queries, data = cloud(203)
    found = gibbs_moments_of(
        saved(tmp_path, kind, data), queries, TIMES, covariance=covariance, rows=9, scheduler=threads
    )
    close(found, gibbs_moments(queries, data, TIMES, covariance=covariance), covariance=covariance)


def test_workers_open_the_file_themselves_by_the_address_of_the_scheduler(local, tmp_path):
    queries, data = cloud(500)
    path = saved(tmp_path, ".npy", data)
    ticks = []
    found = gibbs_moments_of(path, queries, TIMES, rows=20, scheduler=local.scheduler.address, tick=ticks.append)
    close(found, gibbs_moments(queries, data, TIMES))
    assert ticks == [20] * 25
    same(found, gibbs_moments_of(path, queries, TIMES, rows=20, scheduler=local))  # the tree is the same each time


def test_large_queries_are_sent_without_a_word(threads, tmp_path):
    queries, data = cloud(20, M=200_000, D=8)
    found = gibbs_moments_of(saved(tmp_path, ".npy", data), queries, 1.0, rows=10, scheduler=threads)  # 12 MiB
    assert found.mean.shape == (200_000, 8)


def test_a_task_takes_several_partitions_where_there_are_too_many(threads, tmp_path, monkeypatch):
    monkeypatch.setattr(partitions, "TASKS", 4)
    queries, data = cloud(203)
    ticks = []
    found = gibbs_moments_of(
        saved(tmp_path, ".npy", data), queries, TIMES, rows=9, scheduler=threads, tick=ticks.append
    )
    close(found, gibbs_moments(queries, data, TIMES))
    assert sorted(ticks) == [41, 54, 54, 54]  # as they come


def test_rows_that_are_not_finite_are_named(local, tmp_path):
    queries, data = cloud(100)
    data[57] = np.nan
    with pytest.raises(ValueError, match=r"^rows 50 to 59 of a.npy \(counted from 0\): data must be finite"):
        gibbs_moments_of(saved(tmp_path, ".npy", data), queries, 1.0, rows=10, scheduler=local)


# -- what is lost


def test_a_killed_worker_costs_what_it_had_and_nothing_else(local, tmp_path):
    queries, data = cloud(120 * 2048, M=40, D=24)
    path = saved(tmp_path, ".npy", data)
    calm = gibbs_moments_of(path, queries, TIMES, rows=2048, scheduler=local)
    pids = local.run(os.getpid)
    killed = []

    def kill(samples):
        """At the first partition that is done: the worker that has most, whatever it is at now."""
        if killed:
            return
        has = local.has_what()
        killed.append(max(has, key=lambda worker: len(has[worker])))
        assert has[killed[0]]
        assert sum(map(len, local.processing().values()))  # it is in the midst of the run
        os.kill(pids[killed[0]], signal.SIGKILL)

    found = gibbs_moments_of(path, queries, TIMES, rows=2048, scheduler=local, tick=kill)
    local.wait_for_workers(2, timeout=60)
    assert len(killed) == 1
    assert pids[killed[0]] not in local.run(os.getpid).values()
    same(found, calm)
    close(found, gibbs_moments(queries, data, TIMES))


def deadly(span, shared):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_partition_that_kills_every_worker_is_given_up(tmp_path):
    from dask import config

    with (
        config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as workers,
        distributed.Client(workers, set_as_default=False) as client,
        pytest.raises(ValueError, match=r"deadly-0-5-\w+ killed 1 workers, .* ask for less"),
    ):
        list(reduced(client, deadly, [(0, 5)], None))


def test_a_scheduler_that_goes_is_said_and_what_was_finished_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "ROUND", 4)
    queries, data = cloud(400)
    path = saved(tmp_path, ".npy", data)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as workers,
        distributed.Client(workers, set_as_default=False) as client,
    ):
        ticks = []

        def lose(samples):
            ticks.append(samples)
            if len(ticks) == 9:
                client.cancel(list(client.futures.values()) and [distributed.Future(k, client) for k in client.futures])

        with pytest.raises(ConnectionError, match="the scheduler was lost, or cancelled the work"):
            gibbs_moments_of(
                path, queries, TIMES, rows=10, scheduler=client, checkpoint=tmp_path / "sum", every=0.0, tick=lose
            )
    assert kept(tmp_path / "sum") == 80


def test_an_interrupted_run_goes_on_to_the_same_bits(threads, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "ROUND", 4)
    queries, data = cloud(400)
    path = saved(tmp_path, ".npy", data)
    ticks = []

    def interrupt(samples):
        ticks.append(samples)
        if len(ticks) == 9:
            raise KeyboardInterrupt

    asked = {"rows": 10, "scheduler": threads}
    with pytest.raises(KeyboardInterrupt):
        gibbs_moments_of(path, queries, TIMES, **asked, checkpoint=tmp_path / "sum", tick=interrupt)
    assert kept(tmp_path / "sum") == 80
    resumed = gibbs_moments_of(path, queries, TIMES, **asked, checkpoint=tmp_path / "sum")
    same(resumed, gibbs_moments_of(path, queries, TIMES, **asked))
    monkeypatch.setattr(partitions, "_moments", lambda *a: pytest.fail("it is summed already"))
    same(gibbs_moments_of(path, queries, TIMES, **asked, checkpoint=tmp_path / "sum"), resumed)
    data[350, 1] += 1e-9
    saved(tmp_path, ".npy", data)
    with pytest.raises(ValueError, match=r"other data, for rows 0 to 399 of a\.npy have changed since"):
        gibbs_moments_of(path, queries, TIMES, **asked, checkpoint=tmp_path / "sum")


def test_a_run_begun_here_may_go_on_there(threads, tmp_path):
    queries, data = cloud(400)
    path = saved(tmp_path, ".npy", data)
    with pytest.raises(KeyboardInterrupt):
        gibbs_moments_of(path, queries, TIMES, rows=10, checkpoint=tmp_path / "sum", tick=interrupted)
    assert kept(tmp_path / "sum") == 10
    found = gibbs_moments_of(path, queries, TIMES, rows=10, checkpoint=tmp_path / "sum", scheduler=threads)
    close(found, gibbs_moments(queries, data, TIMES))


def interrupted(samples):
    raise KeyboardInterrupt


# -- what is refused


def test_a_worker_that_sees_another_file_is_refused(tmp_path):
    queries, data = cloud(30)
    path = saved(tmp_path, ".npy", data)
    identity = '{"shape": [31, 3], "dtype": "float64", "bytes": 872}'
    question = partitions._Question(queries, 1.0, 1.0, None, None, None, None)
    with pytest.raises(ValueError, match=r"is not the same file on a worker: expected .*31.* got .*30"):
        partitions._moments_on_worker((0, 10), (str(path), identity, partitions._Cut(10, False), question))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nope", "", "tcp://", "tcp://localhost", "127.0.0.1:8786", 5])
def test_what_is_no_scheduler_is_refused_at_once(tmp_path, address):
    path = saved(tmp_path, ".npy", TABLE)
    with pytest.raises(
        ValueError, match="expected the address of a running dask scheduler, such as tcp://host:8786, got"
    ):
        gibbs_moments_of(path, TABLE[:2], 1.0, scheduler=address)


def test_a_client_that_is_given_stays_open_and_one_that_is_made_is_closed(threads):
    with connected(threads) as client:
        assert client is threads
    assert threads.status == "running"


def test_without_distributed_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    path = saved(tmp_path, ".npy", TABLE)
    with pytest.raises(ValueError, match=r"takes distributed, not found here; pip install 'geomem\[dask\]'"):
        gibbs_moments_of(path, TABLE[:2], 1.0, scheduler="tcp://127.0.0.1:1")


def test_queries_of_another_library_are_refused(threads, tmp_path):
    import array_api_strict

    with pytest.raises(ValueError, match="on a cluster the queries must be a NumPy array"):
        gibbs_moments_of(saved(tmp_path, ".npy", TABLE), array_api_strict.asarray(TABLE[:2]), 1.0, scheduler=threads)


# -- an executor


def doubled(number):
    return 2 * number


def test_an_executor_makes_calls_on_the_workers(threads):
    with cluster.executor(threads) as pool:
        assert [pool.submit(doubled, k).result() for k in (1, 2)] == [2, 4]
    with pytest.raises(ValueError, match="expected the address of a running dask scheduler"), cluster.executor("no"):
        pass
