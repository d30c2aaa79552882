import sys

import array_api_strict
import numpy as np
import pytest

from numerics import arrays
from numerics.arrays import checked, namespace, resolve_device, stream, to_device, to_host


def bits(*args):
    return stream(*args).integers(2**63, size=4).tolist()


# -- streams


def test_a_stream_depends_on_seed_and_key_alone():
    keys = [(), ("collapse",), ("collapse", 0), ("collapse", 1), ("kl", 0), (0, "collapse"), ("collapse", "0"), (1.0,)]
    forward = [bits(7, *key) for key in keys]
    backward = [bits(7, *key) for key in reversed(keys)][::-1]
    assert forward == backward
    assert len({tuple(b) for b in forward}) == len(keys)
    assert bits(8, "collapse") != bits(7, "collapse")


def test_an_int_is_the_seed_sequence_of_it():
    assert bits(7, "a") == bits(np.random.SeedSequence(7), "a")
    assert bits(np.int64(7), "a") == bits(7, "a")


def test_seed_sequences_nest_and_are_not_spent():
    root = np.random.SeedSequence(7, spawn_key=(3,))
    assert bits(root, "a") == bits(root, "a") != bits(7, "a")
    assert root.n_children_spawned == 0
    inner = stream(7, "a").bit_generator.seed_seq
    assert bits(inner, "b") == bits(inner, "b")
    assert bits(inner, "b") not in (bits(7, "b"), bits(7, "a", "b"))


def test_a_generator_is_used_as_it_is():
    generator = np.random.default_rng(3)
    assert stream(generator, "anything") is generator
    assert bits(generator) != bits(generator)


def test_streams_look_independent():
    # 200 keys: sample correlations of neighbours within 5 sigma each, a false alarm in 10^4 such tests
    draws = np.array([stream(0, "point", k).standard_normal(2000) for k in range(200)])
    correlations = (draws[1:] * draws[:-1]).mean(axis=1)
    assert np.abs(correlations).max() < 5 / np.sqrt(2000)
    assert np.abs(draws.mean()) < 5 / np.sqrt(draws.size)


def test_a_stream_is_pinned():
    # results on disk are resumed by these numbers
    assert stream(0, "collapse", 3).integers(1000, size=5).tolist() == [107, 398, 756, 241, 965]


@pytest.mark.parametrize("seed", [-1, 1.5, "seven", "7", True, np.random.RandomState(1)])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="rng must be an integer of 0 or more, a SeedSequence or a Generator, got "):
        stream(seed, "a")


# -- devices


def test_cpu_is_cpu():
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize("device", ["gpu", "cuda:1", "", None])
def test_unknown_devices(device):
    with pytest.raises(ValueError, match="device must be one of auto, cpu, cuda, got"):
        resolve_device(device)


def test_without_cuda(monkeypatch):
    monkeypatch.setattr(arrays, "_cuda_available", lambda: False)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(ValueError, match="needs torch and a CUDA GPU, and none was found; use --device cpu"):
        resolve_device("cuda")


def test_with_cuda(monkeypatch):
    monkeypatch.setattr(arrays, "_cuda_available", lambda: True)
    assert resolve_device("auto") == resolve_device("cuda") == "cuda"
    assert resolve_device("cpu") == "cpu"


