"""Limits of time, one inside another: the outer one counts, however often inner work is given up."""

import signal
import sys
import time

import pytest

from theory.judgement.patience import LIMITS, GivenUpError, _give_up, _Limit, _within, in_time, patiently, unhurried

LONG = 30  # seconds; an alarm counts ticks of the system, of which a starved process sees few


@pytest.fixture(autouse=True)
def as_they_are():
    with unhurried(1.0):
        yield


def busy(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:  # rarely asked: the clock's own time is not the user's
        sum(range(20_000))
    return "done"


def test_work_is_given_up_when_its_time_is_up():
    assert patiently(0.05, busy, LONG) is None
    assert patiently(0.5, busy, 0.01) == "done"
    assert patiently(0.0, busy, LONG) is None


def short_calls():
    for _ in range(10**6):
        patiently(1.0, sum, range(20_000))
    return "done"


def test_many_short_calls_do_not_outlive_the_limit_round_them():
    start = time.thread_time()
    assert patiently(0.1, short_calls) is None
    assert time.thread_time() - start < LONG


def swallowing():
    patiently(5.0, busy, LONG)
    return "went on"


def test_the_time_of_the_outer_one_ends_the_inner_and_what_is_round_it():
    assert patiently(0.05, swallowing) is None


def test_an_inner_limit_leaves_the_outer_one_as_it_was():
    def both():
        assert patiently(0.02, busy, LONG) is None
        return busy(LONG)

    with pytest.raises(TimeoutError):
        in_time(0.15, both)


def test_no_alarm_outlives_its_limit():
    """It once met the machinery between the work and whoever set the limit, and went on every tenth of a second."""
    handler = signal.getsignal(signal.SIGVTALRM)
    for seconds in (0.04, 0.045, 0.05, 0.055, 0.06) * 5:
        assert patiently(seconds, busy, 0.05) in (None, "done")
        assert LIMITS == []
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is handler


def test_an_alarm_beside_its_limit_is_not_raised():
    """Whatever frame it meets: only below the work is there somebody to catch it."""
    LIMITS.append(gone := _Limit(0.0))
    try:
        _give_up(signal.SIGVTALRM, sys._getframe())
    finally:
        LIMITS.remove(gone)

    def late():
        _give_up(signal.SIGVTALRM, sys._getframe())
        return "went on"

    limit = _Limit(0.0)
    LIMITS.append(limit)
    try:
        with pytest.raises(GivenUpError) as caught:
            _within(limit, late, ())
    finally:
        LIMITS.remove(limit)
    assert caught.value.limit is limit
