"""Backends and settings shared by the tests of numerics.

Test modules read them as `from tests.numerics.conftest import ...`: pytest has imported this file under that name before.
"""

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from numerics import gibbs
from numerics.arrays import to_host
from theory.setting import SCHEDULES, LinearManifold, Setting

PROPERTY = settings(
    deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)


@dataclass(frozen=True)
class Backend:
    """An array library on a device."""

    name: str
    xp: Any
    device: Any = None

    def array(self, values, dtype="float64"):
        return self.xp.asarray(np.asarray(values, dtype=np.float64), dtype=getattr(self.xp, dtype), device=self.device)

    def host(self, array):
        return to_host(array)

    def owns(self, array):
        """Whether the array is of this library, and on this device."""
        if self.name in ("torch", "cuda"):
            return isinstance(array, self.xp.Tensor) and array.device.type == ("cuda" if self.name == "cuda" else "cpu")
        return type(array) is type(self.array([0.0]))


def backend_of(name):
    if name == "numpy":
        return Backend(name, np)
    if name in ("torch", "cuda"):
        torch = pytest.importorskip("torch")
        if name == "cuda" and not torch.cuda.is_available():
            pytest.skip("no CUDA device")
        return Backend(name, torch, name if name == "cuda" else "cpu")
    return Backend(name, pytest.importorskip("array_api_strict"))


@pytest.fixture(params=["numpy", "array_api_strict", "torch", pytest.param("cuda", marks=pytest.mark.gpu)])
def backend(request):
    return backend_of(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20250731)


def experiment(name):
    return importlib.import_module(f"numerics.experiments.{name}")


SMALL = Setting.of("1.0x2,0.1x2", samples=60, times=np.array([0.05, 0.2, 0.8]))
DIMENSIONS = {"time": lambda s: s.times.size, "subspace": lambda s: len(s.manifold.subspaces)}


