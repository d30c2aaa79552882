"""The fused kernels, under Triton's interpreter in a process of its own, and on a GPU where there is one."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
triton = pytest.importorskip("triton")

from numerics.arrays import to_host  # noqa: E402
from numerics.engine import gpu as triton_kernels  # noqa: E402
from numerics.engine.gpu import LARGEST_DIMENSION, UNROLLED, available, fused_sums, supported  # noqa: E402
from numerics.gibbs import gibbs_moments  # noqa: E402

ROOT = Path(__file__).parents[3]
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"  # triton reads it once, when it is imported
VERSION = tuple(int(number) for number in triton.__version__.split(".")[:2])
NAMES = ("shift", "weight", "weight_squared", "log_weight", "log_weight_squared", "mean", "nearest")
WAYS = [  # dimension, differences, precision
    *((d, True, "ieee") for d in (1, 2, 3, 16, 17, 64, 128)),
    *((d, False, "ieee") for d in (17, 64, 128)),
    *((d, way, "tf32x3") for d in ((17,) if INTERPRETED else (17, 128)) for way in (True, False)),
]
FEW_WAYS = [(3, True, "ieee"), (20, True, "ieee"), (20, False, "ieee")]  # one of each kind
EXPONENT = 750  # weights below exp(-EXPONENT) count as zero
DOUBLE = np.finfo(np.float64).eps


@pytest.fixture(params=["cpu"] if INTERPRETED else [pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return request.param


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch):
    # so that a few hundred samples are several chunks
    monkeypatch.setattr(triton_kernels, "SHORTEST_CHUNK", 256)


@pytest.mark.skipif(INTERPRETED, reason="this is the interpreter's process")
@pytest.mark.skipif(VERSION < (3, 7), reason="earlier interpreters do not work with NumPy 2.4")
def test_under_the_interpreter():
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", __file__, "-n0", "-p", "no:cacheprovider", "--tb=short"]
    run = subprocess.run(command, cwd=ROOT, env=clean | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


# references


def sums(x, y, t, device, temperature=1.0, differences=True, precision="ieee"):
    """The kernel's sums as NumPy arrays."""
    x, y, t = (torch.from_numpy(np.asarray(a)).to(device) for a in (x, y, t))
    found = fused_sums(x, y, t, temperature, differences=differences, precision=precision)
    assert [a.dtype for a in found] == [torch.float64] * 6 + [torch.int64]
    assert all(a.device.type == device for a in found)
    return SimpleNamespace(**{name: a.cpu().numpy() for name, a in zip(NAMES, found, strict=True)})


def exact(x, y, t, temperature=1.0):
    """The same sums in extended precision, with what their bounds need."""
    x, y, t = (np.asarray(a, dtype=np.longdouble) for a in (x, y, t))
    squares = ((x[:, None] - y) ** 2).sum(-1)
    units = 2 * t[:, None] * temperature
    nearest = squares.argmin(1)
    least = squares.min(1, keepdims=True)
    u = np.maximum((least - squares) / units, -20 * EXPONENT)
    e = np.exp(u)
    weight = e.sum(1)
    return SimpleNamespace(
        shift=-least[:, 0] / units[:, 0],
        weight=weight,
        weight_squared=(e**2).sum(1),
        log_weight=(e * u).sum(1),
        log_weight_squared=(e * u**2).sum(1),
        mean=e @ y / weight[:, None],
        nearest=nearest,
        squares=squares,
        units=units,
        u=u,
        e=e,
    )


