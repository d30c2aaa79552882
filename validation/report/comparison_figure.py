"""Comparison figure: what `compare` found as a figure, a table, data, and a script that redraws it."""

from __future__ import annotations

import csv
import io
import pprint
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from theory.observable import part_of
from validation.comparison import besides, where
from validation.points import Form
from validation.report import figures as drawing
from validation.report import plain_plot
from validation.report.tables import aligned, plain
from validation.report.words import bracketed, named, tex

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from validation.compare import Comparison

__all__ = ["DATA", "FIGURES", "STYLES", "data", "described", "drawn", "figure", "html", "script", "style", "table"]

Array = NDArray[np.float64]
FIGURES, DATA = (".pdf", ".svg", ".png"), (".csv", ".nc", ".parquet")
WIDTH, HEIGHT = 3.4, 3.0  # inches, of one panel with its strip
STYLES: dict[str, dict[str, Any]] = {
    "prl": {
        "figure.figsize": (3.375, 2.9),
        "font.size": 8,
        "axes.labelsize": 9,
        "axes.titlesize": 8,
        "legend.fontsize": 7,
    },
    "jmlr": {"figure.figsize": (4.5, 3.6), "font.size": 10, "axes.labelsize": 10, "legend.fontsize": 9},
    "slides": {
        "figure.figsize": (8.0, 5.6),
        "font.size": 18,
        "axes.labelsize": 20,
        "axes.titlesize": 18,
        "legend.fontsize": 16,
        "lines.linewidth": 2.8,
        "lines.markersize": 9.0,
        "font.family": "DejaVu Sans",
        "mathtext.fontset": "dejavusans",
    },
}
STROKES: tuple[Any, ...] = (
    "-",
    (0, (6, 1.5)),
    (0, (4, 1.5, 1, 1.5)),
    (0, (1, 1)),
    (0, (8, 2, 1, 1, 1, 2)),
    (0, (2, 2)),
)
WIDE = 10.0  # the ratio of largest and smallest from which an axis is logarithmic


# the style


