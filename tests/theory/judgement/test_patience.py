"""Limits of time, one inside another: the outer one counts, however often inner work is given up."""

import time

import pytest

from theory.judgement.patience import GivenUpError, for_seconds, patiently

LONG = 30  # seconds; an alarm counts ticks of the system, of which a starved process sees few


def busy(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:  # rarely asked: the clock's own time is not the user's
        sum(range(20_000))
    return "done"


def test_work_is_given_up_when_its_time_is_up():
    assert patiently(0.05, busy, LONG) is None
    assert patiently(0.5, busy, 0.01) == "done"


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
        with for_seconds(0.15):
            assert patiently(0.02, busy, LONG) is None
            return busy(LONG)

    with pytest.raises(GivenUpError):
        both()
