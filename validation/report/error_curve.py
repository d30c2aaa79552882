"""Error curve: the relative error of an approximation over its domain, both logarithmic, as a small drawing of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["drawn"]

WIDTH, HEIGHT, LEFT, BELOW, EDGE = 420, 170, 62, 34, 8
LEAST = 1e-12  # errors below it are drawn there
Point = Sequence[float]


def drawn(curve: Mapping[str, Any]) -> str:
    """An element of a page: |error| against the symbol, a line for each sign of it; empty where it has less than two points."""
    branches = [[p for p in curve["points"] if p[0] * sign > 0] for sign in (-1, 1)]
    points = [p for branch in branches for p in branch]
    if len(points) < 2:
        return ""
    heights = [_height(error) for _, error in points]
    powers = [math.log10(abs(x)) for x, _ in points]
    across = (min(powers), max(powers))
    up = (math.floor(min(heights)), math.ceil(max(heights) + 1e-9))
    lines = "".join(_line(branch, across, up, dashed) for branch, dashed in zip(branches, (True, False), strict=True))
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' role='img' "
        f"aria-label='{escape(_label(curve), quote=True)}' font-size='11' fill='currentColor'>"
        f"{_frame(curve, across, up)}{lines}</svg>"
    )


def _label(curve: Mapping[str, Any]) -> str:
    at, worst = curve["worst"]
    return f"relative error along {curve['along']}, the worst {worst:.2g} at {at:.3g}"


def _height(error: float) -> float:
    return math.log10(max(abs(error), LEAST))


def _place(x: float, y: float, across: tuple[float, float], up: tuple[float, float]) -> tuple[float, float]:
    """Where powers of ten x and y are drawn."""
    right = (x - across[0]) / ((across[1] - across[0]) or 1)
    above = (y - up[0]) / ((up[1] - up[0]) or 1)
    return LEFT + right * (WIDTH - LEFT - EDGE), HEIGHT - BELOW - above * (HEIGHT - BELOW - EDGE)


def _line(branch: Sequence[Point], across: tuple[float, float], up: tuple[float, float], dashed: bool) -> str:
    places = (_place(math.log10(abs(x)), _height(error), across, up) for x, error in branch)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashes = " stroke-dasharray='4 3'" if dashed else ""
    return f"<polyline points='{path}' fill='none' stroke='currentColor' stroke-width='1.5'{dashes}/>" if path else ""


def _frame(curve: Mapping[str, Any], across: tuple[float, float], up: tuple[float, float]) -> str:
    """Both axes, with the powers of ten at their ends."""
    (left, bottom), (right, top) = (_place(x, y, across, up) for x, y in zip(across, up, strict=True))
    axes = f"<path d='M{left:.0f} {top:.0f}V{bottom:.0f}H{right:.0f}' fill='none' stroke='currentColor' opacity='.5'/>"
    texts = [
        (left, bottom + 14, "start", f"{10 ** across[0]:.2g}"),
        (right, bottom + 14, "end", f"{10 ** across[1]:.2g}"),
        ((left + right) / 2, bottom + 28, "middle", f"|{curve['along']}|" if _has_both(curve) else curve["along"]),
        (left - 4, bottom, "end", f"1e{up[0]:g}"),
        (left - 4, top + 9, "end", f"1e{up[1]:g}"),
        (left - 4, (top + bottom) / 2 + 4, "end", "error"),
    ]
    words = (f"<text x='{x:.0f}' y='{y:.0f}' text-anchor='{anchor}'>{escape(w)}</text>" for x, y, anchor, w in texts)
    return axes + "".join(words)


def _has_both(curve: Mapping[str, Any]) -> bool:
    return min(x for x, _ in curve["points"]) < 0
