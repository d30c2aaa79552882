"""Numbers as people write them."""

from __future__ import annotations

import math

__all__ = ["bracketed", "counted", "named", "plus_minus", "power_of_ten", "short", "tex"]


ROUNDING = 1e-12
LONG, LEAST = 12, -300  # powers of ten: from the one on they are written, to the other float64 divides by them


def counted(count: int, what: str) -> str:
    """1 sample, 2 samples."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def named(dim: str, value: float | str) -> str:
    """A value of a dim, for the head of a column or a legend: subspace 0, slow."""
    return value if isinstance(value, str) else f"{dim} {value:g}"


def short(value: float) -> str:
    """Three digits."""
    if not 1e3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    return f"{round(value, 2 - math.floor(math.log10(abs(value)))):,.0f}"


def plus_minus(value: float | None, error: float | None) -> str:
    """The value, to two digits of its error; three digits where it has none but rounding."""
    if value is None:
        return "unknown"
    if error is None or not error > ROUNDING * abs(value):
        return short(value)
    exponent = math.floor(math.log10(max(abs(value), error)))
    shift = 0 if -3 <= exponent < 5 else exponent
    digits = max(0, 1 - math.floor(math.log10(error)) + shift)
    both = " ± ".join(f"{v / 10.0**shift:.{digits}f}" for v in (value, error))
    return f"({both})e{shift:+03d}" if shift else both


def power_of_ten(log10: float) -> str:
    """10**log10, to three digits where it is a number of samples one can have."""
    return short(10**log10) if log10 < 12 else f"10^{log10:.0f}"


def bracketed(value: float, error: float) -> str:
    """The value, the error on its last one or two digits in brackets: 0.7384(19), or 1.30(20)e+15 of what is huge or tiny."""
    if not error > ROUNDING * abs(value):
        return f"{value:.4g}"
    exponent = max(LEAST, math.floor(math.log10(max(abs(value), error))))
    shift = exponent if abs(exponent) >= LONG else 0
    digits = max(0, 1 - math.floor(math.log10(error)) + shift)
    both = f"{value / 10.0**shift:.{digits}f}({round(error / 10.0**shift * 10**digits)})"
    return f"{both}e{shift:+03d}" if shift else both


def tex(value: float) -> str:
    """Three digits, in LaTeX."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return mantissa + (rf" \times 10^{{{int(exponent)}}}" if exponent else "")
