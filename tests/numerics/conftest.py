"""Backends and settings shared by the tests of numerics.

Test modules read them as `from tests.numerics.conftest import ...`: pytest has imported this file under that name before.
"""

import ast
import contextlib
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from numerics import gibbs
from numerics.arrays import to_host
from numerics.engine import door
from numerics.training import train
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


@contextlib.contextmanager
def without_numba(wanted=True):
    """As on a platform for which numba has no wheel, where that is wanted."""
    with pytest.MonkeyPatch.context() as patch:
        if wanted:
            patch.setattr(door, "_compiled", lambda: None)
        yield


@pytest.fixture(params=["compiled", "plain"])
def ways(request):
    """With the compiled loops, and without."""
    if request.param == "compiled" and door.compiled(np.empty(0)) is None:
        pytest.skip("needs numba, and its compiler switched on")
    with without_numba(request.param == "plain"):
        yield request.param


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


# -- the weights in extended precision

TINY = float(np.finfo(np.float64).tiny)  # what underflows is lost


class Exact:
    """The weights of all samples from direct differences in extended precision, and what follows from them.

    B is the shape (M,) or (T, M).
    """

    def __init__(self, queries, data, t, temperature=1.0):
        self.x, self.y = (np.asarray(a, dtype=np.longdouble) for a in (queries, data))
        t = np.asarray(t, dtype=np.longdouble)
        scale = 2 * temperature * np.broadcast_to(t, (*t.shape[:-1], len(self.x)))
        self.squares = np.stack([((self.y - x) ** 2).sum(axis=-1) for x in self.x])
        first = self.y[self.squares.argmin(axis=-1)]
        # |x - y|^2 - |x - y0|^2 = (y0 - y).(x - y + x - y0), which does not cancel where all samples are far away
        beyond = np.stack(
            [((a - self.y) * (x - self.y + x - a)).sum(axis=-1) for x, a in zip(self.x, first, strict=True)]
        )
        beyond -= beyond.min(axis=-1, keepdims=True)
        self.gaps = beyond / scale[..., None]
        self.shift = -self.squares.min(axis=-1) / scale
        weights = np.exp(-self.gaps)
        self.log_partition = self.shift + np.log(weights.sum(axis=-1))
        self.weights = weights / weights.sum(axis=-1, keepdims=True)
        self.participation = (self.weights**2).sum(axis=-1)
        self.largest_weight = self.weights.max(axis=-1)
        self.mean = self.x + np.stack([self.weights[..., i, :] @ (self.y - x) for i, x in enumerate(self.x)], axis=-2)
        self.nearest = np.broadcast_to(beyond.argmin(axis=-1), scale.shape)

    def rest(self, i):
        """y - mean at the i-th query, shape (..., N, D)."""
        return self.y - self.mean[..., i, None, :]

    def covariance(self, basis=None):
        """Of the coordinates, or of those in the basis, B + (k, k)."""
        found = []
        for i in range(len(self.x)):
            z = self.rest(i) if basis is None else self.rest(i) @ np.asarray(basis, dtype=np.longdouble)
            found.append(np.swapaxes(self.weights[..., i, :, None] * z, -1, -2) @ z)
        return np.stack(found, axis=-3)

    def width(self):
        """The largest |y - mean|, shape B."""
        return np.stack([np.sqrt((self.rest(i) ** 2).sum(axis=-1)).max(axis=-1) for i in range(len(self.x))], axis=-1)

    def deviations(self, found, host=np.asarray, u=2.0**-53):
        """How far observables are off, and how far they may be: by name, two arrays of the shape B.

        `error` bounds sum |w' - w|, and so the largest weight; sum |w'^2 - w^2| <= 2 sum |w' - w|; and an average of y,
        with y taken about its exact mean, is off by sum |w' - w| max |y - mean|. Sums of N positive terms in any order
        err by N u of themselves (Higham, eq. 4.4), and a quotient of two sums by twice that; so do the means, of the sizes
        of what is averaged: of y, of y - c or of y - x, whatever is the largest.
        """
        with np.errstate(over="ignore"):  # at noise far below the rounding of distances it says nothing, which is 2
            error = host(found.error)
        sums = (len(self.y) + 8) * u
        assert ((error >= 0) & (error <= 2)).all()
        sizes = np.sqrt((self.y**2).sum(axis=-1)).max() + np.sqrt((self.x**2).sum(axis=-1)) + TINY
        return {
            "largest_weight": (
                abs(host(found.largest_weight) - self.largest_weight),
                error + 2 * sums * self.largest_weight,
            ),
            "participation": (
                abs(host(found.participation) - self.participation),
                2 * error + 4 * sums * self.participation,
            ),
            "mean": (
                np.sqrt(((host(found.mean) - self.mean) ** 2).sum(axis=-1)),
                error * self.width() + 4 * sums * sizes,
            ),
        }

    def certify_covariance(self, found, host=np.asarray, u=2.0**-53):
        """Digit for digit, down to variances far below t; how many of them there were.

        Weights err by expm1(2 rounding) of themselves, so that second moments about the exact mean, and by Cauchy and
        Schwarz products of deviations, do too, and the mean by no more than that many standard deviations; z - mean z is
        rounded absolutely, by N + D + 8 roundings of the root mean square of |y - x|; what is neglected is at most as far
        from the mean as any sample.
        """
        (N, D), got = self.y.shape, host(found.covariance)
        full = self.covariance(None if found.basis is None else host(found.basis))
        variances = np.diagonal(full, axis1=-2, axis2=-1)
        weight = np.expm1(2 * host(found.rounding)) + 2 * (N + 8) * u
        reach = np.sqrt((self.weights * self.squares).sum(axis=-1))
        rounded = (2 * (N + D + 8) * u * reach)[..., None]
        sd = np.sqrt(variances)
        neglected = 4 * host(found.neglected)[..., None, None] * self.width()[..., None, None] ** 2
        bound = (4 * weight[..., None] * sd + 2 * rounded)[..., None, :] * sd[..., None]
        bound = bound + np.swapaxes(bound, -1, -2) + (rounded**2)[..., None] + neglected
        trusted = np.diagonal(bound, axis1=-2, axis2=-1)
        off, allowed = (abs(got - full), bound) if got.ndim == full.ndim else (abs(got - variances), trusted)
        assert off.shape == allowed.shape
        assert (off <= allowed).all(), (float(off.max()), float(allowed[off > allowed].max()))
        tight = (variances < 1e-6 * host(found.t)[..., None]) & (variances > 0)
        return int((tight & (trusted < 1e-3 * variances)).sum())

    def near(self, nearest, dtype):
        """Whether no sample is nearer than these indices, shape (M,), by more than a squared distance is rounded."""
        u = float(np.finfo(dtype).eps) / 2
        square = np.take_along_axis(self.squares, nearest[:, None], axis=1)[:, 0]
        # both squares are rounded, by 3 (D + 4) u of themselves, or by what underflows in each of D terms
        slack = 6 * (self.x.shape[1] + 4) * u * square + 2 * self.x.shape[1] * float(np.finfo(dtype).tiny)
        return (square - self.squares.min(axis=1) <= slack).all()

    def certify(self, found, host=np.asarray, u=2.0**-53):
        """The largest share of what `error` allows that was used."""
        used = 0.0
        for name, (off, bound) in self.deviations(found, host, u).items():
            assert (off <= bound).all(), (name, float(off.max()), float(bound[off > bound].max()))
            used = max(used, float((off / (bound + 1e-300)).max()))
        return used