class Contract:
    """What every experiment owes; a test module subclasses it with its name."""

    name: str
    on_sphere: tuple[str, ...] = ()  # what does not take the density of the data; with none of it, spheres are refused

    @property
    def module(self):
        return experiment(self.name)

    def measure(self, setting=SMALL, **options):
        return self.module.measure(setting, **{"repeats": 3, **options})

    def test_observables_are_what_it_says(self):
        found = self.measure()
        assert set(found) == set(self.module.OBSERVABLES)
        for name, dimensions in self.module.OBSERVABLES.items():
            shape = tuple(DIMENSIONS[d](SMALL) for d in dimensions)
            assert found[name].mean.shape == found[name].sem.shape == shape, name
            assert found[name].mean.dtype == np.float64, name
            assert found[name].n >= 3, name

    def test_nothing_but_the_seed_matters(self):
        np.random.seed(1)  # noqa: NPY002
        first = self.measure(rng=5)
        np.random.seed(2)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        same_as(self.measure(rng=5), first)
        same_as(self.measure(rng=np.random.SeedSequence(5)), first)
        assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
        other = self.measure(rng=6)
        assert any((other[k].mean != first[k].mean).any() for k in first if np.isfinite(first[k].mean).all())

    def test_a_seed_sequence_is_not_spent(self):
        root = np.random.SeedSequence(5)
        same_as(self.measure(rng=root), self.measure(rng=root))

    @pytest.mark.parametrize("repeats", [2, 5])
    def test_it_ticks_once_a_repeat(self, repeats):
        ticks = []
        self.measure(repeats=repeats, tick=lambda: ticks.append(None))
        assert len(ticks) == repeats

    def test_more_repeats_go_on_where_fewer_stopped(self):
        # each data set has its own stream, so a longer run holds the shorter one
        few, many = self.measure(repeats=40, rng=1), self.measure(repeats=41, rng=1)
        for k in few:
            drift = np.abs(few[k].mean - many[k].mean)
            assert (np.isnan(drift) | (drift <= 2.5 * few[k].sem + 1e-12)).all(), k

    def test_spheres(self):
        sphere = SMALL.at(ensemble="sphere")
        if not self.on_sphere:
            with pytest.raises(ValueError, match="known for the gaussian ensemble only, got 'sphere'"):
                self.measure(sphere)
            return
        found = self.measure(sphere)
        assert set(found) == set(self.on_sphere)
        for name, m in found.items():
            assert m.mean.shape == tuple(DIMENSIONS[d](SMALL) for d in self.module.OBSERVABLES[name])
            assert np.isfinite(m.mean).all()
            assert (m.mean != self.measure()[name].mean).any()

    @pytest.mark.parametrize("schedule", list(SCHEDULES))
    def test_schedules(self, schedule):
        found = self.measure(SMALL.at(schedule=schedule))
        for k, m in found.items():
            if not k.endswith("_time"):
                assert np.isfinite(m.mean).all(), k
                assert (m.sem >= 0).all(), k

    def test_normal_directions(self):
        manifold = LinearManifold(SMALL.manifold.subspaces, 7)
        for m in self.measure(SMALL.at(manifold=manifold)).values():
            assert np.isfinite(m.mean).all() or m.mean.ndim == 0

    @pytest.mark.parametrize("samples", [2, 64, 65])
    def test_any_number_of_samples(self, samples):
        found = self.measure(SMALL.at(samples=samples))
        assert all(np.isfinite(m.mean).all() for k, m in found.items() if not k.endswith("_time"))

    def test_one_time(self):
        with_one = self.measure(SMALL.at(times=[0.2]))
        assert all(m.mean.shape[0] == 1 for k, m in with_one.items() if "time" in self.module.OBSERVABLES[k])

    def test_block_sizes_change_nothing(self, monkeypatch):
        plain = self.measure(rng=3)
        monkeypatch.setattr(gibbs, "QUERY_BLOCK", 17)
        monkeypatch.setattr(gibbs, "SAMPLE_BLOCK", 7)
        same_as(self.measure(rng=3), plain, rtol=1e-7)

    def test_float32_is_close(self):
        plain, single = self.measure(rng=3), self.measure(rng=3, dtype="float32")
        assert any((plain[k].mean != single[k].mean).any() for k in plain) or self.name == "collapse"
        same_as(single, plain, rtol=1e-2)

    def test_errors_shrink_with_the_root_of_repeats(self):
        few, many = self.measure(repeats=25), self.measure(repeats=400)
        for k in few:
            ratio = np.asarray(few[k].sem / many[k].sem)
            fits = np.isfinite(ratio)
            # sixteen times the repeats; the error of an error from 25 repeats is 14 %, more for skewed draws
            assert (np.abs(np.log(ratio[fits] / 4)) < np.log(3)).all(), (k, ratio)

    def test_runs_with_other_seeds_agree(self):
        # 5 sigma of the difference, with 200 repeats: a false alarm in 1e5 runs
        a, b = self.measure(repeats=200, rng=1), self.measure(repeats=200, rng=2)
        for k in a:
            off, error = np.abs(a[k].mean - b[k].mean), 5 * np.hypot(a[k].sem, b[k].sem)
            assert (np.isnan(off) | (off <= error)).all(), k

    def test_too_few_repeats(self):
        with pytest.raises(ValueError):  # noqa: PT011
            self.measure(repeats=1)

    def test_it_does_not_know_the_answer(self):
        tree = ast.parse(Path(self.module.__file__).read_text())
        names = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names |= {node.module} if node.level == 0 else {f"relative {node.module}"}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        ours = {n for n in names if n.split(".")[0] in ("theory", "validation", "numerics", "tests")}
        assert all(n == "theory.setting" or n.startswith("numerics.") for n in ours), ours
        assert not any(n.startswith(("relative", "importlib")) for n in names), names
        assert "__import__" not in Path(self.module.__file__).read_text()


def same_as(found, expected, rtol=0.0):
    assert list(found) == list(expected)
    for k in found:
        np.testing.assert_allclose(found[k].mean, expected[k].mean, rtol=rtol, err_msg=k)
        np.testing.assert_allclose(found[k].sem, expected[k].sem, rtol=5 * rtol, err_msg=k)
        assert found[k].n == expected[k].n