def bounds(truth, x, y, differences):
    """What rounding may do to each sum, from the error delta of u.

    A squared distance is off by (D + 8) eps of itself, or, from products, twice that of |x|^2 + |y|^2 after centring. u
    takes the errors of two, and a few eps of its own from the scale and the exponential. A sum over a tile, of at most 256
    terms, adds 128 eps of the sum of magnitudes. What is left are weights that the dtype flushes to zero, and float64.
    """
    eps, dimension = np.finfo(x.dtype).eps, x.shape[1]
    lost = len(y) * np.finfo(x.dtype).tiny * EXPONENT**2
    x, y = x.astype(np.longdouble), y.astype(np.longdouble)
    x_centred, y_centred = x - y.mean(0), y - y.mean(0)
    sizes = truth.squares if differences else 2 * ((x_centred**2).sum(-1)[:, None] + (y_centred**2).sum(-1))
    error = (dimension + 8) * eps * sizes / truth.units
    near = np.take_along_axis(error, truth.nearest[:, None], 1)
    delta = error + near + 4 * eps * (1 + abs(truth.u))
    others = np.arange(len(y)) != truth.nearest[:, None]
    certain = ((truth.u + delta < 0) | ~others).all(1, keepdims=True)
    delta = np.where(others | ~certain, delta, 0)  # the nearest has u = 0 exactly, where it is known to be the nearest
    e, u = truth.e, abs(truth.u)
    change = np.exp(np.minimum(truth.u + delta, 2 * EXPONENT)) - e
    summed = 128 * eps
    origin = x[:, None] if dimension <= UNROLLED else y.mean(0)
    from_mean, from_origin = abs(y - truth.mean[:, None]), abs(y - origin)
    return SimpleNamespace(
        shift=near[:, 0] + 4 * DOUBLE * abs(truth.shift),
        weight=change.sum(1) + summed * truth.weight + lost,
        weight_squared=(change * (2 * e + change)).sum(1) + summed * truth.weight_squared + lost,
        log_weight=(change * (u + delta) + e * delta).sum(1) + summed * abs(truth.log_weight) + lost,
        log_weight_squared=(change * (u + delta) ** 2 + e * delta * (2 * u + delta)).sum(1)
        + summed * truth.log_weight_squared
        + lost,
        mean=(2 * averaged(change, from_mean) + summed * averaged(e, from_origin)) / truth.weight[:, None]
        + lost
        + 4 * DOUBLE * abs(truth.mean),
        certain=certain[:, 0],
    )


def averaged(weights, distances):
    """Sum over samples, shapes (M, N) and (M or 1, N, D)."""
    return np.einsum("mn,mnd->md", weights, np.broadcast_to(distances, (*weights.shape, distances.shape[-1])))


def check(found, x, y, t, temperature=1.0, differences=True):
    """All sums within their bounds; returns the share of queries whose weights the bounds pin to 1 %."""
    differences = differences or x.shape[1] <= UNROLLED
    truth = exact(x, y, t, temperature)
    allowed = bounds(truth, x, y, differences)
    for name in NAMES[:-1]:
        off, most = abs(getattr(found, name) - getattr(truth, name)), getattr(allowed, name)
        assert np.isfinite(getattr(found, name)).all(), name
        assert (off <= most).all(), (name, float((off / most).max()))
    assert (found.nearest == truth.nearest)[allowed.certain].all()
    return np.mean(allowed.weight < 0.01 * truth.weight)


def draw(rng, m, n, dimension, dtype):
    return rng.standard_normal((m, dimension)).astype(dtype), rng.standard_normal((n, dimension)).astype(dtype)


# the sums


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("dimension", "differences", "precision"), WAYS)
def test_against_extended_precision(dimension, differences, precision, dtype, device, rng):
    x, y = draw(rng, 21, 301, dimension, dtype)
    t = np.geomspace(1e-6, 1e3, len(x))
    found = sums(x, y, t, device, 1.3, differences, precision)
    pinned = check(found, x, y, t, 1.3, differences)
    assert pinned > (0.99 if dtype == "float64" else 0.3)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 300), (16, 256), (17, 257), (65, 31), (257, 33)])
