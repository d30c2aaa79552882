import subprocess
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from numerics import data
from numerics.experiments import kl_bound, score_covariance
from numerics.measurement import Measurement
from theory.predictions import collapse
from theory.setting import Setting
from validation import job as jobs
from validation import sweep as module
from validation.job import Evaluation, Experiment, Run
from validation.store import Store
from validation.sweep import local_executor, sweep

CALLS: list[float] = []


def normal(*, level, repeats, rng, device, dtype):
    CALLS.append(level)
    return {"mean": Measurement.of(np.random.default_rng(rng).normal(level, 1, (repeats, 3)))}


def lognormal(*, level, repeats, rng, device, dtype):
    CALLS.append(level)
    return {"mean": Measurement.of(np.random.default_rng(rng).lognormal(level, 1, (repeats, 3)))}


def interrupted(*, level, repeats, rng, device, dtype):
    raise KeyboardInterrupt


def failing(*, level, repeats, rng, device, dtype):
    raise RuntimeError("out of memory")


RUN = Run()
EXPERIMENTS = [Experiment(f"fake.{k}", normal, {"level": float(k)}, 30) for k in range(4)]
STOP = Experiment("fake.stop", interrupted, {"level": 9.0}, 30)
FAIL = Experiment("fake.fail", failing, {"level": 9.0}, 30)


@pytest.fixture(autouse=True)
def _count():
    CALLS.clear()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "measurements")


def numbers(results):
    """Everything that was found, bit for bit, whatever the order."""
    return {
        name: {o: (m.mean.tobytes(), m.sem.tobytes(), m.n) for o, m in found.items()} for name, found in results.items()
    }


def test_a_second_run_measures_nothing_and_finds_the_same(store):
    seen = []

    def note(job, found):
        seen.append(job)

    first = sweep(EXPERIMENTS, RUN, store=store, finished=note)
    assert sorted(CALLS) == [0, 1, 2, 3]
    assert seen == EXPERIMENTS
    CALLS.clear()
    second = sweep(EXPERIMENTS, RUN, store=store, finished=note)
    assert CALLS == []
    assert seen == EXPERIMENTS * 2
    assert numbers(second) == numbers(first)
    with ThreadPoolExecutor(1) as pool:
        assert numbers(sweep(EXPERIMENTS, RUN, store=store, executor=pool)) == numbers(first)
    assert CALLS == []


def test_a_further_experiment_is_all_that_is_measured(store):
    sweep(EXPERIMENTS[:3], RUN, store=store)
    CALLS.clear()
    assert len(sweep(EXPERIMENTS, RUN, store=store)) == 4
    assert CALLS == [3]


@pytest.mark.parametrize("change", [{"seed": 1}, {"budget": "deep"}, {"dtype": "float32"}, {"device": "cuda"}])
def test_other_settings_are_other_measurements(store, change):
    sweep(EXPERIMENTS, RUN, store=store)
    CALLS.clear()
    sweep(EXPERIMENTS, replace(RUN, **change), store=store)
    assert len(CALLS) == 4


def test_other_sources_are_other_measurements(store, monkeypatch):
    sweep(EXPERIMENTS, RUN, store=store)
    CALLS.clear()
    monkeypatch.setattr(jobs, "_source", lambda function: "edited")
    sweep(EXPERIMENTS, RUN, store=store)
    assert len(CALLS) == 4


SETTING = Setting.of("1.0x2", samples=20, times=np.array([0.5]))
GRID = np.linspace(0, 1, 4000)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"level": 1.0}, {"level": 2.0}, id="number"),
        pytest.param({"level": 1.0}, {"level": 1.0, "last": 2.0}, id="another"),
        pytest.param({"setting": SETTING}, {"setting": SETTING.at(samples=21)}, id="samples"),
        pytest.param({"setting": SETTING}, {"setting": SETTING.at(times=[0.6])}, id="times"),
        pytest.param({"setting": SETTING}, {"setting": SETTING.at(schedule="edm")}, id="schedule"),
        pytest.param({"setting": SETTING}, {"setting": SETTING.at(ensemble="sphere")}, id="ensemble"),
        pytest.param({"points": GRID[:9]}, {"points": -GRID[:9]}, id="array"),
        pytest.param(
            {"setting": SETTING},
            {"setting": SETTING.at(times=[0.5 + 1e-12])},
            id="last digits",
        ),
        pytest.param(
            {"draw": data.Resampled(GRID[:, None])},
            {"draw": data.Resampled(np.where(np.arange(4000) == 2000, 7, GRID)[:, None])},
            id="large array",
        ),
    ],
)
def test_other_arguments_are_other_measurements(before, after):
    first, same, second = (Experiment("fake.x", normal, dict(a), 30).key(RUN) for a in (before, before, after))
    assert first == same
    assert first != second
    one, alike, other = (Evaluation(norm, tuple(a.values())) for a in (before, dict(before), after))
    assert (one.name, one.key(RUN)) == (alike.name, alike.key(RUN))
    assert one.name != other.name
    assert one.key(RUN) != other.key(RUN)


