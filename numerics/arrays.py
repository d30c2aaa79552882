"""Backends: the only module that names an array library.

NumPy is the default and torch the GPU path; whatever follows the array API standard works through array-api-compat.
Random numbers are always drawn on the host by NumPy, from streams keyed by what they are for, so that a data set
is bit for bit the same on every device, for every number of workers, and after a resumption.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np
from numpy.typing import NDArray

from numerics.threads import parallel, workers
from theory.real import EXACT, brief, real_array

__all__ = [
    "DEVICES",
    "DTYPES",
    "Array",
    "add_to_rows",
    "check_squares",
    "checked",
    "erf",
    "finite_extent",
    "is_torch",
    "least_of_rows",
    "lift",
    "namespace",
    "of_its_library",
    "on_gpu",
    "resolve_device",
    "scaled",
    "slices",
    "stream",
    "to_device",
    "to_host",
]

Array = Any  # an array of any library
DEVICES = ("auto", "cpu", "cuda")
DTYPES = ("float64", "float32")
PASS = 2**17  # entries at a time: the second look is to find them in the cache


def namespace(*arrays: Array) -> Any:
    """The array API namespace shared by the arrays.

    Raises:
        ValueError: where they come from different libraries or devices, or are no arrays at all.
    """
    if arrays and all(type(a) is np.ndarray for a in arrays):  # as most are, dozens of times in a pass over few samples
        return array_api_compat.numpy
    try:
        xp = array_api_compat.array_namespace(*arrays)
    except TypeError:
        kinds = " and ".join(sorted({f"{type(a).__module__}.{type(a).__name__}" for a in arrays}))
        raise ValueError(
            f"expected arrays of one library (NumPy, torch, CuPy, JAX), got {kinds}; convert with numpy.asarray"
        ) from None
    devices = {str(array_api_compat.device(a)) for a in arrays}
    if "None" in devices:
        raise ValueError("expected arrays with values, got ones that jax.jit is tracing; call this outside of jax.jit")
    if len(devices) > 1:
        raise ValueError(
            f"expected arrays on one device, got {' and '.join(sorted(devices))}; move them with .to(device)"
        )
    return xp


def checked(a: Array, what: str, shape: str = "(samples, dimensions)", *, finite: bool = True) -> Array:
    """`a` as a two-dimensional real floating array of its own library, float64 unless it was floating and narrower.

    What is of no such library, as lists and data frames, becomes an array of NumPy. Entries are looked at unless
    `finite` is False; numbers that would be rounded are refused always.

    Raises:
        ValueError: saying what was expected, what came and what to do.
    """
    a = of_its_library(a, what)
    xp = namespace(a)
    if a.ndim != 2:
        raise ValueError(f"{what} must have shape {shape}, got {tuple(a.shape)}; one vector is x[None, :]")
    if 0 in a.shape:
        raise ValueError(f"{what} must not be empty, got shape {tuple(a.shape)}")
    if xp.isdtype(a.dtype, "complex floating"):
        raise ValueError(f"{what} must be real, got dtype {a.dtype}; give its real part")
    if not xp.isdtype(a.dtype, "real floating"):
        a = _floating(a, what, xp)
    if finite:
        finite_extent(a, what)
    return a


def of_its_library(a: Array, what: str) -> Array:
    """An array that the engine computes with: real and NumPy's own, or of a library with devices.

    Raises:
        ValueError: as `real_array`, and for sparse tensors.
    """
    compat = array_api_compat
    foreign = compat.is_numpy_array(a) or compat.is_dask_array(a) or compat.is_pydata_sparse_array(a)
    if foreign or not compat.is_array_api_obj(a):
        return real_array(a, what)
    if not is_torch(a):
        return a
    if str(a.layout) != "torch.strided":
        raise ValueError(f"{what} must be a dense array, got a tensor of layout {a.layout}; give its .to_dense()")
    return a.detach() if a.requires_grad else a


def _floating(a: Array, what: str, xp: Any) -> Array:
    """Integers or booleans of any library as float64 (float32 where the library has no more), exactly."""
    floating = xp.astype(a, xp.float64)
    if xp.isdtype(a.dtype, "bool"):
        return floating
    exact = 2 / float(xp.finfo(floating.dtype).eps)
    if max(float(xp.max(floating)), -float(xp.min(floating))) < min(exact, EXACT):
        return floating
    wrong = (xp.astype(floating, a.dtype) != a) | (floating > float(xp.iinfo(a.dtype).max))
    if bool(xp.any(wrong)):
        row, column = divmod(int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int8))), a.shape[1])
        raise ValueError(
            f"{what}[{row}, {column}] is {int(a[row, column])}, which {floating.dtype} cannot hold exactly; leave that "
            "column out if it is a label, or round it first"
        )
    return floating


def finite_extent(a: Array, what: str) -> float:
    """The largest size of an entry of a matrix; no copy is made of it.

    Raises:
        ValueError: where there is a NaN or an infinite entry.
    """
    xp = namespace(a)

    def of(part: slice) -> float:
        return max(float(xp.max(a[part, :])), -float(xp.min(a[part, :])))

    parts = slices(a.shape[0], max(1, PASS // a.shape[1]) if isinstance(a, np.ndarray) else a.shape[0])
    found = parallel(of, parts, workers() if len(parts) > 8 else 1)
    if not np.all(np.isfinite(found)):
        raise ValueError(f"{what} must be finite, got NaN or infinite entries; drop or impute them first")
    return max(found)


def check_squares(*arrays: Array) -> float:
    """The largest size of an entry of points x and data, of as many columns, the squares of whose distances are numbers.

    Raises:
        ValueError: where float64 does not hold them, and where there is a NaN or an infinite entry.
    """
    extent = max(finite_extent(a, what) for a, what in zip(arrays, ("x", "data"), strict=True))
    highest = (np.finfo(np.float64).max / arrays[0].shape[1]) ** 0.5 / 4
    if extent > highest:
        raise ValueError(f"x and data must stay below {highest:.2g}, so that squares are numbers; change their unit")
    return extent


def scaled(a: Array, exponent: int) -> Array:
    """`a` times a power of two, which is exact but where entries fall below the normal numbers."""
    half = exponent // 2  # the whole may be no number
    return a * 2.0**half * 2.0 ** (exponent - half) if exponent else a


def lift(extent: float, dtype: Any, xp: Any = np) -> int:
    """The power of two that brings numbers up to `extent` near 1; 0 where squares of their differences are normal as they are."""
    numbers = xp.finfo(dtype)
    small = 0 < extent <= float(numbers.smallest_normal) ** 0.5 / float(numbers.eps)
    return -math.frexp(extent)[1] if small else 0


def slices(total: int, block: int) -> list[slice]:
    """Cut `total` rows into blocks."""
    return [slice(start, min(start + block, total)) for start in range(0, total, block)]


def resolve_device(device: str) -> str:
    """`cpu` or `cuda`; `auto` is cuda where torch sees a GPU.

    Raises:
        ValueError: for an unknown name, or cuda where there is none.
    """
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    if device == "cpu":
        return "cpu"
    available = _cuda_available()
    if device == "cuda" and not available:
        raise ValueError("device cuda needs torch and a CUDA GPU, and none was found; use --device cpu")
    return "cuda" if available else "cpu"


def _cuda_available() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def to_device(a: NDArray[Any], device: str, dtype: str = "float64") -> Array:
    """A host array on a device: NumPy on `cpu`, torch on `cuda`, with TF32 products switched off.

    Raises:
        ValueError: for an unknown dtype, and numbers too large for it.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    with np.errstate(over="raise"):
        try:
            a = a.astype(dtype, copy=False)
        except FloatingPointError:
            raise ValueError(f"{dtype} does not hold numbers up to {np.abs(a).max():.3g}; take float64") from None
    if device == "cpu":
        return a
    import torch

    torch.set_float32_matmul_precision("highest")  # TF32 moves a log weight by 7.7 at t = 0.003, D = 784
    return torch.from_numpy(a).to(device)


