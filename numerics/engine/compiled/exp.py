r"""The exponential of compiled loops, written out, for of a library call a compiler makes one number at a time.

With n = round(x / log 2), exp(x) = 2^n exp(r), |r| <= log(2)/2, and the Taylor polynomial of exp(r) to r^k/k!, k = 7
in float32 and 12 in float64, errs by less than the rounding: (log(2)/2)^(k+1)/(k+1)! is 5e-9 and 2e-16. Adding 3/2 of
the number from which on the spacing is 1 rounds to n and leaves n in the last bits, from where a shift takes it to the
exponent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["exp", "exponential", "fused", "larger"]

FUSED = ("contract", "nsz")  # no reassociation: r is a difference of nearly equal numbers


@dataclass(frozen=True)
class _Format:
    """Of a floating-point number.

    Attributes:
        lowest: whose exponential, and those of all numbers above, are normal numbers.
        log_2: log 2 in two parts: n times the first is exact.
        mantissa: bits.
        order: k, of the polynomial.
    """

    lowest: float
    log_2: tuple[float, float]
    mantissa: int
    order: int


SINGLE = _Format(-87.0, (0.693359375, -2.12194440e-4), 23, 7)
DOUBLE = _Format(-707.0, (0.6931471803691238, 1.9082149292705877e-10), 52, 12)


def exponential(builder: Any, x: Any) -> Any:
    """exp(x), x <= 0, for a number or a vector in the IR; 0 below the logarithm of the smallest normal number."""
    element = getattr(x.type, "element", x.type)
    single = isinstance(element, ir.FloatType)
    of = SINGLE if single else DOUBLE

    def constant(value: float) -> Any:
        return _constant(x.type, value)

    def bits(a: Any) -> Any:
        return builder.bitcast(a, integers)

    integers = _like(x.type, ir.IntType(32 if single else 64))
    rounding, lowest = constant(1.5 * 2.0**of.mantissa), constant(of.lowest)
    held = larger(builder, x, lowest)
    shifted = fused(builder, held, constant(1 / math.log(2)), rounding)
    n = builder.fsub(shifted, rounding)
    r = fused(builder, n, constant(-of.log_2[1]), fused(builder, n, constant(-of.log_2[0]), held))
    square = builder.fmul(r, r)
    terms, power = [constant(1 / math.factorial(k)) for k in range(2, of.order + 1)], r
    while len(terms) > 1:  # two and two of them, for a sum one by one would be a long chain of waits
        pairs = [fused(builder, power, b, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms, power = pairs + terms[len(pairs) * 2 :], builder.fmul(power, power)
    p = builder.fadd(fused(builder, square, terms[0], r), constant(1.0))
    two_to_n = builder.shl(bits(shifted), _constant(integers, of.mantissa))
    e = builder.bitcast(builder.add(bits(p), two_to_n), x.type)
    return builder.select(builder.fcmp_ordered(">", x, lowest), e, constant(0.0))


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once where the processor can."""
    return builder.fadd(builder.fmul(a, b, flags=FUSED), c, flags=FUSED)


def larger(builder: Any, a: Any, b: Any) -> Any:
    """The larger of two numbers, or of each pair of two vectors."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _like(kind: Any, element: Any) -> Any:
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def _constant(kind: Any, value: float) -> Any:
    return ir.Constant(kind, [value] * kind.count if isinstance(kind, ir.VectorType) else value)


@intrinsic
def _exp(typingctx, x):
    if x not in (types.float32, types.float64):
        return None
    return x(x), lambda context, builder, signature, values: exponential(builder, values[0])


@njit(fastmath=False)  # said here, for else it inherits that of its callers, and is reassociated
def exp(x):
    """Of x <= 0, in the dtype of x; compilers make many at a time."""
    return _exp(x)