@contextmanager
def style(names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Our style and then those named, of matplotlib, of STYLES, or files; what differs from the defaults of matplotlib.

    Raises:
        ValueError: for a style that is none of these.
    """
    import matplotlib as mpl
    from matplotlib import style as styles

    with drawing.style():
        mpl.rcParams.update({"pdf.fonttype": 42, "figure.figsize": (WIDTH, HEIGHT)})
        cycle = mpl.rcParams["axes.prop_cycle"]
        for name in names:
            try:
                styles.use(STYLES.get(name, name))
            except OSError:
                raise ValueError(
                    f"--style must be one of {', '.join(STYLES)}, one of matplotlib such as grayscale, or a file; got {name!r}"
                ) from None
        changed = {key: value for key, value in mpl.rcParams.items() if value != mpl.rcParamsDefault[key]}
        if mpl.rcParams["axes.prop_cycle"] == cycle:
            changed.pop("axes.prop_cycle", None)
        yield {key: value for key, value in changed.items() if not key.startswith(("backend", "interactive"))}


def _colours(rc: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of a style that has its own, else ours."""
    cycle = rc.get("axes.prop_cycle")
    return tuple(cycle.by_key()["color"]) if cycle is not None and "color" in cycle.keys else drawing.COLOURS


# the description


def described(found: Comparison, colours: Sequence[str] = drawing.COLOURS) -> dict[str, Any]:
    """What `plain_plot.draw` draws: numbers and words, without the size."""
    quantities = list(dict.fromkeys(form.quantity for form in found.forms))
    split = len(found.axes) == 2 and any(part_of(form.dims) for form in found.forms)
    panels, legend, ratios = [], [], [3.0, 1.0]
    as_map = not found.lines
    for quantity in quantities:
        forms = [form for form in found.forms if form.quantity == quantity]
        for k in range(len(_named(found, forms[0]))) if split and part_of(forms[0].dims) else (None,):
            if as_map:
                panels.append(_map(found, forms[0], k))
            else:
                panel, entries = _panel(found, forms, k, colours)
                panels.append(panel)
                legend += [entry for entry in entries if entry not in legend]
    columns = min(len(panels), 2) if split else 1
    return {"columns": columns, "ratios": [1.0, 1.0] if as_map else ratios, "panels": panels, "legend": legend}


def _series(found: Comparison, form: Form) -> list[str]:
    """What tells curves of one panel apart: the second axis, else the subspace."""
    if len(found.axes) == 2:
        return [found.axes[1].told(value) for value in found.axes[1].values]
    return names if len(names := _named(found, form)) > 1 else []


def _named(found: Comparison, form: Form) -> list[str]:
    """The parts of a form by name, none where it has none; subspaces by their variances, where no axis changes these."""
    part = part_of(form.dims)
    fixed = part == "subspace" and not {axis.kind for axis in found.axes} & {"variance", "subspaces"}
    told = [rf"$\lambda = {tex(variance)}$" for variance in found.setting.manifold.variances] if fixed else []
    if told and len(set(told)) == len(told):
        return told
    return [named(part, value) for value in found.parts[part]] if part else []


def _panel(
    found: Comparison, forms: Sequence[Form], k: int | None, colours: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A quantity over the first axis, and its entries in the legend."""
    series = _series(found, forms[0])
    strokes = _strokes(forms)
    lines, points, legend = [], [], []
    shown = _shown(forms)
    for j, label in enumerate(series or ["measured" if found.own else "simulation"]):
        colour, marker = colours[(j + (not series)) % len(colours)], drawing.MARKERS[j % len(drawing.MARKERS)]
        for i, form in enumerate(forms):
            look = {"color": colour if series else colours[(i + (i > 0)) % len(colours)], "style": strokes[form.name]}
            look = drawing.CONTROL if form.kind == "control" else look
            x, y = _line(found, form, j, k)
            lines.append({"x": x.tolist(), "y": y.tolist(), **look})
            if not series:
                legend.append({"label": _called(form), "marker": None, **look})
        mean, sem, z = (_column(found, part[shown.name], shown, j, k) for part in (found.measured, found.sem, found.z))
        axis = found.axes[0]
        points.append(
            {"x": list(axis.values), "mean": mean.tolist(), "sem": sem.tolist(), "z": z.tolist()}
            | {"color": colour, "marker": marker}
        )
        legend.append({"label": label, "color": colour, "style": "none" if not series else "-", "marker": marker})
    if series and len(forms) > 1:
        legend += [
            {"label": _called(form), "marker": None}
            | (drawing.CONTROL if form.kind == "control" else {"color": "black", "style": strokes[form.name]})
            for form in forms
        ]
    values = [np.array([*p["mean"], *(v for line in lines for v in line["y"])]) for p in points]
    yscale = _scale(np.concatenate(values), forms[0])
    panel = {
        "lines": lines,
        "points": points,
        "threshold": found.threshold,
        "xscale": "log" if found.axes[0].values[0] > 0 else "linear",
        "yscale": yscale,
        "ylim": None if yscale == "log" else _limits(points, lines),
        "xlabel": _xlabel(found),
        "ylabel": _ylabel(forms[0]),
        "title": "" if k is None else _named(found, forms[0])[k],
    }
    return panel, legend


def _map(found: Comparison, form: Form, k: int | None) -> dict[str, Any]:
    """A quantity over both axes."""
    at = (..., k) if k is not None else (...,)
    predicted, mean, z = (part[form.name][at] for part in (found.predicted, found.measured, found.z))
    finite = np.concatenate([predicted[np.isfinite(predicted)], mean[np.isfinite(mean)]])
    yscale = _scale(finite, form)
    low, high = float(finite.min()), float(finite.max())
    first, second = found.axes
    return {
        "map": "log" if second.values[0] > 0 else "linear",
        "x": list(first.values),
        "y": list(second.values),
        "mean": mean.tolist(),
        "predicted": predicted.tolist(),
        "z": z.tolist(),
        "levels": _levels(low, high, yscale),
        "threshold": found.threshold,
        "xscale": "log" if first.values[0] > 0 else "linear",
        "yscale": yscale,
        "ylim": [low, high],
        "xlabel": _xlabel(found),
        "ylabel": _ylabel(form),
        "ylabel2": second.label,
        "title": "" if k is None else _named(found, form)[k],
    }


def _levels(low: float, high: float, scale: str) -> list[float]:
    """Round values between two."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    locator = LogLocator(subs=(1.0, 2.0, 5.0)) if scale == "log" else MaxNLocator(6)
    return [float(value) for value in locator.tick_values(low, high) if low < value < high]


def _shown(forms: Sequence[Form]) -> Form:
    """The form whose z is shown: one that is judged, or the first."""
    return next((form for form in forms if form.judged), forms[0])


def _strokes(forms: Sequence[Form]) -> dict[str, Any]:
    return {form.name: STROKES[i % len(STROKES)] for i, form in enumerate(forms)}


def _column(found: Comparison, values: Array, form: Form, j: int, k: int | None) -> Array:
    """Of one curve along the first axis."""
    if len(found.axes) == 2:
        values = values[:, j]
    if not part_of(form.dims):
        return values
    return values[..., j if len(found.axes) == 1 else k]


def _line(found: Comparison, form: Form, j: int, k: int | None) -> tuple[Array, Array]:
    x, y = found.lines[form.name][j if len(found.axes) == 2 else 0]
    if not part_of(form.dims):
        return x, y
    return x, y[:, j if len(found.axes) == 1 else k]


def _called(form: Form) -> str:
    """A form in the legend."""
    if form.kind == "control":
        return r"control, $\lambda$ 10 % off"
    if form.kind == "yours":
        return form.name
    return form.name.removeprefix(form.quantity).strip("_").replace("_", " ") or form.kind


def _scale(values: Array, form: Form) -> str:
    """Logarithmic where positive values span much, but for shares of 1."""
    finite = values[np.isfinite(values)]
    share = form.scaling == 0 and finite.size and finite.max() <= 1.0 + 1e-9
    wide = finite.size and finite.min() > 0 and finite.max() > WIDE * finite.min()
    return "log" if wide and not share else "linear"


def _limits(points: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """Of what was measured, and of theory that is not far from it; from 0 where that is near."""
    mean, theory = (
        np.array([value for one in part for value in one[of]]) for part, of in ((points, "mean"), (lines, "y"))
    )
    mean, theory = (values[np.isfinite(values)] for values in (mean, theory))
    if not mean.size:
        return None
    span = np.ptp(mean) or abs(float(mean[0])) or 1.0
    both = np.concatenate([mean, np.clip(theory, mean.min() - span, mean.max() + span)])
    low, high = float(both.min()), float(both.max())
    room = 0.08 * (high - low or span)
    return [0.0 if 0 <= low < (high - low) / 2 else low - room, high + room]


def _xlabel(found: Comparison) -> str:
    axis = found.axes[0]
    if axis.kind != "time" or found.setting.schedule.name == "ve":
        return axis.label
    return rf"time $\tau$, {found.setting.schedule.name}"


def _ylabel(form: Form) -> str:
    words = form.quantity.replace("_", " ")
    return f"{words} ${form.symbol}$" if form.symbol else words


def title(found: Comparison) -> str:
    """What is not varied, in a few words."""
    varied = {axis.kind for axis in found.axes}
    setting = found.setting
    parts = [str(setting.manifold)] if "subspaces" not in varied else []
    parts += [f"N = {setting.samples}"] if "samples" not in varied else []
    in_time = any("time" in form.dims for form in found.forms)
    parts += [f"t = {setting.times[0]:g}"] if in_time and "time" not in varied else []
    parts += [where(setting)] if setting.point or setting.query != "fresh" else []
    return ", ".join(parts) + besides(setting, varied)


# the figure


def drawn(found: Comparison, names: Sequence[str] = ()) -> tuple[Figure, dict[str, Any], dict[str, Any]]:
    """The figure, its description, and the style."""
    with style(names) as rc:
        what = described(found, _colours(rc))
        width, height = rc["figure.figsize"]
        rows = -(-len(what["panels"]) // what["columns"])
        tall = 1.9 if not found.lines else 1.0
        size = [width * what["columns"], height * (tall * rows) + 0.17 * len(what["legend"]) / 2]
        what = {"size": size, **what}
        return plain_plot.draw(what), what, rc


def figure(found: Comparison, names: Sequence[str] = ()) -> Figure:
    """The figure alone."""
    return drawn(found, names)[0]


def saved(found: Comparison, suffix: str, names: Sequence[str] = (), command: str | None = None) -> bytes:
    """The content of a figure file, which says what it shows and by which command; the same figure gives the same bytes."""
    import matplotlib as mpl

    said = {"Title": f"{found.name}: {title(found)}"}
    said |= {"Subject" if suffix == ".pdf" else "Description": command} if command else {}
    date = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[suffix]
    with style(names), mpl.rc_context({"svg.hashsalt": "geomem"}), io.BytesIO() as buffer:
        figure(found, names).savefig(buffer, format=suffix[1:], metadata=said | date, dpi=300)
        return buffer.getvalue()


def script(found: Comparison, names: Sequence[str] = (), command: str | None = None) -> str:
    """A program that redraws the figure with matplotlib and numpy alone, its numbers inline."""
    _, what, rc = drawn(found, names)
    source = Path(plain_plot.__file__).read_text()
    body = source.partition("\n\n\n")[2].strip()
    cycle = "from cycler import cycler\n" if "axes.prop_cycle" in rc else ""
    return (
        f'r"""{found.name}: {title(found)}. {found.verdict}.\n\n'
        f'{_found_by(command)}Redraw with: python THIS_FILE [FIGURE]\n"""\n\n'
        f"import sys\nfrom typing import Any\n\n"
        f"import matplotlib as mpl\nimport numpy as np\n{cycle}from numpy import inf, nan\n\n"
        f"STYLE = {pprint.pformat(rc, width=120, compact=True)}\n\n"
        f"FIGURE = {pprint.pformat(what, width=120, compact=True, sort_dicts=False)}\n\n\n{body}\n\n"
        'if __name__ == "__main__":\n'
        "    mpl.rcdefaults()\n"
        "    mpl.rcParams.update(STYLE)\n"
        '    draw(FIGURE).savefig(sys.argv[1] if len(sys.argv) > 1 else "figure.pdf", dpi=300)\n'
    )


def _found_by(command: str | None) -> str:
    return f"Found by: {command}\n" if command else ""


# table and data


def _cells(row: Mapping[str, Any]) -> list[str]:
    measured = bracketed(row["measured"], row["sem"]) if np.isfinite(row["measured"]) else "unknown"
    where = [_number(value) for key, value in row.items() if key not in _FIXED and value is not None]
    return [*where, f"{row['predicted']:.5g}", measured, f"{row['n']:.0f}", _distance(row["z"]), row["verdict"]]


def _distance(z: float) -> str:
    return f"{z:.3g}" if abs(z) >= 1e6 else f"{z:.2f}"


_FIXED = ("observable", "kind", "predicted", "measured", "sem", "n", "z", "verdict")


def _number(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def table(found: Comparison) -> str:
    """The points as text, a table for each form, and the verdict."""
    parts = [f"{found.name}: {title(found)}"]
    for form in found.forms:
        rows = [row for row in found.rows if row["observable"] == form.name]
        axes = [key for key, value in rows[0].items() if key not in _FIXED and value is not None]
        header = [*axes, "predicted", "measured", "draws", "z", "verdict"]
        parts.append(f"\n{form.name} ({form.kind})\n" + aligned([header, *map(_cells, rows)]))
    return "\n".join([*parts, "", found.verdict])


def html(found: Comparison) -> str:
    """The figure and the table folded below, for a notebook."""
    picture = saved(found, ".svg").decode().partition("<svg")
    return f"<figure>{picture[1]}{picture[2]}<figcaption>{escape(found.verdict)}</figcaption></figure>" + (
        f"<details><summary>points</summary><pre>{escape(table(found))}</pre></details>"
    )


def data(found: Comparison, suffix: str, command: str | None = None) -> bytes:
    """The points as CSV or Parquet, a row each, or as netCDF, an array of each form and part."""
    if suffix == ".csv":
        return _csv(found)
    return _netcdf(found, command) if suffix == ".nc" else _parquet(found)


def _csv(found: Comparison) -> bytes:
    rows = [plain(row) for row in found.rows]
    with io.StringIO(newline="") as text:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()


def _parquet(found: Comparison) -> bytes:
    import pyarrow
    import pyarrow.parquet

    with io.BytesIO() as buffer:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(found.rows), buffer)
        return buffer.getvalue()


def _netcdf(found: Comparison, command: str | None) -> bytes:
    """Classic netCDF, which every reader knows, by scipy alone."""
    from scipy.io import netcdf_file

    file: Any = netcdf_file(buffer := io.BytesIO(), "w")
    file.title, file.verdict, file.history = f"{found.name}: {title(found)}", found.verdict, command or ""
    for axis in found.axes:
        name = axis.name.replace(".", "_")
        file.createDimension(name, len(axis.values))
        variable = file.createVariable(name, "f8", (name,))
        variable[:] = axis.values if axis.numeric else np.arange(len(axis.values))
        variable.long_name = axis.label if axis.numeric else "; ".join(map(axis.plain, axis.values))
    for part in {part for form in found.forms if (part := part_of(form.dims))}:
        file.createDimension(part, len(found.parts[part]))
    for form in found.forms:
        dims = tuple(dim.replace(".", "_") for dim in found.dims[form.name])
        for part in ("predicted", "measured", "sem", "n", "z"):
            file.createVariable(f"{form.name}_{part}", "f8", dims)[:] = getattr(found, part)[form.name]
    file.flush()
    content = buffer.getvalue()
    file.close()
    return content
