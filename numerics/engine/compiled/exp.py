r"""The exponential of compiled loops, written out, for of a library call a compiler makes one number at a time.

With n = round(x / log 2), exp(x) = 2^n exp(r), |r| <= log(2)/2, and the Taylor polynomial of exp(r) to r^k/k!, k = 7
in float32 and 12 in float64, errs by less than the rounding: (log(2)/2)^(k+1)/(k+1)! is 5e-9 and 2e-16. Adding 3/2 of
the number from which on the spacing is 1 rounds to n and leaves n in the last bits, from where a shift takes it to the
exponent. Log 2 is subtracted in two parts, of which n times the first is exact. Terms are added two and two, for a sum
one by one would be a long chain of waits.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

__all__ = ["exp"]

# no reassociation: r is a difference of nearly equal numbers; said here, for else it is inherited from callers
FUSED = {"contract", "nsz"}
INVERSE = 1 / math.log(2)
ROUND_64, ROUND_32 = 1.5 * 2.0**52, np.float32(1.5 * 2.0**23)
_2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12 = (1 / math.factorial(k) for k in range(2, 13))


def exp(x):
    """Of x <= 0, in the dtype of x; 0 where it would not be a normal number."""


@overload(exp, jit_options={"fastmath": FUSED})
def _exp(x):
    return {types.float64: _of_float64, types.float32: _of_float32}.get(x)


def _of_float64(x):
    held = x if x > -707.0 else -707.0
    shifted = held * INVERSE + ROUND_64
    n = shifted - ROUND_64
    r = (held - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    r2 = r * r
    r4 = r2 * r2
    low = (_2 + _3 * r) + (_4 + _5 * r) * r2
    high = (_6 + _7 * r) + (_8 + _9 * r) * r2
    highest = (_10 + _11 * r) + _12 * r2
    p = 1.0 + (r + r2 * (low + r4 * (high + r4 * highest)))
    e = np.int64(np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)).view(np.float64)
    return e if x > -707.0 else 0.0


def _of_float32(x):
    held = x if x > np.float32(-87.0) else np.float32(-87.0)
    shifted = held * np.float32(INVERSE) + ROUND_32
    n = shifted - ROUND_32
    r = (held - n * np.float32(0.693359375)) - n * np.float32(-2.12194440e-4)
    r2 = r * r
    low = (np.float32(_2) + np.float32(_3) * r) + (np.float32(_4) + np.float32(_5) * r) * r2
    high = np.float32(_6) + np.float32(_7) * r
    p = np.float32(1.0) + (r + r2 * (low + r2 * r2 * high))
    bits = np.int32(np.float32(p).view(np.int32) + np.int32(np.float32(shifted).view(np.int32) << np.int32(23)))
    return np.int32(bits).view(np.float32) if x > np.float32(-87.0) else np.float32(0.0)
