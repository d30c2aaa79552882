"""Plain plot: panels of lines, points with error bars and a strip of |z|, or maps, from a description of numbers and words.

It needs matplotlib and numpy alone: a script that redraws a figure carries this file, and the description, with it.
"""

from typing import Any

import numpy as np

__all__ = ["draw", "line", "points"]


def draw(described: dict[str, Any]) -> Any:
    """A matplotlib figure of the panels described, without a window."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=described["size"], layout="constrained")
    panels, columns = described["panels"], described["columns"]
    rows = -(-len(panels) // columns)
    ratios = described["ratios"]
    grid = figure.subplots(len(ratios) * rows, columns, squeeze=False, gridspec_kw={"height_ratios": ratios * rows})
    for k, panel in enumerate(panels):
        first = k // columns * len(ratios)
        axes = grid[first : first + len(ratios), k % columns]
        (_maps if "map" in panel else _curves)(figure, axes, panel)
    if described["legend"]:
        _legend(figure, described["legend"])
    return figure


def line(axis: Any, x: Any, y: Any, *, color: str, style: Any, **options: Any) -> None:
    """What theory says."""
    axis.plot(x, y, color=color, linestyle=style, **options)


def points(axis: Any, x: Any, mean: Any, sem: Any, *, color: str, marker: str, **options: Any) -> None:
    """What was measured, with error bars of one standard error; without where there is none."""
    look = {"color": color, "marker": marker, "markerfacecolor": "white", "markeredgecolor": color}
    axis.errorbar(x, mean, yerr=sem, linestyle="none", zorder=3, **look, **options)


def _curves(figure: Any, axes: Any, panel: dict[str, Any]) -> None:
    """Lines and points above, |z| below."""
    above, below = axes
    for one in panel["lines"]:
        line(above, one["x"], one["y"], color=one["color"], style=one["style"])
    for one in panel["points"]:
        look = {"color": one["color"], "marker": one["marker"]}
        points(above, one["x"], one["mean"], one["sem"], **look)
        if one["z"] is not None:
            points(below, one["x"], np.abs(one["z"]), None, **look, clip_on=False)
    above.set(xscale=panel["xscale"], yscale=panel["yscale"], ylabel=panel["ylabel"], title=panel["title"])
    if panel["ylim"]:
        above.set_ylim(panel["ylim"])
    above.tick_params(labelbottom=False, which="both")
    below.set(xscale=panel["xscale"], xlabel=panel["xlabel"], ylabel="$|z|$")
    below.axhline(panel["threshold"], color="0.5", linestyle=(0, (3, 2)), linewidth=0.8)
    _strip(below, panel)
    below.set_xlim(above.get_xlim())  # whose points are all there: some have no z
    _plain_numbers(below.xaxis)
    _plain_numbers(above.yaxis)


def _strip(axis: Any, panel: dict[str, Any]) -> None:
    """From 0 to beyond the threshold; logarithmic from there on where a z is far beyond."""
    shown = [np.abs(points["z"]) for points in panel["points"] if points["z"] is not None]
    largest = max((np.nanmax(z[np.isfinite(z)], initial=0) for z in shown), default=0)
    threshold = panel["threshold"]
    if largest > 3 * threshold:
        axis.set_yscale("symlog", linthresh=threshold)
        axis.set_yticks([0, *(10.0**k for k in range(1, 1 + int(np.ceil(np.log10(largest)))))])
    axis.set_ylim(0, 1.25 * max(threshold, largest))


def _maps(figure: Any, axes: Any, panel: dict[str, Any]) -> None:
    """What was measured in shades and dotted contours, what is predicted in solid ones, and the map of |z|."""
    from matplotlib.colors import LogNorm, Normalize

    above, below = axes
    for axis, xlabel, title in ((above, None, panel["title"]), (below, panel["xlabel"], "")):
        # before anything is drawn, for contours are cut for their labels on the scale that there is
        axis.set(xscale=panel["xscale"], yscale=panel["map"], xlabel=xlabel, ylabel=panel["ylabel2"], title=title)
    at, cells = (panel["x"], panel["y"]), (_edges(panel["x"], panel["xscale"]), _edges(panel["y"], panel["map"]))
    norm = (LogNorm if panel["yscale"] == "log" else Normalize)(*panel["ylim"])
    mesh = above.pcolormesh(*cells, np.array(panel["mean"]).T, norm=norm, cmap="cividis", rasterized=True)
    _plain_numbers(figure.colorbar(mesh, ax=above, label=panel["ylabel"]).ax.yaxis)
    for values, stroke in (("predicted", "solid"), ("mean", "dotted")):
        lines = above.contour(
            *at, np.array(panel[values]).T, panel["levels"], colors="white", linestyles=stroke, linewidths=0.9
        )
        if values == "predicted":
            above.clabel(lines, fmt=lambda value: f"{value:.2g}", fontsize="x-small")
    z = np.abs(panel["z"]).T
    mesh = below.pcolormesh(*cells, z, vmin=0, vmax=panel["threshold"], cmap="Greys", rasterized=True)
    figure.colorbar(mesh, ax=below, label="$|z|$", extend="max")
    for axis in axes:
        _plain_numbers(axis.xaxis)
        _plain_numbers(axis.yaxis)


def _edges(x: Any, scale: str) -> Any:
    """Of the cells round values, half way between them as they are drawn."""
    u = np.log(x) if scale == "log" else np.array(x, dtype=float)
    middle = (u[1:] + u[:-1]) / 2
    edges = np.concatenate([[2 * u[0] - middle[0]], middle, [2 * u[-1] - middle[-1]]])
    return np.exp(edges) if scale == "log" else edges


def _plain_numbers(axis: Any) -> None:
    """1, 2, 5 where a logarithmic axis is short, and 0.1 rather than a power of ten unless it is long."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if axis.get_scale() != "log":
        return
    decades = np.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.2 else (1.0,)))
    axis.set_minor_formatter(NullFormatter())
    if decades < 5 and low >= 1e-3 and high <= 1e4:
        axis.set_major_formatter(lambda value, _: f"{value:g}")


def _legend(figure: Any, entries: list[dict[str, Any]]) -> None:
    """Above all panels, where no data are."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            color=e["color"],
            linestyle=e["style"],
            marker=e["marker"],
            markerfacecolor="white",
            label=e["label"],
        )
        for e in entries
    ]
    width, longest = (
        figure.get_size_inches()[0],
        max(len(e["label"].replace("\\lambda", "l").strip("$")) for e in entries),
    )
    columns = max(1, min(3, len(entries), int(width / (0.5 + 0.05 * longest))))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, handlelength=2.4, columnspacing=1.2)
