"""The door to what is compiled: loops for NumPy arrays, kernels for tensors on a GPU.

Whoever is told None goes the dense way, by the products of the array's own library.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from numerics.arrays import Array, is_torch

__all__ = ["compiled", "kernels"]


def compiled(a: Array) -> Any:
    """The module of compiled loops, or None where numba is missing or switched off, or the array is not NumPy's."""
    return _compiled() if isinstance(a, np.ndarray) else None


@functools.cache
def _compiled() -> Any:
    try:
        import numba
    except ImportError:  # a platform for which there is no wheel
        return None
    if numba.config.DISABLE_JIT:
        return None
    from numerics.engine.compiled import loops

    return loops


def kernels(a: Array) -> Any:
    """The module of GPU kernels, or None where they do not run: they need Triton, and torch tensors on a CUDA device."""
    if not is_torch(a):
        return None
    from numerics.engine import gpu

    return gpu if gpu.available(a) else None