# -- clouds that are hard on floating point: functions of a generator, M, N, D and the largest number allowed

ATTACKS = {}


def attack(function):
    ATTACKS[function.__name__] = function
    return function


@attack
def noised(rng, M, N, D, largest):
    data = rng.standard_normal((N, D))
    return data[rng.integers(N, size=M)] + 0.01 * rng.standard_normal((M, D)), data


@attack
def offset(rng, M, N, D, largest):
    return 1e8 + rng.standard_normal((M, D)), 1e8 + rng.standard_normal((N, D))


@attack
def near_ties(rng, M, N, D, largest):
    """Samples on a sphere, up to a billionth of its radius, and queries near its centre."""
    data = rng.standard_normal((N, D))
    data *= (1 + 1e-9 * rng.standard_normal((N, 1))) / np.linalg.norm(data, axis=1, keepdims=True)
    return 1e-9 * rng.standard_normal((M, D)), data


@attack
def far_query(rng, M, N, D, largest):
    return 1e5 * rng.standard_normal((M, D)), 1e-3 * rng.standard_normal((N, D))


@attack
def duplicates(rng, M, N, D, largest):
    data = np.round(rng.standard_normal((-(-N // 3), D)))
    return np.round(rng.standard_normal((M, D))), np.concatenate([data] * 3)[:N]


@attack
def one_sign(rng, M, N, D, largest):
    """All products of coordinates have the same sign: their sum is as large as it can be, and roundings add up."""
    sign = np.where(np.arange(N) % 2, 1.0, -1.0)[:, None]
    return np.full((M, D), 1 / 3), sign / 3 + 1e-3 * rng.uniform(size=(N, D)) * sign


@attack
def ratios(rng, M, N, D, largest):
    top = min(30.0, math.log10(largest))
    x, y = 10.0 ** rng.uniform(-30, top, (M, 1)), 10.0 ** rng.uniform(-30, top, (N, 1))
    return x * rng.standard_normal((M, D)), y * rng.standard_normal((N, D))


@attack
def half_ulps(rng, M, N, D, largest):
    """Coordinates nearly half way between two numbers of float32, so that all of them are rounded by as much as can be."""
    sign = np.where(np.arange(N) % 2, 1.0, -1.0)[:, None]
    return np.full((M, D), 1 + 2.0**-24 - 2.0**-40), sign * np.full((N, D), 1 + 2.0**-24 - 2.0**-40)


@attack
def anisotropic(rng, M, N, D, largest):
    """From one to the smallest denormals, coordinate by coordinate; in one dimension, sample by sample."""
    if D == 1:
        scales = 10.0 ** -np.linspace(0, 322, N)[:, None]
        return scales[rng.integers(N, size=M)], scales * rng.standard_normal((N, 1))
    scales = 10.0 ** -np.linspace(0, 322, D)
    return scales * rng.standard_normal((M, D)), scales * rng.standard_normal((N, D))


@attack
def denormals_of_float32(rng, M, N, D, largest):
    x, y = 1e-40 * rng.standard_normal((M, D)), 1e-40 * rng.standard_normal((N, D))
    x[0], y[0], y[-1] = 1, -1, 1  # so that the unit is of the order of one, and the centre near zero
    return x, y


@attack
def denormals_of_float64(rng, M, N, D, largest):
    x, y = 1e-315 * rng.standard_normal((M, D)), 1e-315 * rng.standard_normal((N, D))
    x[0] = 1
    return x, y


@attack
def halves(rng, M, N, D, largest):
    return tuple(rng.standard_normal((n, D)).astype(np.float16).astype(np.float64) for n in (M, N))


@attack
def all_equal(rng, M, N, D, largest):
    return np.full((M, D), 0.7), np.full((N, D), 0.7)


@attack
def zeros(rng, M, N, D, largest):
    return np.zeros((M, D)), np.zeros((N, D))


@attack
def outlier(rng, M, N, D, largest):
    x, y = rng.standard_normal((M, D)), rng.standard_normal((N, D))
    y[N // 2] = min(largest, 1e100)
    return x, y


def attacked(name, rng, M, N, D, dtype=np.float64):
    """The queries and data of an attack in a dtype."""
    largest = {"float32": 1e15, "float64": 1e100}[np.dtype(dtype).name]
    return tuple(a.astype(dtype) for a in ATTACKS[name](rng, M, N, D, largest))


def experiment(name):
    return importlib.import_module(f"numerics.experiments.{name}")


SMALL = Setting.of("1.0x2,0.1x2", samples=60, times=np.array([0.05, 0.2, 0.8]))
DIMENSIONS = {
    "time": lambda s: s.times.size,
    "training": lambda s: len(s.network.times),
    "place": lambda s: 3,
    "subspace": lambda s: len(s.manifold.subspaces),
    "sample": lambda s: s.samples,
    "bulk": lambda s: 3,
}


class Contract:
    """What every experiment owes; a test module subclasses it with its name."""

    name: str
    on_sphere: tuple[str, ...] = ()  # what does not take the density of the data; with none of it, spheres are refused
    small: Setting = SMALL  # where it is measured
    few: int = 40  # repeats
    elsewhere: tuple[str, ...] = ()  # what is known in another number of directions

    @property
    def module(self):
        return experiment(self.name)

    def measure(self, setting=None, **options):
        return self.module.measure(setting or self.small, **{"repeats": 3, **options})

    def test_observables_are_what_it_says(self):
        found = self.measure()
        assert set(found) == set(self.module.OBSERVABLES) - set(self.elsewhere)
        for name in found:
            dimensions = self.module.OBSERVABLES[name]
            shape = tuple(DIMENSIONS[d](self.small) for d in dimensions)
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
        few, many = self.measure(repeats=self.few, rng=1), self.measure(repeats=self.few + 1, rng=1)
        for k in few:
            drift = np.abs(few[k].mean - many[k].mean)
            assert (np.isnan(drift) | (drift <= 2.5 * few[k].sem + 1e-12)).all(), k

    def test_spheres(self):
        sphere = self.small.at(ensemble="sphere")
        if not self.on_sphere:
            with pytest.raises(ValueError, match="known for the gaussian ensemble only, got 'sphere'"):
                self.measure(sphere)
            return
        found = self.measure(sphere)
        assert set(found) == set(self.on_sphere)
        for name, m in found.items():
            assert m.mean.shape == tuple(DIMENSIONS[d](self.small) for d in self.module.OBSERVABLES[name])
            assert np.isfinite(m.mean).all()
            assert (m.mean != self.measure()[name].mean).any()

    @pytest.mark.parametrize("schedule", list(SCHEDULES))
    def test_schedules(self, schedule):
        found = self.measure(self.small.at(schedule=schedule))
        for k, m in found.items():
            if "_time" not in k:
                assert np.isfinite(m.mean).all(), k
                assert (m.sem >= 0).all(), k

    def test_normal_directions(self):
        manifold = LinearManifold(self.small.manifold.subspaces, 7)
        for m in self.measure(self.small.at(manifold=manifold)).values():
            assert np.isfinite(m.mean).all() or m.mean.ndim == 0

    @pytest.mark.parametrize("samples", [2, 64, 65])
    def test_any_number_of_samples(self, samples):
        found = self.measure(self.small.at(samples=samples))
        assert all(np.isfinite(m.mean).all() for k, m in found.items() if "_time" not in k)

    def test_one_time(self):
        with_one = self.measure(self.small.at(times=[0.2]))
        assert all(m.mean.shape[0] == 1 for k, m in with_one.items() if "time" in self.module.OBSERVABLES[k])

    def test_block_sizes_change_nothing(self, monkeypatch):
        plain = self.measure(rng=3)
        monkeypatch.setattr(gibbs, "QUERY_BLOCK", 17)
        monkeypatch.setattr(gibbs, "SAMPLE_BLOCK", 7)
        same_as(self.measure(rng=3), plain, rtol=1e-7)

    def test_float32_is_close(self):
        plain, single = self.measure(rng=3), self.measure(rng=3, dtype="float32")
        indices = self.name in ("collapse", "supervision_region")  # is all that these take from the device
        assert any((plain[k].mean != single[k].mean).any() for k in plain) or indices
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
        assert all(n in ("theory.setting", "theory.network") or n.startswith("numerics.") for n in ours), ours
        assert not any(n.startswith(("relative", "importlib")) for n in names), names
        assert "__import__" not in Path(self.module.__file__).read_text()


def hastily(network, *how, **others):
    """Trained for a step, or two, or as many as there are times."""
    return train(replace(network, times=tuple(range(1, len(network.times) + 1))), *how, **others)


COARSELY = {  # constants of the experiments that generate, for fewer points and steps
    "speciation": {"STEPS": 1, "POINTS": 16},
    "led_kde": {"FINE": 1, "POINTS": 16, "LANGEVIN": 3, "NORMAL": 3, "SHIFTS": 8, "FARTHEST": 3.0},
    "temperature": {"STEPS": 1, "FINE": 1, "POINTS": 16, "QUERIES": 8, "FARTHEST": 30.0},
    "trained_network": {"STEPS": 0.5, "POINTS": 8, "NEW": 16, "COMPARED": 4, "GENERATED": 8, "train": hastily},
    "trade_off": {"STEPS": 1, "FAR_STEPS": 1, "POINTS": 8, "FARTHEST": 30.0},
}


class Generating(Contract):
    """Of an experiment that generates, with fewer points and steps: what is owed does not depend on them."""

    coarsely: Mapping[str, float]  # its constants
    few = 10

    @pytest.fixture(autouse=True)
    def coarse(self, monkeypatch):
        for constant, value in self.coarsely.items():
            monkeypatch.setattr(self.module, constant, value)

    @pytest.mark.slow
    def test_errors_shrink_with_the_root_of_repeats(self):
        super().test_errors_shrink_with_the_root_of_repeats()

    @pytest.mark.slow
    def test_runs_with_other_seeds_agree(self):
        super().test_runs_with_other_seeds_agree()


def same_as(found, expected, rtol=0.0):
    assert list(found) == list(expected)
    for k in found:
        np.testing.assert_allclose(found[k].mean, expected[k].mean, rtol=rtol, err_msg=k)
        np.testing.assert_allclose(found[k].sem, expected[k].sem, rtol=5 * rtol, err_msg=k)
        assert found[k].n == expected[k].n


def awaiting(x, rows, part, bound, lowest, reach):
    """Queries, samples and S of the pairs of a slice that compiled screening lets wait; it raises `lowest`, shape (m,)."""
    from numerics.engine.candidates import screen, waiting_for
    from numerics.engine.compiled import picking

    m = len(x)
    layout, _ = screen(x, rows)
    room = layout[-1]
    places = part.stop - part.start + room.norms.size
    waiting = waiting_for(m, places, room.S.dtype)
    kept = np.zeros(m), lowest, reach, waiting
    seen = picking.find(rows.data, part.start, part.stop, *layout, bound, *kept)
    assert seen == waiting.counts.sum()
    mine = np.arange(places) < waiting.counts[:, None]
    return np.nonzero(mine)[0], waiting.samples[mine], waiting.S[mine]
