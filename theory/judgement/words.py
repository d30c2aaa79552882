"""Words: points and numbers as a person writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

__all__ = ["in_words", "shown", "told"]

DIGITS, LONGEST = 12, 24


def told(point: Mapping[sp.Symbol, sp.Expr]) -> dict[str, str]:
    """The point as text, symbol by symbol."""
    return {str(s): str(value) if len(str(value)) < LONGEST else str(sp.N(value, 9)) for s, value in point.items()}


def in_words(point: Mapping[sp.Symbol, sp.Expr]) -> str:
    """The point in a sentence."""
    return ", ".join(f"{s} = {v}" for s, v in told(point).items()) or "every point"


def shown(ball: Any, digits: int = DIGITS) -> str:
    """The number in a complex ball."""
    if ball.imag.contains(0) and (ball.imag == 0 or ball.real != 0):
        return str(ball.real.str(digits, radius=False))
    return f"{ball.real.str(digits, radius=False)} + {ball.imag.str(digits, radius=False)} i"
