"""Options that commands share, and how their values are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from theory.setting import Setting

__all__ = [
    "COLUMNS",
    "CONTEXT",
    "DEVICE",
    "SEED",
    "checked_seed",
    "follows_x",
    "numbers",
    "progress",
    "read_setting",
    "run_options",
    "setting_options",
    "some_of",
    "swept_options",
    "table_options",
    "times_of",
    "trains",
]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Numbers(click.ParamType):  # type: ignore[type-arg]  # that of older versions takes none
    """One number or several, comma separated."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        return tuple(numbers(value, param.opts[0] if param else "it"))


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a setting, as `predict` and `simulate` take them."""
    return _with(_of_setting(int, float, several=False), command)


def swept_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, each of several values, as `compare` takes them."""
    return _with(_of_setting(_Numbers(), _Numbers(), several=True), command)


def _with(options: Iterable[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(tuple(options)):
        command = option(command)
    return command


def _of_setting(count: Any, number: Any, *, several: bool) -> list[Callable[..., Any]]:
    """The options of a setting, where counts and numbers are of these types."""
    manifold = "Variance x dimension, as in 1.0x20,0.1x4." + (" Again for another manifold." if several else "")
    return [
        click.argument("name"),
        click.option("--subspaces", required=True, multiple=several, metavar="VxM,...", help=manifold),
        click.option(
            "--ambient-dimension", type=count, metavar="D", help="Dimension of the space around the manifold."
        ),
        click.option(
            "--samples", type=number, default="1000", show_default=True, metavar="N", help="Training samples."
        ),
        click.option(
            "--times",
            metavar="T,...",
            help="Comma separated, or n from a to b, a:b:n; by default nine around the collapse time.",
        ),
        click.option("--schedule", default="ve", show_default=True, help="ve, ou (or vp), ddpm, cosine, edm or flow."),
        click.option("--ensemble", default="gaussian", show_default=True, help="gaussian, sphere or mixture."),
        click.option(
            "--at", "query", metavar="WHERE", help="x is fresh, or on a trajectory: a noised training sample."
        ),
        click.option(
            "--x", "point", metavar="X,...", help="One x along the principal axes; by default an average over x."
        ),
        click.option("--temperature", type=number, metavar="T", help="Of the weights, for predictions that follow it."),
        click.option("--bandwidth", type=number, metavar="H", help="Of the kernel that smooths the score, likewise."),
        click.option("--separation", type=number, metavar="A", help="Of the two centres of the ensemble mixture."),
        click.option("--share", type=number, metavar="W", help="Of its class at the upper centre, 1/2 by default."),
        click.option(
            "--features", type=number, metavar="P", help="Hidden units of a network; inf for the kernel limit."
        ),
        click.option("--activation", metavar="F", help="Of a network: tanh, erf, relu or silu."),
        click.option(
            "--steps",
            "--training-times",
            "training",
            type=_Numbers(),
            metavar="TAU,...",
            help="Training times of a network, or its steps.",
        ),
        click.option("--ridge", type=number, metavar="R", help="Of a network, for predictions that follow it."),
        click.option("--json", "as_json", is_flag=True, help="JSON on stdout."),
    ]


SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of all random numbers.")
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")


def run_options(
    budgets: tuple[str, ...], default: str, said: str, store: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How jobs are done, as `compare` and `validate` take it: budgets and what they are, and where results are kept."""
    options = [
        click.option("--budget", type=click.Choice(budgets), default=default, show_default=True, help=said),
        SEED,
        DEVICE,
        click.option(
            "--scheduler", metavar="tcp://HOST:PORT", help=f"Work on this dask scheduler, whose workers see {store}."
        ),
    ]
    return lambda command: _with(options, command)


COLUMNS = click.option(
    "--columns",
    metavar="1-6,8",
    help="Take these: positions from 1, names, ranges of either. By default all but an index.",
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a file of data is to be read, the keywords of `numerics.data.read`."""
    options = [
        COLUMNS,
        click.option("--header/--no-header", default=None, help="Text: the first row holds names, or data."),
        click.option("--decimal", metavar="MARK", help="Text: the decimal mark, a point or a comma."),
        click.option("--drop-missing", is_flag=True, help="Leave out rows with missing cells, else refused."),
    ]
    return _with(options, command)


def read_setting(
    subspaces: str,
    ambient_dimension: int | None,
    samples: Any,
    times: str | None,
    schedule: str,
    ensemble: str,
    query: str | None,
    point: str | None,
    temperature: float | None,
    bandwidth: float | None,
    separation: float | None,
    share: float | None,
    features: float | None,
    activation: str | None,
    training: tuple[float, ...] | None,
    ridge: float | None,
    *,
    network: bool = False,
) -> Setting:
    """The setting that the options describe; by default nine times around the collapse time.

    With a network where options describe one, or where `network` asks for that of the defaults.
    """
    import numpy as np

    from theory.network import Network
    from theory.setting import LARGEST, SMALLEST, LinearManifold, Setting

    manifold = LinearManifold.parse(subspaces, ambient_dimension)
    where: dict[str, Any] = {
        "query": query or "fresh",
        "point": None if point is None else tuple(numbers(point, "--x")),
    }
    further = {"temperature": temperature, "bandwidth": bandwidth, "separation": separation, "share": share}
    where |= _given(further)
    trained = _given({"features": features, "activation": activation, "times": training, "ridge": ridge})
    if network or trained:
        where["network"] = Network(**trained)
    if times is not None:
        return Setting(manifold, samples, times_of(times), schedule, ensemble, **where)  # type: ignore[arg-type]
    from theory.predictions.collapse import collapse_time

    found = collapse_time(Setting(manifold, samples))
    setting = Setting(manifold, samples, np.array([0.5]), schedule, ensemble, **where)  # type: ignore[arg-type]
    if not 10 * SMALLEST <= found <= LARGEST / 10:
        raise ValueError(
            f"the default times lie about the collapse time, which is not between {10 * SMALLEST:g} and {LARGEST / 10:g} here; "
            "give --times"
        )
    return setting.at(times=setting.schedule.time(found * np.geomspace(0.1, 10, 9)))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def trains(name: str) -> bool:
    """Whether a prediction is of trained networks."""
    from theory.observable import observables
    from validation.claims import PREDICTIONS
    from validation.suite import prediction

    return name in PREDICTIONS and any(about.network for about in observables(prediction(name)).values())


def follows_x(
    known: Iterable[str], anywhere: Iterable[str], name: str, query: str | None, point: str | None
) -> tuple[str, ...]:
    """The observables of a prediction or experiment to show: where x is asked for, those that follow it.

    Raises:
        ValueError: for --at or --x where none does.
    """
    if query is None and point is None:
        return tuple(known)
    if not (found := tuple(anywhere)):
        raise ValueError(f"--at and --x are for what is known at a given x, such as condensation; got them for {name}")
    return found


def some_of(known: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The names asked for by --only, in the order of those known."""
    asked = text.split(",")
    if unknown := [name for name in asked if name not in known]:
        raise ValueError(f"--only must name some of {', '.join(known)}; got {unknown[0]!r}")
    return tuple(name for name in known if name in asked)


def times_of(text: str) -> list[float]:
    """The values of --times: numbers, or n of them evenly on a logarithmic scale.

    Raises:
        ValueError: where they are neither.
    """
    from validation.axes import ranged

    if ":" not in text:
        return numbers(text, "--times")
    try:
        return list(ranged(f"time={text}")[1])
    except ValueError:
        raise ValueError(
            f"--times must be numbers, as in 0.1,0.5, or a:b:n, n of them from a to b above 0, as in 0.1:10:9; got {text!r}"
        ) from None


def numbers(text: str, what: str) -> list[float]:
    """Comma separated numbers.

    Raises:
        ValueError: that names `what`, where they are not.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{what} must be comma separated numbers, as in 0.1,0.5; got {text!r}") from None


def checked_seed(seed: int) -> int:
    """The seed.

    Raises:
        ValueError: where it is negative.
    """
    if seed < 0:
        raise ValueError(f"the seed must be a non-negative integer, got {seed}")
    return seed


def progress(total: int, unit: str, **options: Any) -> Any:
    """A bar on a terminal, where the work takes more than a second."""
    from tqdm import tqdm

    return tqdm(total=total, unit=f" {unit}", leave=False, delay=1, disable=None, maxinterval=math.inf, **options)