def to_host(a: Array) -> NDArray[Any]:
    """The array as NumPy, copied from its device where it must be; bfloat16, which NumPy has not, as float32."""
    if is_torch(a):
        a = a.detach().cpu()
        return np.asarray(a.float() if str(a.dtype) == "torch.bfloat16" else a)
    return np.asarray(a)


def stream(rng: int | np.random.SeedSequence | np.random.Generator, *key: object) -> np.random.Generator:
    """A random stream for the point `key`, the same whoever asks and in whatever order.

    A Generator is a stream already: it is used as it is, and advances.

    Raises:
        ValueError: for what is no seed.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    root = rng if isinstance(rng, np.random.SeedSequence) else _seeded(rng)
    digest = hashlib.sha256(repr(key).encode()).digest()
    words = tuple(int(w) for w in np.frombuffer(digest[:16], dtype=np.uint32))
    return np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *words)))


def _seeded(seed: Any) -> np.random.SeedSequence:
    try:
        if isinstance(seed, bool | np.bool_):
            raise TypeError
        return np.random.SeedSequence(seed)
    except (TypeError, ValueError):
        raise ValueError(
            f"rng must be an integer of 0 or more, a SeedSequence or a Generator, got {brief(seed)}"
        ) from None


def add_to_rows(total: Array, rows: Array, values: Array) -> None:
    """`total[rows[i]] += values[i]`, in place; of torch."""
    total.index_add_(0, rows, values)


def least_of_rows(total: Array, rows: Array, values: Array) -> None:
    """`total[rows[i]] = min(total[rows[i]], values[i])`, in place; of torch."""
    total.scatter_reduce_(0, rows, values, "amin")


def erf(a: Array) -> Array:
    """The error function, elementwise, of the library of a."""
    if is_torch(a):
        import torch

        return torch.erf(a)
    from scipy.special import erf as of_numpy

    return of_numpy(a)


def is_torch(a: Array) -> bool:
    """Whether the array is a tensor of torch."""
    return bool(array_api_compat.is_torch_array(a))


def on_gpu(a: Array) -> bool:
    """Whether the array lies on a CUDA device."""
    return "cuda" in str(array_api_compat.device(a))
