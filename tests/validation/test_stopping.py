"""Commands as processes of their own, stopped in the midst of one long call that Python cannot interrupt."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from validation import cli, stopping
from validation.stopping import NOTHING, Terminated, heeded, kept, told

LONG = "__import__('hashlib').pbkdf2_hmac('sha256', b'', b'', 10**9)"
SUM = f"""
    import numerics.partitions as module
    ask = module._moments
    def moments(block, source, question, start, stop):
        if start == 40:
            print("stuck", flush=True)
            {LONG}
        return ask(block, source, question, start, stop)
    module._moments = moments
"""
MEASURE = f"""
    import numerics.experiments.collapse as module
    def measure(*arguments, **named):
        print("stuck", flush=True)
        {LONG}
    module.measure = measure
"""
SUMMED = ["moments", "samples.npy", "--queries", "samples.npy", "--t", "1", "--rows", "10", "--output", "out.npz"]
CASES = {
    "a sum with a checkpoint": (SUM, [*SUMMED, "--checkpoint", "sum.npz"], "what was finished is kept"),
    "a sum without": (SUM, SUMMED, "nothing is kept without --checkpoint"),
    "a simulation": (MEASURE, ["simulate", "collapse", "--subspaces", "1x2"], "nothing is kept"),
}


def prepared(folder, patch, arguments):
    """The command on a file of samples, with something in it replaced."""
    np.save(folder / "samples.npy", np.random.default_rng(0).standard_normal((95, 3)))
    source = textwrap.dedent(patch) + "from geomem.__main__ import main\nmain()"
    return [sys.executable, "-P", "-c", source, *arguments]


@pytest.mark.parametrize(("sent", "code", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
@pytest.mark.parametrize("case", CASES)
def test_a_command_ends_within_seconds_and_says_what_is_kept(tmp_path, case, sent, code, word):
    patch, arguments, said = CASES[case]
    command = prepared(tmp_path, patch, arguments)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    # what runs in the background of a shell has SIGINT ignored, and so have its children
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(command, **options, **heeding) as child:
        assert child.stdout.readline() == "stuck\n"
        begin = time.monotonic()
        child.send_signal(getattr(signal, sent))
        out, err = child.communicate(timeout=30)
        assert time.monotonic() - begin < 5
    assert (child.returncode, out, err.strip()) == (code, "", f"geomem: {word}; {said}")
    assert (tmp_path / "sum.npz").exists() == ("--checkpoint" in arguments)
    assert not (tmp_path / "out.npz").exists()


def test_a_signal_that_comes_as_the_wait_begins_is_heeded(tmp_path):
    """As one does that another thread receives: the wait is not interrupted by it."""
    received = "import signal, threading; signal.pthread_kill(threading.get_ident(), signal.SIGTERM)"
    patch = SUM.replace('print("stuck", flush=True)', received)
    command = prepared(tmp_path, patch, [*SUMMED, "--checkpoint", "sum.npz"])
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=30)
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.strip() == "geomem: terminated; what was finished is kept"
    assert (tmp_path / "sum.npz").exists()


def test_what_is_kept_is_said_where_it_is_there(tmp_path):
    for stop, word in ((KeyboardInterrupt(), "interrupted"), (Terminated(143), "terminated")):
        for file, said in ((tmp_path, "it is kept"), (tmp_path / "missing", NOTHING), (None, "it is kept")):
            with pytest.raises(type(stop)) as caught, kept("it is kept", file):
                raise type(stop)(*stop.args)
            assert told(caught.value) == (f"{word}; {said}", 130 if word == "interrupted" else 143)
    assert told(KeyboardInterrupt()) == ("interrupted; nothing is kept", 130)
    assert stopping._keeping == []


def test_signals_are_heeded_within_and_handled_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), heeded(at_once=False):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_the_caller_ignores_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with heeded(at_once=False):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_leaves_signals_alone():
    before, found = signal.getsignal(signal.SIGTERM), []

    def run():
        with heeded(at_once=False):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [before]


PREDICT = f"{sys.executable} -m geomem predict collapse --subspaces 1x2 --only collapse_time"


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_streams_that_are_closed_stop_nothing(closed):
    done = subprocess.run(["bash", "-c", f"{PREDICT} {closed}"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "collapse_time = " in done.stdout


def test_what_is_written_to_a_closed_stderr_goes_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with cli._surroundings():
        sys.stderr.write("a bar of progress")
        sys.stderr.close()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is of Linux")
def test_a_full_disk_behind_stdout_is_told_in_a_line():
    done = subprocess.run(["bash", "-c", f"{PREDICT} > /dev/full"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "geomem: [Errno 28] No space left on device\n"