def test_other_repeats_or_names_are_other_measurements():
    e = EXPERIMENTS[0]
    keys = {x.key(RUN) for x in (e, replace(e, repeats=31), replace(e, name="fake.other"))}
    assert len(keys) == 3


def test_another_function_is_another_measurement(store):
    sweep(EXPERIMENTS, RUN, store=store)
    CALLS.clear()
    sweep([replace(e, measure=lognormal) for e in EXPERIMENTS], RUN, store=store)
    assert len(CALLS) == 4


KEYS = """
import numpy as np
from functools import partial
from numerics import data
from numerics.experiments import kl_bound, score_covariance
from theory.predictions import collapse
from theory.setting import Setting
from validation.job import Evaluation, Experiment, Run
setting = Setting.of("1.0x2", samples=20, times=np.array([0.5]))
print(Experiment("fake.x", kl_bound.measure, {"setting": setting}, 30).key(Run()))
draw = partial(data.draw, Setting(setting.manifold))
print(Experiment("fake.x", score_covariance.scatter, {"draw_data": draw}, 30).key(Run()))
print(Evaluation(collapse.information, (setting,)).key(Run()))
"""


def test_keys_are_the_same_in_another_process():
    there = subprocess.run([sys.executable, "-c", KEYS], capture_output=True, text=True, check=True).stdout.split()
    draw = partial(data.draw, Setting(SETTING.manifold))
    here = [
        Experiment("fake.x", kl_bound.measure, {"setting": SETTING}, 30).key(RUN),
        Experiment("fake.x", score_covariance.scatter, {"draw_data": draw}, 30).key(RUN),
        Evaluation(collapse.information, (SETTING,)).key(RUN),
    ]
    assert here == there


RESUMES = """
import sys
from functools import partial
from pathlib import Path
import numpy as np
from numerics import data
from numerics.experiments import score_covariance
from theory.setting import Setting
from validation.job import Experiment, Run
from validation.store import Store
from validation.sweep import sweep
draw = partial(data.draw, Setting.of("1.0x2", samples=20, times=np.array([0.5]), schedule="cosine"))
scatter = {"draw_data": draw, "points": np.ones((2, 2)), "t": 0.4, "samples": 20}
if sys.argv[2:] == ["forbidden"]:
    Experiment.do = None
found = sweep([Experiment("fake.x", score_covariance.scatter, scatter, 20)], Run(), store=Store(Path(sys.argv[1])))
print({name: m.mean.tolist() for name, m in found["fake.x"].items()})
"""


def test_another_process_resumes_what_was_measured(tmp_path):
    first, second = (
        subprocess.run([sys.executable, "-c", RESUMES, tmp_path, *more], capture_output=True, text=True, check=True)
        for more in ([], ["forbidden"])
    )
    assert first.stdout == second.stdout
    assert first.stdout


THREADS = """
from importlib import import_module
from threadpoolctl import threadpool_info
from validation.job import Evaluation, Run
from validation.sweep import _done
def threads():
    import_module("scipy.linalg.cython_blas")  # as compiled loops do when they are first called
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
print(*_done([Evaluation(threads, ())], Run())[0])
"""


def test_a_worker_has_one_thread_of_every_blas_there_is_from_its_first_job_on():
    found = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=True).stdout
    assert set(found.split()) == {"1.0"}


@pytest.mark.parametrize("damage", [lambda c: b"", lambda c: c[:-5], lambda c: b"\x00" + c, lambda c: b"[1, 2]"])
def test_what_is_damaged_is_measured_again_and_mended(store, damage):
    whole = sweep(EXPERIMENTS, RUN, store=store)
    path = store.directory / "fake.2.json"
    content = path.read_bytes()
    path.write_bytes(damage(content))
    CALLS.clear()
    assert numbers(sweep(EXPERIMENTS, RUN, store=store)) == numbers(whole)
    assert CALLS == [2]
    assert path.read_bytes() == content


def test_the_executor_and_the_order_make_no_difference():
    alone = numbers(sweep(EXPERIMENTS, RUN))
    assert numbers(sweep(EXPERIMENTS[::-1], RUN)) == alone
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert numbers(sweep(EXPERIMENTS, RUN, executor=pool)) == alone
            assert numbers(sweep(EXPERIMENTS[::-1], RUN, executor=pool)) == alone
    assert numbers({"fake.1": sweep(EXPERIMENTS[1:2], RUN)["fake.1"]}) == {"fake.1": alone["fake.1"]}


