import io

import numpy as np
import pytest

from numerics.measurement import Measurement
from theory.predictions import condensation
from theory.setting import Setting
from validation.comparison import Case
from validation.job import Experiment
from validation.report import figures as draw
from validation.report.panels import curve, headline_figure, over_times, title

SETTING = Setting.of("1.0x2", samples=10, times=[0.05, 0.8, 3.0])
AT = Case(condensation, Experiment("condensation.x", lambda **_: {}, {"setting": SETTING}, 20), SETTING)


@pytest.fixture
def drawn():
    line = curve(AT, "participation", 4)
    values = {part.name: 1 / part.arguments[0].times for part in line}
    found = {"participation": Measurement(np.array([0.9, 0.5, 0.2]), np.full(3, 0.01), 20)}
    with draw.style():
        figure, axis = draw.canvas()
        times, exact = over_times(axis, values | {"condensation.x": found}, AT, line)
    return figure, axis, times, exact


def test_a_line_goes_through_the_times_of_the_claim_and_further_ones_each_once():
    own, further = curve(AT, "participation", 4)
    assert own.arguments == (SETTING,)
    assert not set(SETTING.times) & set(further.arguments[0].times)
    assert further.arguments[0].times.min() == pytest.approx(0.025)
    assert further.arguments[0].times.max() == pytest.approx(6)


def test_the_line_is_in_order_and_its_values_are_where_they_belong(drawn):
    _, _, times, exact = drawn
    assert (np.diff(times) > 0).all()
    np.testing.assert_allclose(exact[:, 0], 1 / times)


def test_theory_is_a_line_the_limit_dashed_the_simulation_points(drawn):
    figure, axis, _, _ = drawn
    labels = axis.get_legend_handles_labels()[1]
    assert sorted(labels) == ["exact", "limit", "simulation"]
    assert axis.get_xscale() == "log"
    figure.savefig(io.BytesIO(), format="svg")


def test_titles_say_where():
    assert title(AT) == "1x2, $N$ = 10\nfresh x"


def row(claim, predicted, measured, expected="agrees"):
    return {
        "claim": claim, "observable": "y", "predicted": predicted, "measured": measured, "sem": 0.1, "expected": expected,
    }  # fmt: skip


def test_the_headline_has_a_line_for_each_claim_and_a_point_for_each_ratio():
    rows = [
        row("a.one", 2.0, 1.0),
        *(row("a.two", k, k + 0.1, "disagrees") for k in range(3)),
        row("a.three", -2.0, -2.0),
    ]
    figure = headline_figure(rows)
    (axis,) = figure.figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a.one", "a.two", "a.three"]
    found = [container.lines[0].get_xdata().tolist() for container in axis.containers]
    np.testing.assert_allclose(np.concatenate(found), [0.5, 1.1, 1.05, 1.0])
    assert "error bars: one standard error" in figure.caption.lower()
    figure.figure.savefig(io.BytesIO(), format="svg")
