import io
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from validation.report import figures as draw
from validation.report.page import _draw

X = np.array([1.0, 2.0, 3.0])


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_the_style_lasts_for_the_time_of_drawing():
    before = dict(mpl.rcParams)
    with draw.style():
        assert mpl.rcParams["font.size"] == 9
        assert mpl.rcParams["mathtext.fontset"] == "stix"
    assert dict(mpl.rcParams) == before


def test_the_style_is_taken_back_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(RuntimeError), draw.style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_the_style_is_the_packages_own_whatever_the_users_is():
    def drawn():
        with draw.style():
            figure, axis = draw.canvas()
            draw.theory(axis, X, X, r"$t_C$ 1,000.5")
            draw.legend(axis)
        return _draw(figure, "svg")

    plain = drawn()
    users = {
        "axes.facecolor": "red",
        "savefig.bbox": "tight",
        "savefig.dpi": 7,
        "svg.fonttype": "none",
        "text.usetex": True,
    }
    with mpl.rc_context(users):
        assert drawn() == plain
        assert mpl.rcParams["text.usetex"]


def test_matplotlib_that_cannot_be_imported_is_said_before_any_work(monkeypatch):
    draw.check()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"figures take matplotlib, which cannot be imported: .*; mend MPLBACKEND"):
        draw.check()


def test_a_canvas_has_the_panels_and_the_size_asked_for():
    figure, axis = draw.canvas()
    assert tuple(figure.get_size_inches()) == pytest.approx((3.4, 2.7))
    assert axis.figure is figure
    figure, axes = draw.canvas(3, 2, width=2, height=1)
    assert axes.shape == (2, 3)
    assert tuple(figure.get_size_inches()) == pytest.approx((6, 2))
    assert draw.canvas(3)[1].shape == (3,)


def test_series_differ_without_colour():
    _, axis = draw.canvas()
    for k in range(7):
        draw.theory(axis, X, X, series=k)
        draw.measured(axis, X, X, X, series=k)
    solid = [line for line in axis.lines if line.get_linestyle() != "None"]
    assert len({str(line._dash_pattern) for line in solid[:4]}) == 4
    assert len({line.get_color() for line in solid}) == 7
    assert len({line.get_marker() for line in axis.lines} - {"None", "_", "|"}) == 7
    assert len(set(draw.COLOURS)) == len(draw.COLOURS) == 7
    assert len(set(draw.MARKERS)) == 7
    grey = sorted(map(luminance, draw.COLOURS))
    assert grey[0] < 0.01
    assert grey[-1] < 0.5  # darker than half: it shows on white


def test_points_carry_their_error_bars_and_lines_their_labels():
    _, axis = draw.canvas()
    draw.theory(axis, X, X, "theory")
    draw.measured(axis, X, X, 0.1 * X, "simulation", series=1)
    draw.control(axis, X, 2 * X, "control")
    draw.legend(axis)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["theory", "control", "simulation"]
    (bars,) = axis.containers
    assert bars.has_yerr
    lines = {line.get_label(): line for line in axis.lines}
    assert lines["theory"].get_linestyle() == "-"
    assert lines["control"].get_linestyle() == "--"
    assert to_rgb(lines["control"].get_color()) == pytest.approx((0.55,) * 3)


def test_without_a_label_there_is_no_entry():
    _, axis = draw.canvas()
    draw.theory(axis, X, X)
    draw.measured(axis, X, X, X, None)
    draw.control(axis, X, X)
    assert axis.get_legend_handles_labels() == ([], [])


def test_what_is_missing_is_left_out_without_a_warning():
    with draw.style():
        figure, axis = draw.canvas()
        draw.measured(axis, X, [1.0, np.nan, 3.0], [0.1, np.nan, np.nan])
        draw.theory(axis, X, [np.nan, np.inf, 1.0])
        axis.set(xscale="log", yscale="log")
        figure.savefig(io.BytesIO(), format="pdf")


def test_no_window_is_ever_opened():
    draw.canvas()
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize(("low", "high"), [(0.05, 3.0), (1e-3, 1e3), (0.011, 0.012)])
def test_a_logarithmic_axis_has_plain_numbers_that_do_not_collide(low, high):
    figure, axis = draw.canvas()
    draw.theory(axis, [low, high], [1, 2])
    draw.logarithmic(axis)
    figure.draw_without_rendering()
    boxes = [
        label.get_window_extent()
        for label in axis.get_xticklabels()
        if label.get_text() and axis.get_xlim()[0] <= label.get_position()[0] <= axis.get_xlim()[1]
    ]
    assert axis.get_xscale() == "log"
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert not any(label.get_text() for label in axis.get_xticklabels(minor=True))