def test_other_processes_find_the_same(store):
    setting = Setting.of("1.0x2,0.1x1", samples=60, times=np.array([0.3, 1.0]))
    draw = partial(data.draw, Setting(setting.manifold))
    scatter = {"draw_data": draw, "points": np.ones((2, 3)), "t": 0.4, "samples": 50}
    both = [
        Experiment("real.kl", kl_bound.measure, {"setting": setting}, 20),
        Experiment("real.scatter", score_covariance.scatter, scatter, 20),
    ]
    with local_executor(1) as pool:
        there = sweep(both, RUN, executor=pool, store=store)
    assert numbers(there) == numbers(sweep(both, RUN))
    assert numbers(sweep(both, RUN, store=store)) == numbers(there)


def test_without_a_store_nothing_is_kept(tmp_path):
    sweep(EXPERIMENTS, RUN)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_keeps_what_was_finished(store):
    with pytest.raises(KeyboardInterrupt):
        sweep([*EXPERIMENTS[:2], STOP, *EXPERIMENTS[2:]], RUN, store=store)
    assert sorted(p.name for p in store.directory.iterdir()) == ["fake.0.json", "fake.1.json"]
    CALLS.clear()
    assert numbers(sweep(EXPERIMENTS, RUN, store=store)) == numbers(sweep(EXPERIMENTS, RUN))
    assert CALLS[:2] == [2, 3]


def test_an_interruption_among_workers_keeps_what_was_finished(store):
    def stop(job, found):
        if len(list(store.directory.glob("*.json"))) >= 2:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool, pytest.raises(KeyboardInterrupt):
        sweep(EXPERIMENTS, RUN, store=store, executor=pool, finished=stop)
    kept = len(list(store.directory.iterdir()))
    assert kept >= 2
    CALLS.clear()
    sweep(EXPERIMENTS, RUN, store=store)
    assert len(CALLS) == 4 - kept


class Instant(Executor):
    """Runs what it is given before it answers."""

    def submit(self, f, /, *arguments, **named):
        future = Future()
        try:
            future.set_result(f(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def test_a_failure_among_workers_keeps_what_was_finished(store, monkeypatch):
    monkeypatch.setattr(module, "as_completed", lambda jobs: sorted(jobs, key=lambda j: j.exception() is None))
    with pytest.raises(RuntimeError, match="out of memory"):
        sweep([*EXPERIMENTS, FAIL], RUN, store=store, executor=Instant())
    assert len(list(store.directory.iterdir())) == 4


def test_a_failure_is_raised(store):
    with pytest.raises(RuntimeError, match="out of memory"):
        sweep([EXPERIMENTS[0], FAIL], RUN, store=store)
    with pytest.raises(RuntimeError, match="out of memory"):
        sweep([FAIL], RUN, executor=Instant())
    assert [p.name for p in store.directory.iterdir()] == ["fake.0.json"]


def norm(*arguments):
    return 1.0


def shared(level):
    CALLS.append(level)
    return np.array([level, np.nan, np.inf])


def broken(level):
    raise ValueError("no such level")


def test_evaluations_are_kept_like_experiments(store):
    ones = [Evaluation(shared, (float(k),)) for k in range(3)]
    first = sweep([*ones, EXPERIMENTS[0]], RUN, store=store)
    assert sorted(CALLS) == [0, 0, 1, 2]
    CALLS.clear()
    second = sweep([*ones, EXPERIMENTS[0]], replace(RUN, seed=0), store=store)
    assert CALLS == []
    for one in ones:
        np.testing.assert_array_equal(first[one.name], second[one.name])
    sweep(ones, replace(RUN, seed=1, budget="deep"), store=store)
    assert CALLS == []  # theory draws nothing


def test_what_shares_its_arguments_is_done_together_and_fails_alone(store):
    batch = [Evaluation(f, (1.0,)) for f in (shared, broken, norm)]
    assert module._batches([*batch, *EXPERIMENTS]) == [batch, *([e] for e in EXPERIMENTS)]
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="no such level"):
        sweep(batch, RUN, store=store, executor=pool)
    assert len(list(store.directory.iterdir())) == 2


def test_what_cannot_be_told_apart_is_no_argument():
    with pytest.raises(TypeError, match="arguments of a job must be"):
        Evaluation(norm, (object(),)).key(RUN)


def test_edits_of_what_a_job_depends_on_make_it_another():
    setting = Setting.of("1.0x2", samples=20, times=[0.5])
    evaluation, experiment = (
        Evaluation(collapse.information, (setting,)),
        replace(EXPERIMENTS[0], measure=kl_bound.measure),
    )
    with pytest.MonkeyPatch.context() as patch:
        before = evaluation.key(RUN), experiment.key(RUN)
        asked = []
        patch.setattr(jobs, "_fingerprint", lambda module: asked.append(module) or "edited")
        assert before[0] != evaluation.key(RUN)
        assert before[1] != experiment.key(RUN)
    assert asked == ["theory.predictions.collapse", "numerics.experiments.kl_bound"]
