"""Order, exceptions, and the thread limit of the BLAS, which is the whole process's own."""

import threading
import time

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from numerics.threads import parallel, workers

SOON = 5  # seconds; nothing waits so long unless it is stuck


def blas():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def three():
    """A BLAS that was told to use three threads, for one would be left as it is."""
    with threadpool_limits(3, user_api="blas"):
        if blas() != {3}:
            pytest.skip("no BLAS whose threads can be set")
        yield


# -- order


@pytest.mark.parametrize("threads", [0, 1, 2, 3, 100])
@pytest.mark.parametrize("items", [0, 1, 2, 50])
def test_results_come_in_order(threads, items):
    def slow_at_first(i):
        time.sleep(0.002 * (i < 3))
        return i, threading.current_thread().name

    found = parallel(slow_at_first, iter(range(items)), threads)
    assert [i for i, _ in found] == list(range(items))
    names = {name for _, name in found}
    if min(threads, items) < 2:
        assert names <= {threading.current_thread().name}
    else:
        assert threading.current_thread().name not in names
        assert len(names) <= threads


def test_so_many_work_at_once():
    everyone = threading.Barrier(3, timeout=SOON)  # breaks unless three wait together
    assert len(parallel(lambda _: everyone.wait(), range(3), 3)) == 3
    with pytest.raises(threading.BrokenBarrierError):
        parallel(lambda _: threading.Barrier(3).wait(0.05), range(3), 2)


# -- exceptions


class ExpectedError(Exception):
    pass


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_exception_of_a_worker_comes_out(three, threads):
    def fails_twice(i):
        if i in (3, 7):
            raise ExpectedError(i)
        return i

    with pytest.raises(ExpectedError, match="3"):  # the first in order
        parallel(fails_twice, range(10), threads)
    assert blas() == {3}
    assert parallel(lambda i: i, range(4), threads) == [0, 1, 2, 3]  # and all is well again


def test_an_exception_of_the_items(three):
    def items():
        yield 1
        raise ExpectedError

    with pytest.raises(ExpectedError):
        parallel(lambda i: i, items(), 2)
    assert blas() == {3}


# -- the limit of the BLAS


def test_the_blas_has_one_thread_in_each_of_many(three):
    assert parallel(lambda _: blas(), range(4), 2) == [{1}] * 4
    assert blas() == {3}


def test_the_blas_keeps_its_threads_where_there_is_one(three):
    assert parallel(lambda _: blas(), range(4), 1) == [{3}] * 4
    assert parallel(lambda _: blas(), range(1), 4) == [{3}]


def test_one_inside_another(three):
    def outer(i):
        inner = parallel(lambda j: (i, j, *blas()), range(3), 2)
        return inner, blas()

    assert parallel(outer, range(2), 2) == [([(i, j, 1) for j in range(3)], {1}) for i in range(2)]
    assert blas() == {3}


# -- how many


def test_workers_are_no_more_than_the_blas_was_told(three):
    most = workers()
    assert 1 <= most <= 3
    with threadpool_limits(1, user_api="blas"):
        assert workers() == 1
    assert workers() == most
    with threadpool_limits(2, user_api="blas"):
        assert workers() == min(most, 2)


def test_workers_are_no_more_than_the_processors(monkeypatch, three):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {5}, raising=False)
    assert workers() == 1
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert workers() == 3
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert workers() == 2
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert workers() == 1
