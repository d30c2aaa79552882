import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from validation.job import Evaluation, Run
from validation.store import Store
from validation.sweep import sweep
from validation.workers import WorkerLostError, Workers

# minutes in one call of C, that lets other threads run, as compiled loops do
LONG = "__import__('hashlib').pbkdf2_hmac('sha256', b'', b'', 10**9)"
DIE = "__import__('os').kill(__import__('os').getpid(), 9)"


def runs(process):
    """Whether it is there, and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(seconds, process):
    end = time.monotonic() + seconds
    while runs(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not runs(process)


def counting(file, expression):
    """An expression that first adds a byte to a file, and may look at its length as `n` from 1."""
    return f"[{expression} for n in [(lambda f: (f.write('x'), f.tell())[1])(open({str(file)!r}, 'a'))]][0]"


def test_calls_are_made_elsewhere_and_their_failures_raised_here():
    before = dict(os.environ)
    with Workers(2) as pool:
        sums = [pool.submit(operator.add, k, 1) for k in range(9)]
        process = pool.submit(os.getpid)
        failing = pool.submit(operator.truediv, 1, 0)
        odd = pool.submit(eval, "type('Odd', (Exception,), {})('no pickle')")
        assert [one.result() for one in sums] == list(range(1, 10))
        assert process.result() != os.getpid()
        with pytest.raises(ZeroDivisionError) as caught:
            failing.result()
        assert "Traceback" in caught.value.__notes__[0]
        with pytest.raises(RuntimeError):
            raise RuntimeError(odd.exception())
        assert pool.submit(operator.add, 1, 1).result() == 2  # and the workers go on
    assert gone_within(0, process.result())
    assert dict(os.environ) == before


def test_what_cannot_be_pickled_is_refused_here():
    with Workers(1) as pool, pytest.raises((AttributeError, TypeError), match="pickle"):
        pool.submit(lambda: None)


def test_a_call_whose_worker_is_killed_is_made_once_more(tmp_path):
    with Workers(1) as pool:
        call = pool.submit(eval, counting(tmp_path / "calls", f"n if n > 1 else {DIE}"))
        after = pool.submit(operator.add, 1, 1)
        assert (call.result(), after.result()) == (2, 2)


def test_a_call_that_loses_two_workers_is_given_up(tmp_path):
    with Workers(1) as pool:
        call = pool.submit(eval, counting(tmp_path / "calls", DIE))
        after = pool.submit(operator.add, 1, 1)
        with pytest.raises(WorkerLostError, match=r"^signal 9$"):
            call.result()
        assert after.result() == 2
    assert (tmp_path / "calls").read_text() == "xx"


def test_workers_that_are_not_waited_for_end_in_the_midst_of_a_call(tmp_path):
    pool = Workers(1)
    long = pool.submit(eval, f"(open({str(tmp_path / 'id')!r}, 'w').write(str(__import__('os').getpid())), {LONG})")
    waiting = pool.submit(operator.add, 1, 1)
    process = read_when_there(tmp_path / "id")
    pool.shutdown(wait=False, cancel_futures=True)
    assert gone_within(5, process)
    assert waiting.cancelled()
    with pytest.raises(WorkerLostError, match="its driver"):
        long.result(5)


def read_when_there(file):
    end = time.monotonic() + 60
    while not (file.exists() and file.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    return int(file.read_text())


DRIVER = f"""
import sys, time
from validation.workers import Workers
if __name__ == "__main__":
    pool = Workers(1)
    pool.submit(eval, f"(open({{sys.argv[1]!r}}, 'w').write(str(__import__('os').getpid())), {LONG})")
    time.sleep(600)
"""


def test_workers_end_with_a_driver_that_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-P", "-c", DRIVER, tmp_path / "id"], stderr=subprocess.PIPE) as driver:
        process = read_when_there(tmp_path / "id")
        os.kill(process, signal.SIGINT)  # as a terminal sends it to all: it is left to the driver
        time.sleep(0.2)
        assert runs(process)
        driver.kill()
        assert gone_within(5, process)
        assert driver.stderr.read() == b""


def test_workers_import_nothing_from_the_working_folder(tmp_path):
    for name in ("signal", "pickle", "socket", "numpy", "multiprocessing"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w')")
    source = "from validation.workers import Workers\npool = Workers(1)\nprint(pool.submit(eval, '1 + 1').result())\n"
    source += "pool.shutdown()"
    command = [sys.executable, "-P", "-c", source]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")
    assert not (tmp_path / "executed").exists()


# a sweep with them


def test_a_sweep_gives_up_where_a_job_loses_two_workers_and_keeps_what_was_finished(tmp_path):
    store = Store(tmp_path / "measurements")
    fine, fatal = Evaluation(eval, ("1.5",)), Evaluation(eval, (counting(tmp_path / "calls", DIE),))
    pool = Workers(1)
    with pytest.raises(WorkerLostError, match=rf"^{fatal.name} has lost two workers, the second by signal 9$"):
        sweep([fine, fatal, Evaluation(eval, (LONG,))], Run(), store=store, executor=pool)
    pool.shutdown(wait=False, cancel_futures=True)
    assert [path.stem for path in store.directory.iterdir()] == [fine.name]
    assert (tmp_path / "calls").read_text() == "xx"


def test_what_a_killed_worker_had_finished_is_not_done_again(tmp_path):
    code = counting(tmp_path / "calls", f"1.0 * n if n != 2 else {DIE}")
    first, second = (
        Evaluation(eval, (code,)),
        Evaluation(exec, (code,)),
    )  # in one batch, for their arguments are the same
    with Workers(1) as pool:
        found = sweep([first, second], Run(), store=Store(tmp_path / "measurements"), executor=pool)
    assert found[first.name] == 1
    assert np.isnan(found[second.name])  # of None, what exec returns
    assert (tmp_path / "calls").read_text() == "xxx"