def test_without_torch_there_is_no_cuda(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not arrays._cuda_available()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_to_device_on_cpu_is_numpy(dtype):
    a = np.arange(6.0).reshape(2, 3)
    moved = to_device(a, "cpu", dtype)
    assert type(moved) is np.ndarray
    assert moved.dtype == dtype
    assert (moved == a).all()


@pytest.mark.parametrize("dtype", ["float16", "int64", "", None])
def test_to_device_wants_a_known_dtype(dtype):
    with pytest.raises(ValueError, match="dtype must be one of float64, float32, got"):
        to_device(np.zeros((2, 2)), "cpu", dtype)


def test_to_host(backend):
    values = np.arange(6.0).reshape(2, 3)
    found = to_host(backend.array(values))
    assert type(found) is np.ndarray
    assert (found == values).all()


@pytest.mark.gpu
def test_to_device_on_cuda():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    moved = to_device(np.ones((2, 3)), "cuda", "float32")
    assert moved.device.type == "cuda"
    assert moved.dtype is torch.float32
    assert torch.get_float32_matmul_precision() == "highest"


def test_bfloat16_on_the_host_is_float32():
    torch = pytest.importorskip("torch")
    found = to_host(torch.tensor([[1.5, -0.0078125]], dtype=torch.bfloat16, requires_grad=True))
    assert found.dtype == np.float32
    assert found.tolist() == [[1.5, -0.0078125]]


# -- arrays as they come


def test_namespace_of_one_library(backend):
    a = backend.array([[1.0]])
    xp = namespace(a, a)
    assert backend.owns(xp.concat([a, a]))


def test_namespace_of_two_libraries():
    with pytest.raises(ValueError, match=r"arrays of one library .*array_api_strict.* and numpy.ndarray; convert with"):
        namespace(np.ones(2), array_api_strict.ones(2))


@pytest.mark.parametrize("thing", [None, "abc", object(), {1: 2}, 3.0])
def test_namespace_of_no_array(thing):
    with pytest.raises(ValueError, match="expected arrays of one library"):
        namespace(thing)


def test_namespace_of_two_devices():
    here, there = array_api_strict.ones(2), array_api_strict.ones(2, device=array_api_strict.Device("device1"))
    with pytest.raises(ValueError, match=r"expected arrays on one device, got .*CPU.* and .*device1"):
        namespace(here, there)


def test_checked_keeps_floating_dtypes(backend):
    for dtype in ("float32", "float64"):
        a = backend.array([[1.0, 2.0]], dtype)
        assert checked(a, "data") is a


def test_checked_turns_integers_and_booleans_into_float64(backend):
    xp = backend.xp
    for a in (xp.asarray([[1, 2]]), xp.asarray([[True, False]])):
        found = checked(a, "data")
        assert found.dtype == xp.float64
        assert backend.host(found).shape == (1, 2)


def test_checked_reads_lists():
    assert checked([[1, 2], (3, 4)], "data").dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(3), r"data must have shape \(samples, dimensions\), got \(3,\); one vector is x\[None, :\]"),
        (np.ones((1, 2, 3)), r"got \(1, 2, 3\)"),
        (np.float64(3), "expected arrays|must have shape"),
        (np.ones((0, 3)), r"data must not be empty, got shape \(0, 3\)"),
        (np.ones((3, 0)), r"data must not be empty, got shape \(3, 0\)"),
        (np.array([[1, "a"]], dtype=object), "data must be a numeric array, got dtype object"),
        (np.array([["a"]]), "data must be a numeric array, got dtype <U1"),
        (np.ones((2, 2)) * 1j, "data must be a numeric array, got dtype complex128"),
        (np.zeros((2, 2), dtype="M8[s]"), "data must be a numeric array, got dtype datetime64"),
        (np.array([[1, np.nan]]), "data must be finite, got NaN or infinite entries; drop or impute them first"),
        (np.array([[1, -np.inf]]), "data must be finite"),
        ([[1, 2], [3]], "data must be a numeric array, got rows of different lengths"),
        (None, "data must be an array of numbers, got NoneType; convert it with numpy.asarray"),
        ("text", "data must be an array of numbers, got str"),
    ],
)
def test_checked_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        checked(values, "data")


def test_checked_refuses_complex_of_any_library(backend):
    with pytest.raises(ValueError, match=r"must be real|must be a numeric array"):
        checked(backend.xp.asarray([[1j]]), "data")


def test_checked_takes_what_means_numbers():
    assert (checked(np.ma.masked_array([[1.0, 2.0]], mask=False), "data") == [[1, 2]]).all()
    assert type(checked(np.ones((1, 2)).view(np.matrix), "data")) is np.ndarray


def test_checked_refuses_integers_of_any_library_that_would_be_rounded(backend):
    exact = backend.xp.asarray([[1, 2**60]])
    assert backend.host(checked(exact, "data")).tolist() == [[1, 2.0**60]]
    wide = backend.xp.asarray([[1, 2], [3, 2**53 + 1]])
    with pytest.raises(ValueError, match=r"data\[1, 1\] is 9007199254740993, which .*float64 cannot hold exactly"):
        checked(wide, "data")


def test_arrays_without_a_device_are_traced_ones(monkeypatch):
    monkeypatch.setattr(arrays.array_api_compat, "device", lambda a: None)
    with pytest.raises(ValueError, match="expected arrays with values, got ones that jax"):
        namespace(np.ones(2).view(type("Traced", (np.ndarray,), {})))