@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
def test_sizes_around_the_tiles(m, n, dimension, differences, precision, device, rng):
    x, y = draw(rng, m, n, dimension, "float32")
    t = np.geomspace(0.5, 50, m)
    check(sums(x, y, t, device, 1.0, differences, precision), x, y, t, 1.0, differences)


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_sample(dimension, differences, precision, dtype, device, rng):
    x, y = draw(rng, 5, 1, dimension, dtype)
    found = sums(x, y, np.geomspace(1e-6, 1e3, 5), device, 1.0, differences, precision)
    assert (found.weight == 1).all()
    assert (found.weight_squared == 1).all()
    assert (found.log_weight == 0).all()
    assert (found.log_weight_squared == 0).all()
    assert (found.nearest == 0).all()
    np.testing.assert_allclose(found.mean, np.broadcast_to(y, x.shape), rtol=0, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
def test_the_first_of_equals_is_nearest(dimension, differences, precision, device, rng):
    # integers with mean zero: all arithmetic is exact, and each point comes eight times, in many tiles and chunks
    half = rng.integers(-3, 4, (40, dimension))
    points = np.concatenate([half, -half]).astype("float32")
    y = rng.permutation(np.concatenate([points] * 8))
    x = np.concatenate([points, np.zeros((1, dimension), "float32")])  # the origin is as far from y as from -y
    found = sums(x, y, np.full(len(x), 0.01), device, 1.0, differences, precision)
    squares = ((x[:, None] - y) ** 2).sum(-1)
    assert (found.nearest == squares.argmin(1)).all()
    assert (found.shift == -squares.min(1).astype(np.float64) / 0.02).all()
    np.testing.assert_allclose(found.weight, (squares == squares.min(1, keepdims=True)).sum(1), rtol=1e-15)
    assert (found.weight[:-1] >= 8).all()


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_that_vanish_in_all_tiles_but_one(dimension, differences, precision, dtype, device, rng):
    x, y = draw(rng, 20, 600, dimension, dtype)
    y[: len(y) - 1] += 1000
    x[0] += 1e5
    t = np.full(len(x), 0.5)
    found = sums(x, y, t, device, 1.0, differences, precision)
    assert (found.nearest[1:] == len(y) - 1).all()
    assert (found.weight[1:] == 1).all()
    assert (found.log_weight_squared[1:] == 0).all()
    check(found, x, y, t, 1.0, differences)


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
@pytest.mark.parametrize("order", [1, -1])
def test_samples_in_order_of_distance(dimension, differences, precision, order, device, rng):
    # far ones first: every tile brings a new least distance, and all sums are rescaled every time
    x, y = draw(rng, 18, 700, dimension, "float64")
    x *= 1e-3
    y = y[np.argsort((y**2).sum(-1))[::order]]
    t = np.geomspace(0.01, 10, len(x))
    check(sums(x, y, t, device, 1.0, differences, precision), x, y, t, 1.0, differences)


@pytest.mark.parametrize("dimension", [2, 16])
def test_an_offset_costs_differences_nothing(dimension, device, rng):
    x, y = (a + np.float32(1e4) for a in draw(rng, 30, 600, dimension, "float32"))
    t = np.geomspace(1e-3, 10, len(x))
    found = sums(x, y, t, device)
    assert check(found, x, y, t) == 1
    shifted = sums(x - np.float32(1e4), y - np.float32(1e4), t, device)
    np.testing.assert_array_equal(found.shift, shifted.shift)  # all differences of coordinates are exact
    np.testing.assert_allclose(found.mean - 1e4, shifted.mean, rtol=0, atol=1e-11)


def test_no_distance_is_negative(device, rng):
    # a query that is a sample: what is left of the products is rounding of either sign
    _, y = draw(rng, 1, 300, 30, "float32")
    x = y[:100]
    t = np.geomspace(0.1, 10, len(x))
    found = sums(x, y, t, device, 1.0, differences=False)
    assert (found.shift <= 0).all()
    assert (found.shift < 0).any()
    check(found, x, y, t, 1.0, differences=False)


def test_an_offset_costs_products_no_more_than_centring(device, rng):
    x, y = (a + 100.0 for a in draw(rng, 30, 600, 24, "float64"))
    t = np.geomspace(0.1, 10, len(x))
    assert check(sums(x, y, t, device, 1.0, differences=False), x, y, t, 1.0, differences=False) == 1


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
def test_squared_weights_are_weights_at_half_the_time(dimension, differences, precision, device, rng):
    x, y = draw(rng, 33, 400, dimension, "float64")
    t = np.geomspace(0.1, 100, len(x))
    whole = sums(x, y, t, device, 1.0, differences, precision)
    half = sums(x, y, t / 2, device, 1.0, differences, precision)
    hot = sums(x, y, t / 2, device, 2.0, differences, precision)
    np.testing.assert_allclose(whole.weight_squared, half.weight, rtol=1e-12)
    np.testing.assert_array_equal(hot.weight, whole.weight)  # t and T enter as their product, here exactly


# how the work is cut


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
def test_cuts_change_nothing_but_rounding(dimension, differences, precision, device, rng, monkeypatch):
    x, y = draw(rng, 258, 300, dimension, "float64")
    y[280:] = y[:20]
    t = np.geomspace(0.01, 100, len(x))
    monkeypatch.setattr(triton_kernels, "SHORTEST_CHUNK", 1024)
    whole = sums(x, y, t, device, 1.0, differences, precision)
    monkeypatch.setattr(triton_kernels, "LONGEST_CHUNK", 256)
    monkeypatch.setattr(triton_kernels, "STATE_BYTES", 1)  # queries in the smallest lots
    cut = sums(x, y, t, device, 1.0, differences, precision)
    for name in NAMES:
        # sums over a tile stay as they are; some dozen roundings of float64 between tiles do not
        np.testing.assert_allclose(getattr(cut, name), getattr(whole, name), rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(cut.nearest, whole.nearest)


@pytest.mark.parametrize(("dimension", "differences", "precision"), FEW_WAYS)
def test_the_same_question_has_the_same_answer(dimension, differences, precision, device, rng):
    x, y = draw(rng, 20, 600, dimension, "float32")
    once, twice = (sums(x, y, np.full(20, 0.7), device, 1.0, differences, precision) for _ in range(2))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(once, name), getattr(twice, name))


def test_strides_do_not_matter(device, rng):
    x, y = (torch.from_numpy(a).to(device) for a in draw(rng, 40, 300, 6, "float64"))
    t = torch.full((20,), 0.3, dtype=torch.float64, device=device)
    found = fused_sums(x[::2, ::2], y.T[::2].T, t, 1.0)
    plain = fused_sums(x[::2, ::2].contiguous(), y[:, ::2].contiguous(), t, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(found, plain, strict=True))


def test_times_in_one_call(device, rng):
    x, y = draw(rng, 10, 300, 2, "float64")
    t = np.array([0.1, 1.0, 10.0])
    together = sums(np.tile(x, (3, 1)), y, np.repeat(t, 10), device)
    for i, time in enumerate(t):
        apart = sums(x, y, np.full(10, time), device)
        for name in NAMES:  # other tiles, other order of summation
            np.testing.assert_allclose(getattr(together, name)[10 * i : 10 * i + 10], getattr(apart, name), rtol=1e-12)


@pytest.mark.parametrize("dimension", [3, 20])
def test_the_engine_uses_it_and_agrees_with_numpy(dimension, device, rng, monkeypatch):
    x, y = draw(rng, 12, 300, dimension, "float64")
    t = np.array([[0.05], [0.5], [5.0]]) * dimension
    calls = []
    monkeypatch.setattr(triton_kernels, "fused_sums", lambda *a, **k: calls.append(1) or fused_sums(*a, **k))
    found = gibbs_moments(
        torch.from_numpy(x).to(device), torch.from_numpy(y).to(device), torch.from_numpy(t).to(device)
    )
    expected = gibbs_moments(x, y, t)
    assert calls
    for name in ("log_partition", "energy", "energy_variance", "entropy", "participation", "mean", "nearest"):
        # float64 throughout, with log weights of tens and cancellation in the energy's variance
        np.testing.assert_allclose(to_host(getattr(found, name)), getattr(expected, name), rtol=1e-10, err_msg=name)


@pytest.mark.gpu
@pytest.mark.skipif(INTERPRETED or not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("dimension", "differences", "precision"), WAYS)
def test_many_samples_on_a_gpu(dimension, differences, precision, dtype, rng, monkeypatch):
    monkeypatch.undo()  # chunks as they are
    x, y = draw(rng, 300, 40_000, dimension, dtype)
    t = np.geomspace(0.3, 30, len(x)) * dimension
    found = sums(x, y, t, "cuda", 1.0, differences, precision)
    x, y, t = (torch.from_numpy(a).double().cuda() for a in (x, y, t))
    squares = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    weights = torch.softmax(-squares / (2 * t[:, None]), 1)
    # errors of two distances, as in `bounds`, where the largest |x|^2 + |y|^2 bounds both kinds; 256 tiles' sums
    sizes = (x**2).sum(1) + (y**2).sum(1).max()
    error = 4 * (dimension + 8) * np.finfo(dtype).eps * (sizes / t).cpu().numpy() + 256 * np.finfo(dtype).eps
    assert (abs(found.weight * weights.amax(1).cpu().numpy() - 1) <= error).all()
    off = abs(found.mean - (weights @ y).cpu().numpy())
    assert (off <= 2 * error[:, None] * (weights @ abs(y)).cpu().numpy()).all()
    chosen = squares.gather(1, torch.from_numpy(found.nearest).cuda()[:, None])[:, 0]
    assert ((chosen - squares.amin(1)) / t).cpu().numpy().max() <= error.max()


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
@pytest.mark.parametrize("queries", [1, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("dimension", "differences", "precision"), WAYS)
def test_every_tile_compiles_for_hopper(dimension, differences, precision, dtype, queries, tmp_path, monkeypatch):
    # needs no GPU; what it cannot tell is whether the code runs
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as built_by_triton

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    data = torch.zeros((2, dimension), dtype=getattr(torch, dtype))
    tile = triton_kernels._tile(triton_kernels._samples(data, differences), precision, queries)
    kernel = triton_kernels._by_differences if differences else triton_kernels._by_products
    rows = 1 << (dimension - 1).bit_length()
    constants = {"D": dimension, "ROWS": rows, "BM": tile.queries, "BN": tile.samples, "PRECISION": precision}
    constants |= {"THIN": dimension <= UNROLLED} if differences else {}
    pointers = {"scalars": "*fp64", "totals": "*fp64", "nearest_at": "*i32"}
    working = dict.fromkeys(
        ("queries", "data", "again", "inverse", "query_squares", "data_squares"), f"*fp{8 * data.itemsize}"
    )
    counts = dict.fromkeys(("M", "N", "chunk", "tiles", "width", "length"), "i32")
    kinds = pointers | working | counts | dict.fromkeys(constants, "constexpr")
    names = kernel.arg_names
    aligned = [i for i, name in enumerate(names) if kinds[name][0] == "*" or name in ("chunk", "width", "length")]
    source = ASTSource(
        kernel,
        {name: kinds[name] for name in names},
        {(names.index(name),): value for name, value in constants.items()},
        {(i,): [["tt.divisibility", 16]] for i in aligned},
    )
    built = built_by_triton(
        source, target=GPUTarget("cuda", 90, 32), options={"num_warps": tile.warps, "num_stages": 2}
    )
    assert built.metadata.shared <= 227 * 1024
    assert built.asm["cubin"]


# what is refused


def test_what_is_available():
    x = torch.zeros((2, 3))
    assert not available(np.zeros((2, 3)))
    assert available(x) is INTERPRETED
    assert available(x.cuda()) if torch.cuda.is_available() else True


def test_what_is_supported(device):
    x, y = torch.zeros((2, 3), device=device), torch.zeros((5, 3), device=device)
    assert supported(x, y)
    assert supported(x.double(), y.double())
    assert not supported(x, y.double())
    assert not supported(x.half(), y.half())
    assert not supported(x.int(), y.int())
    assert not supported(x, y[:, :2])
    assert not supported(x, y[0])
    assert not supported(x, y[:0])
    assert not supported(x.cpu().numpy(), y)
    wide = torch.zeros((2, LARGEST_DIMENSION + 1), device=device)
    assert not supported(wide, wide)
    assert supported(wide[:, 1:], wide[:, 1:])


def test_refusals(device):
    x, y = torch.zeros((2, 3), device=device), torch.zeros((5, 3), device=device)
    t = torch.ones(2, dtype=torch.float64, device=device)
    with pytest.raises(ValueError, match=r"got torch\.float32 \(2, 3\) on .* and torch\.float64"):
        fused_sums(x, y.double(), t, 1.0)
    with pytest.raises(ValueError, match=r"got ndarray and torch\.float32"):
        fused_sums(np.zeros((2, 3)), y, t, 1.0)
    with pytest.raises(ValueError, match=r"t must have shape \(2,\), one for each query, got \(1,\)"):
        fused_sums(x, y, t[:1], 1.0)
    with pytest.raises(ValueError, match="precision must be one of ieee, tf32x3, got 'tf32'"):
        fused_sums(x, y, t, 1.0, precision="tf32")
