"""Tables: what the commands print, as text and as strict JSON."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from types import ModuleType
from typing import Any

import numpy as np

from numerics.measurement import Measurement
from theory.network import Network
from theory.observable import coordinates as coordinates_of
from theory.observable import observables
from theory.setting import Setting
from validation.claim import by_claim, holds
from validation.comparison import besides
from validation.report.words import named, plus_minus

__all__ = ["Verdicts", "aligned", "plain", "predicted", "render", "seen", "strict_json", "tally"]


def predicted(
    module: ModuleType, setting: Setting, names: Sequence[str] = (), tick: Callable[[], object] = lambda: None
) -> tuple[dict[str, Any], list[str]]:
    """Observables of a prediction, all for no names, None where one was not derived for the setting, and notes on them.

    Those that are known in another number of directions or subspaces are left out, unless no others are asked for. `tick`
    is called after each.

    Raises:
        ValueError: where none was, or where one fails for another reason.
    """
    known = observables(module)
    found: dict[str, Any] = {}
    refusals: dict[str, ValueError] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for observable in [o for o in names or known if known[o].fits(setting)] or names or known:
            try:
                found[observable] = getattr(module, observable)(setting)
            except ValueError as error:
                if setting.ensemble in known[observable].ensembles:  # something else is wrong
                    raise
                found[observable], refusals[observable] = None, error
            tick()
    if len(refusals) == len(found):
        raise next(iter(refusals.values()))
    notes = list(dict.fromkeys(str(warning.message) for warning in caught))
    if refusals:
        notes.append(f"not derived for the {setting.ensemble} ensemble: {', '.join(refusals)}")
    if hasattr(module, "caution") and (caution := module.caution(setting)):
        notes.append(caution)
    return found, notes


def render(
    name: str,
    setting: Setting,
    dims: Mapping[str, Sequence[str]],
    observables: Mapping[str, Any],
    *,
    as_json: bool,
) -> str:
    """The observables of a prediction or an experiment, as a table or as JSON."""
    wanted = {"time", "subspace", *(dim for of in dims.values() for dim in of)}
    coordinates = {dim: list(values) for dim, values in coordinates_of(setting).items() if dim in wanted}
    if as_json:
        return strict_json(_document(name, setting, coordinates, dims, observables))
    tables = [_table(coordinates, dims[o], o, value) for o, value in observables.items() if value is not None]
    heading = f"{name}: {setting.manifold}, N = {setting.samples}, {setting.ensemble}, schedule {setting.schedule.name}"
    if setting.query != "fresh":
        heading += f", {setting.query}"
    if setting.point:
        heading += ", x = " + ",".join(f"{x:g}" for x in setting.point)
    return "\n".join([heading + besides(setting), *tables])


def _document(
    name: str,
    setting: Setting,
    coordinates: dict[str, Any],
    dims: Mapping[str, Sequence[str]],
    observables: Mapping[str, Any],
) -> dict[str, Any]:
    document = {
        "prediction": name,
        "setting": {
            "subspaces": [{"variance": s.variance, "dimension": s.dimension} for s in setting.manifold.subspaces],
            "ambient_dimension": setting.manifold.ambient_dimension,
            "samples": setting.samples,
            "schedule": setting.schedule.name,
            "ensemble": setting.ensemble,
            "at": setting.query,
            "x": setting.point,
            "temperature": setting.temperature,
            "bandwidth": setting.bandwidth,
            "separation": setting.separation,
            "share": setting.share,
        }
        | ({"network": _network(setting.network)} if setting.network else {}),
        "coordinates": coordinates,
        "dims": {observable: list(dims[observable]) for observable in observables},
        "observables": {o: v.mean if isinstance(v, Measurement) else v for o, v in observables.items()},
    }
    measured = {o: v for o, v in observables.items() if isinstance(v, Measurement)}
    if measured:
        document["standard_errors"] = {o: m.sem for o, m in measured.items()}
        document["draws"] = {o: m.n for o, m in measured.items()}
    return document


def _network(network: Network) -> dict[str, Any]:
    """Its attributes; infinitely many features as the option has them."""
    return asdict(network) | ({"features": "inf"} if math.isinf(network.features) else {})


def _table(coordinates: Mapping[str, Any], dims: Sequence[str], observable: str, value: Any) -> str:
    """One observable: a line where it is a number, else a row per time or subspace, and a column of each of its last dims."""
    mean, sem = (value.mean, value.sem) if isinstance(value, Measurement) else (value, None)
    cells = _cells(np.asarray(mean), None if sem is None else np.asarray(sem))
    if not dims:
        return f"\n{observable} = {cells.item()}"
    down, across = (dims, ()) if len(dims) == 1 else (dims[:-1], dims[-1:])
    places = itertools.product(*(coordinates[dim] for dim in down))
    columns = [named(dim, c) for dim in across for c in coordinates[dim]] or [observable]
    cells = cells.reshape(-1, len(columns))
    rows = [[*map(_short, place), *row] for place, row in zip(places, cells, strict=True)]
    title = f"\n{observable}\n" if across else "\n"
    return title + aligned([[*down, *columns], *rows])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _cells(mean: np.ndarray, sem: np.ndarray | None) -> np.ndarray:
    if sem is None:
        return np.vectorize(lambda m: f"{m:.6g}", otypes=[object])(mean)
    return np.vectorize(_with_error, otypes=[object])(mean, sem)


def _with_error(mean: float, sem: float) -> str:
    known = math.isfinite(mean) and math.isfinite(sem) and sem > 1e-12 * abs(mean)
    return plus_minus(mean, sem) if known else f"{mean:.6g} ± {sem:.1g}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text, their columns aligned."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(_padded(row, widths) for row in rows)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "  ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)).rstrip()


# and their widths
COLUMNS = {"verdict": 12, "expected": 12, "points": 6, "max |z|": 10, "sees": 7, "control": 8, "holds": 5}


class Verdicts:
    """Claims as lines: verdict, largest |z|, the error it would see, whether the control was rejected, whether it holds.

    Args:
        names: of the claims to come.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.widths = [max(map(len, [*names, "claim"])), *COLUMNS.values()]
        self.header = _padded(["claim", *COLUMNS], self.widths)

    def line(self, points: Sequence[Mapping[str, Any]]) -> str:
        """One claim, from its rows."""
        first = points[0]
        farthest = np.nanmax([abs(point["z"]) for point in points] or [np.nan])
        cells = [
            first["claim"],
            ", ".join(sorted({point["verdict"] for point in points})),
            first["expected"],
            str(len(points)),
            f"{farthest:.2f}",
            seen(first),
            "rejected" if first["control"]["rejected"] else "survives",
            "yes" if all(map(holds, points)) else "NO",
        ]
        return _padded(cells, self.widths)


def seen(row: Mapping[str, Any]) -> str:
    """The smallest relative error of the prediction that a claim would have noticed."""
    smallest = row.get("detectable")
    return "" if smallest is None or not math.isfinite(smallest) else f"{100 * smallest:.2g} %"


def tally(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many claims hold."""
    held = [all(map(holds, points)) for points in by_claim(rows).values()]
    return f"{sum(held)} of {len(held)} claims hold"


def strict_json(content: Any) -> str:
    """JSON that every parser reads: arrays as lists, NaN and infinities as null."""
    return json.dumps(plain(content), indent=1, allow_nan=False)


def plain(value: Any) -> Any:
    """What JSON can say: arrays as lists, NaN and infinities as None, what it does not know as text."""
    if isinstance(value, Mapping):
        return {_readable(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else _readable(str(value))


def _readable(text: str) -> str:
    """With a question mark for what is no text, as bytes in the name of a file may be."""
    return text.encode(errors="replace").decode()
