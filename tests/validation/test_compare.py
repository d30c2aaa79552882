import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import threading

import matplotlib as mpl
import numpy as np
import pyarrow.parquet
import pytest
from matplotlib.image import imread
from scipy.io import netcdf_file

import geomem as door
from numerics.measurement import Measurement
from numerics.storage.cluster import executor
from tests.validation.conftest import geomem
from theory.extensive import rising_root
from theory.predictions import collapse
from theory.setting import Setting
from validation import points, sweep
from validation.axes import Axis, axes_of, ranged
from validation.compare import Comparison, compare
from validation.job import Run
from validation.report import comparison_figure as drawing
from validation.store import Store

TIMES = [0.4, 0.9, 1.7]
SETTING = Setting.of("1.0x20", samples=100, times=TIMES)
SAMPLES = {"samples": [30, 100]}
FORMS = ("memorized_probability", "memorized_probability_asymptotic")


@pytest.fixture(scope="module")
def found():
    """Two curves over time: 20 data sets at each number of samples."""
    return compare("collapse", SETTING, over=SAMPLES, observables=FORMS, control=True, repeats=20)


@pytest.fixture(autouse=True)
def _one_process(monkeypatch):
    monkeypatch.setattr(sweep, "local_executor", lambda: None)


# axes


def test_ranges_are_logarithmic_and_counts_are_whole():
    assert ranged("time=0.1:10:3") == ("time", pytest.approx((0.1, 1, 10)))
    assert ranged("samples=10:1000:5") == ("samples", (10, 32, 100, 316, 1000))
    assert ranged("samples=2:4:9") == ("samples", (2, 3, 4))
    assert ranged("temperature=0.5,1,2") == ("temperature", (0.5, 1, 2))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("samples", 50, Setting.of("1.0x2,0.1x3", samples=50)),
        ("variance.1", 0.3, Setting.of("1.0x2,0.3x3")),
        ("dimension.0", 7, Setting.of("1.0x7,0.1x3")),
        ("time", 0.3, Setting.of("1.0x2,0.1x3", times=[0.3])),
        ("temperature", 2, Setting.of("1.0x2,0.1x3", temperature=2)),
        ("bandwidth", 0.1, Setting.of("1.0x2,0.1x3", bandwidth=0.1)),
        ("subspaces", "1.0x4", Setting.of("1.0x4")),
    ],
)
def test_an_axis_changes_one_thing(name, value, expected):
    axis = Axis(name, (value, "2x2" if name == "subspaces" else 4))
    assert axis.at(Setting.of("1.0x2,0.1x3"), axis._read(value)) == expected


def test_a_subspace_grows_and_its_normal_directions_stay():
    setting = Setting.of([(1.0, 2), (0.1, 3)])
    wider = Axis("ambient", (6, 9)).at(setting, 9)
    assert wider.manifold.ambient_dimension == 9
    assert Axis("dimension.0", (5, 6)).at(wider, 5).manifold.ambient_dimension == 12


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("samples", r"written AXIS=a:b:n"),
        ("samples=1:b:3", r"written AXIS=a:b:n"),
        ("samples=10:100:1", r"n of at least 2, got 1"),
        ("bandwidth=0:1:3", r"logarithmic, from a to b above 0, got 0:1:3; write the values"),
        ("size=1:2:3", r"an axis must be one of time, samples, .* got 'size'"),
        ("variance=1:2:3", r"an axis must be one of .* got 'variance'"),
        ("samples.1=1:2:3", r"an axis must be one of .* got 'samples.1'"),
        ("samples=10,10", r"samples takes at least 2 different values, got 1"),
        ("samples=10:10:4", r"samples takes at least 2 different values, got 1"),
    ],
)
def test_a_range_that_is_none_is_said(asked, said):
    with pytest.raises(ValueError, match=said):
        axes_of(dict([ranged(asked)]))


# what is found


def test_points_are_those_of_prediction_and_experiment(found):
    assert [axis.name for axis in found.axes] == ["time", "samples"]
    assert found.dims["memorized_probability"] == ("time", "samples")
    for j, N in enumerate(SAMPLES["samples"]):
        at = SETTING.at(samples=N)
        for name in FORMS:
            np.testing.assert_allclose(found.predicted[name][:, j], getattr(collapse, name)(at))
    np.testing.assert_array_equal(found.measured[FORMS[0]], found.measured[FORMS[1]])
    assert (found.n[FORMS[0]] == 20).all()
    known = found.sem[FORMS[0]] > 0
    z = (found.measured[FORMS[0]] - found.predicted[FORMS[0]])[known] / found.sem[FORMS[0]][known]
    np.testing.assert_allclose(found.z[FORMS[0]][known], z)
    assert not found.disagrees


def test_control_has_another_lambda(found):
    control = found.predicted["memorized_probability_control"]
    np.testing.assert_allclose(control[:, 1], collapse.memorized_probability(SETTING.at(times=np.array(TIMES) / 1.1)))


def test_lines_pass_through_the_points_and_more(found):
    for form in found.forms:
        for j, (x, y) in enumerate(found.lines[form.name]):
            assert (np.diff(x) > 0).all()
            at = np.searchsorted(x, TIMES)
            np.testing.assert_allclose(x[at], TIMES)
            np.testing.assert_allclose(y[at], found.predicted[form.name][:, j])
            assert len(x) > 3


def test_lines_are_halved_where_they_are_bent_alone():
    x = np.array([1.0, 2, 3, 4, 5])
    assert points._bent(x, np.array([0.0, 1, 2, 3, 4]), x) == []
    assert points._bent(x, np.array([0.0, 0, 0, 0, 1]), x) == [(3, 4), (4, 5)]


def test_a_wrong_formula_of_the_user_is_seen_and_a_right_one_is_not():
    def wrong(setting):
        return collapse.information(setting.at(times=1.3 * setting.times))

    def right(setting):
        return collapse.information(setting)

    how = {"experiment": "collapse", "observables": ["information"], "over": SAMPLES, "repeats": 40}
    assert compare(wrong, SETTING, **how).disagrees
    assert not compare(right, SETTING, **how).disagrees
    with pytest.raises(ValueError, match=r"f must return a number or shape \(3,\), its time; got shape \(2,\)"):
        compare(named("f", lambda setting: np.ones(2)), SETTING, **how)


def named(name, function):
    function.__name__ = name
    return function


def test_points_of_ones_own_stand_in_the_place_of_the_experiment():
    exact = collapse.memorized_probability(SETTING)
    own = {"time": TIMES[::-1], "measured": exact[::-1] + np.array([0, 0, 0.05]), "sem": [0.01, 0.01, 0.005]}
    found = compare("collapse", SETTING, measured=own, observables=FORMS[:1])
    np.testing.assert_allclose(found.z[FORMS[0]], [10, 0, 0], atol=1e-9)
    assert found.disagrees
    few = compare("collapse", SETTING, measured=own | {"n": [2, 2, 2]}, observables=FORMS[:1])
    assert few.verdicts(FORMS[0]).tolist() == ["agrees"] * 3  # two draws reject nothing
    for change, said in [
        ({"sem": [0.01, 0.01, 0.0]}, "sem positive ones"),
        ({"sem": [0.01, 0.01]}, r"must have shape \(3,\)"),
        ({"samples": [1, 2, 3]}, "one axis, such as samples"),
        ({"time": [0.4, 0.4, 0.9]}, "each value once"),
        ({"measured": np.ma.array(exact, mask=[True, False, False])}, "must not be masked"),
        ({"measured": exact + 0j}, "the column 'measured' must be a numeric array, got dtype complex128"),
        ({"measured": ["a", "b", "c"]}, "the column 'measured' must be a numeric array"),
        ({"measured": [True, False, True]}, "the column 'measured' must be numbers, got truth values"),
        ({"n": [0, 5, 5]}, "n must be numbers of data sets, two or more"),
        ({"n": [5, np.nan, 5]}, "n must be numbers of data sets, two or more"),
    ]:
        with pytest.raises(ValueError, match=said):
            compare("collapse", SETTING, measured=own | change, observables=FORMS[:1])


def test_a_figure_of_points_of_ones_own_over_less_than_a_decade():
    own = {"time": [0.3, 0.6, 2.4], "measured": [0.5, 0.4, 0.3], "sem": [0.1] * 3}
    figure = compare("collapse", SETTING, measured=own, observables=FORMS[:1]).figure()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["exact", "measured"]
    figure.draw_without_rendering()
    above = figure.axes[0].xaxis
    assert not any(tick.label1.get_visible() for tick in (*above.get_major_ticks(), *above.get_minor_ticks()))


def test_a_figure_shows_points_that_have_no_z():
    times = [0.01, 0.4, 0.9]  # at the first every query is memorized
    found = compare("collapse", SETTING.at(times=times), observables=FORMS[:1], repeats=20)
    assert np.isnan(found.z[FORMS[0]]).tolist() == [True, False, False]
    above, below = found.figure().axes
    assert above.get_xlim() == below.get_xlim()
    assert above.get_xlim()[0] < times[0]


@pytest.mark.parametrize("kind", ["arrow", "structured", "frame", "rows", "text", "objects", "objects of text"])
def test_points_of_ones_own_come_in_tables_of_any_kind(kind):
    columns = {"time": [0.4, 0.9], "measured": [12.5, 7.5], "sem": [0.1, 0.1]}
    if kind == "frame":
        table = pytest.importorskip("pandas").DataFrame(columns)
    elif kind == "arrow":
        table = pyarrow.table(columns)
    elif kind.startswith("objects"):
        of = str if "text" in kind else float
        table = {name: np.array(list(map(of, column)), dtype=object) for name, column in columns.items()}
    elif kind in ("rows", "text"):
        values = ([f"{v}" for v in column] if kind == "text" else column for column in columns.values())
        table = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
    else:
        table = np.array(list(zip(*columns.values(), strict=True)), dtype=[(name, float) for name in columns])
    found = compare("collapse", SETTING, measured=table, observables="information")
    assert found.measured["information"].tolist() == columns["measured"]
    with pytest.raises(ValueError, match=r"a table with named columns, .* got float"):
        compare("collapse", SETTING, measured=3.0, observables="information")


def test_an_axis_takes_more_than_a_number():
    with pytest.raises(ValueError, match=r"the axis time takes a list of values, got 0\.4"):
        compare("collapse", SETTING, over={"time": 0.4}, observables="information")


def test_rows_of_ones_own_have_the_same_columns():
    rows = [{"time": 0.4, "measured": 12.5, "sem": 0.1}, {"time": 0.9, "measured": 7.5}]
    with pytest.raises(ValueError, match="must have the same columns, got others in row 2"):
        compare("collapse", SETTING, measured=rows, observables="information")


def test_numbers_in_text_are_ordered_as_numbers():
    rows = [{"samples": n, "measured": m, "sem": "0.1"} for n, m in (("100", "1"), ("30", "2"), ("1000", "3"))]
    found = compare("collapse", Setting.of("1.0x2"), measured=rows, observables="collapse_time")
    assert found.measured["collapse_time"].tolist() == [2, 1, 3]


def test_points_of_ones_own_may_have_a_row_for_each_subspace():
    table = {"samples": [60, 30, 30, 60], "subspace": [0, 1, 0, 1], "measured": [3.0, 2, 1, 4], "sem": [0.1] * 4}
    setting = Setting.of("1.0x2,0.1x2")
    found = compare("subspace_loss", setting, measured=table, observables="loss_time_annealed")
    assert found.measured["loss_time_annealed"].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match=r"once a subspace; got 3 rows over samples"):
        compare(
            "subspace_loss",
            setting,
            measured={name: column[:3] for name, column in table.items()},
            observables="loss_time_annealed",
        )


@pytest.mark.parametrize(
    ("subspaces", "said"),
    [
        ([0, 1, 2, 0], "must hold each of 0 to 1 at each samples, got 2 at samples = 30"),
        ([1, 2, 1, 2], "must hold each of 0 to 1 at each samples, got 1 at samples = 30"),
        ([0, 0.5, 0, 1], "got 0.5 at samples = 30"),
    ],
)
def test_a_row_of_another_subspace_passes_for_none_of_these(subspaces, said):
    samples = [30, 30, 30, 60] if 2 in subspaces and 0 in subspaces else [30, 30, 60, 60]
    table = {"samples": samples, "subspace": subspaces, "measured": [1.0, 2, 3, 4], "sem": [0.1] * 4}
    with pytest.raises(ValueError, match=said):
        compare("subspace_loss", Setting.of("1.0x2,0.1x2"), measured=table, observables="loss_time_annealed")


def test_points_of_one_subspace_may_name_it():
    table = {"time": [0.4, 0.9], "subspace": [0, 0], "measured": [12.5, 7.5], "sem": [0.1, 0.1]}
    assert compare("collapse", SETTING, measured=table, observables="information").verdicts("information").size == 2
    with pytest.raises(ValueError, match=r"must hold 0 at each time, got 3 at time = 0\.4"):
        compare("collapse", SETTING, measured=table | {"subspace": [3, 0]}, observables="information")


def test_points_that_are_huge_or_have_tiny_errors_are_told_in_few_letters():
    table = {"time": [0.4, 0.9], "measured": [1e308, 0.5], "sem": [1e307, 1e-310]}
    found = compare("collapse", SETTING, measured=table, observables="information")
    assert found.verdicts("information").tolist() == ["disagrees", "disagrees"]
    assert " 1.00(10)e+308 " in found.table()
    assert max(map(len, found.table().splitlines())) < 100


def test_points_over_another_axis_than_time_are_at_one_time():
    table = {"samples": [30, 60], "measured": [1.0, 2], "sem": [0.1, 0.1]}
    said = rf"here samples, and the setting has {len(TIMES)} values of time; give it one, as in --times 0\.5"
    with pytest.raises(ValueError, match=said):
        compare("collapse", SETTING, measured=table, observables=FORMS[:1])


def test_axes_are_read_as_on_the_command_line_and_print_as_a_table():
    how = {"observables": "information", "repeats": 20}
    found = compare("collapse", SETTING, over={"samples": "30:100:2"}, **how)
    assert found.axes[1].values == (30, 100)
    assert repr(found) == found.table()
    with pytest.raises(ValueError, match=r"takes whole numbers, got 54.7723; a range rounds"):
        compare("collapse", SETTING, over={"samples": np.geomspace(30, 100, 3)}, **how)


def test_a_time_is_looked_for_where_it_is_expected_and_far_away():
    form = compare_form("subspace_loss", "loss_time_annealed")
    setting = Setting.of("1.0x2,0.1x2", samples=300)
    work = points.Work(Run())
    expected = work.values([(form, setting)])[0]
    t = work._looked_at(form, setting, None).t
    near = np.abs(np.log(t[:, None] / expected)).min(axis=0)
    np.testing.assert_allclose(near, 0, atol=1e-5)
    steps = np.diff(np.log(t))
    for value in expected:
        assert steps[np.abs(np.log(t[1:] / value)) < 0.45].max() <= points.STEP + 1e-5
    assert steps.max() <= 8 * points.STEP
    assert t[0] < expected.min() / 20
    assert t[-1] > expected.max() * 20


@pytest.mark.parametrize(("power", "root", "few"), [(2.3, 0.05, 4), (0.7, 4.0, 7), (2.0, -9.0, 8), (60.0, 1.0, 14)])
def test_a_root_of_what_takes_long_is_found_in_few_steps_with_its_slope(power, root, few):
    asked = []

    def rising(u):
        asked.append(u)
        return np.log(np.logaddexp(0, power * (u - root)) / np.log(2))

    found, slope = rising_root(rising, 0.0, 1e-3)
    assert found == pytest.approx(root, abs=1e-4)
    assert slope == pytest.approx(power / np.log(4), rel=0.05)
    assert len(asked) <= few


@pytest.mark.parametrize("rising", [lambda u: -1.0, lambda u: -np.exp(-u), lambda u: np.nan])
def test_what_never_passes_0_has_no_root(rising):
    assert np.isnan(rising_root(rising, 0.0, 1e-3)).all()


def compare_form(name, observable):
    from validation.compare import _forms

    return _forms(name, [observable], False)[0]


def test_repeats_grow_until_the_error_is_reached_and_stop():
    found = compare("collapse", SETTING, over=SAMPLES, observables=FORMS[:1], repeats="auto:0.02")
    share = found.sem[FORMS[0]] / found.measured[FORMS[0]].max(axis=0)
    assert share.max() <= 0.02
    assert points._wanted({"x": Measurement(np.ones(2), np.array([0.1, 0.2]), 100)}, {"x": None}, 100, 0.1) == 441
    assert points._wanted({"x": Measurement(np.ones(2), np.array([0.1, 0.2]), 100)}, {"x": None}, 100, 0.2) == 100
    for repeats in ("auto:2", "auto:", "many", 3, "19", None, [20], 20.5, np.inf, 10**400, "9" * 400):
        with pytest.raises(ValueError, match="repeats must be a number of data sets of at least 20, or auto"):
            compare("collapse", SETTING, over=SAMPLES, repeats=repeats)


def test_what_is_kept_is_not_done_again(tmp_path, monkeypatch):
    how = {"over": SAMPLES, "observables": FORMS[:1], "repeats": 20, "store": Store(tmp_path)}
    first = compare("collapse", SETTING, **how)
    monkeypatch.setattr("validation.job.Evaluation.do", lambda self, run: pytest.fail("evaluated again"))
    monkeypatch.setattr("validation.job.Experiment.do", lambda self, run: pytest.fail("measured again"))
    assert compare("collapse", SETTING, **how).rows == first.rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"setting": None}, "takes a Setting"),
        ({"observables": ["nope"]}, "collapse has the observables information, .* got 'nope'"),
        ({"over": {"time": [0.1, 1]}, "observables": ["collapse_time"]}, "collapse_time does not depend on time"),
        ({"observables": [*FORMS, "collapse_time"]}, "depends on time and collapse_time does not"),
        ({"over": {"temperature": [1, 2]}}, "does not follow it; got 2"),
        ({"over": {"variance.3": [1, 2]}}, "variance.3 must name one of 1 subspaces, from 0; got 3"),
        ({"over": {"samples": [1, 20]}}, "the number of samples must be an integer of at least 2, got 1"),
        ({"over": {}, "setting": SETTING.at(times=[1.0])}, "expected an axis to compare over"),
        ({"over": SAMPLES | {"ambient": [20, 30]}}, "one axis or two, got time, samples, ambient"),
        ({"theory": lambda setting: 1.0}, "takes experiment="),
        ({"theory": "nope"}, "prediction must be one of"),
    ],
)
def test_what_cannot_be_asked_is_said(change, said):
    asked = {
        "theory": "collapse",
        "setting": SETTING,
        "over": SAMPLES,
        "observables": FORMS[:1],
        "repeats": 20,
    } | change
    theory, setting = asked.pop("theory"), asked.pop("setting")
    with pytest.raises(ValueError, match=said):
        compare(theory, setting, **asked)


def test_a_formula_that_is_nowhere_known_is_said(monkeypatch):
    monkeypatch.setattr(points.Work, "predicted", lambda self, at, forms: {f.name: np.full(3, np.nan) for f in forms})
    with pytest.raises(
        ValueError, match=r"memorized_probability is not known \(NaN\) at any of the points; leave it out"
    ):
        compare("collapse", SETTING, over=SAMPLES, observables=FORMS[:1])


def test_the_front_door_has_it():
    assert door.compare is compare


# figure, table, data, script


def test_the_figure_shows_every_curve_point_and_z(found):
    before = dict(mpl.rcParams)
    figure = found.figure()
    assert dict(mpl.rcParams) == before
    above, below = figure.axes
    assert figure.get_size_inches()[0] == pytest.approx(3.4)
    assert (above.get_xscale(), above.get_yscale()) == ("log", "linear")
    assert below.get_xlabel() == "noise variance $t$"
    assert above.get_ylabel() == "memorized probability $P$"
    drawn = [line.get_xydata() for line in above.get_lines() if line.get_linestyle() != "None"]
    lines = [np.column_stack(line) for form in found.forms for line in found.lines[form.name]]
    for line in lines:
        assert any(one.shape == line.shape and np.allclose(one, line) for one in drawn)
    marks = [line.get_xydata() for line in below.get_lines() if line.get_linestyle() == "None"]
    for j in range(2):
        np.testing.assert_allclose(marks[j][:, 1], np.abs(found.z[FORMS[0]][:, j]))
    (threshold,) = [line.get_ydata()[0] for line in below.get_lines() if len(line.get_xdata()) == 2]
    assert threshold == found.threshold
    styles = {line.get_linestyle() for line in above.get_lines()} | {line.get_marker() for line in above.get_lines()}
    assert len(styles) > 4  # told apart without colour


@pytest.mark.parametrize("suffix", drawing.FIGURES)
def test_figures_are_the_same_bytes_each_time_whatever_the_users_style(found, suffix):
    plain = drawing.saved(found, suffix)
    with mpl.rc_context({"axes.facecolor": "red", "savefig.dpi": 7, "text.usetex": True, "font.size": 30}):
        assert drawing.saved(found, suffix) == plain


def test_fonts_are_embedded(found):
    content = drawing.saved(found, ".pdf")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


@pytest.mark.parametrize("style", ["prl", "jmlr", "slides", "grayscale"])
def test_styles_change_the_figure(found, style):
    assert drawing.saved(found, ".svg", [style]) != drawing.saved(found, ".svg")


def test_a_style_may_be_a_file_of_the_users(tmp_path):
    (tmp_path / "mine.mplstyle").write_text("lines.linewidth: 5\n")
    with drawing.style(["prl", str(tmp_path / "mine.mplstyle")]) as rc:
        assert (rc["lines.linewidth"], rc["font.size"]) == (5, 8)


def test_a_style_that_is_none_is_said(found):
    with pytest.raises(ValueError, match=r"--style must be one of prl, jmlr, slides, .* got 'nope'"):
        found.figure(["nope"])


def test_the_script_redraws_the_figure_without_us(found, tmp_path):
    program = tmp_path / "fig.py"
    program.write_text(drawing.script(found, ["slides"]))
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: red\nfont.size: 30\nbackend: agg\n")  # the user's, unasked
    code = (
        "import sys; sys.argv = ['fig.py', 'fig.png']; import runpy; names = runpy.run_path('fig.py', run_name='__main__');"
        "assert not {'geomem', 'theory', 'validation'} & set(sys.modules); import json;"
        "print(json.dumps(names['FIGURE']['panels'][0]['points']))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    for j, shown in enumerate(json.loads(done.stdout)):
        assert shown["mean"] == found.measured[FORMS[0]][:, j].tolist()
        assert shown["sem"] == found.sem[FORMS[0]][:, j].tolist()
    ours = io.BytesIO(drawing.saved(found, ".png", ["slides"]))
    np.testing.assert_array_equal(imread(tmp_path / "fig.png"), imread(ours))


def test_data_are_read_back(found):
    rows = found.rows
    text = io.StringIO(drawing.data(found, ".csv").decode(), newline="")
    table = pyarrow.parquet.read_table(io.BytesIO(drawing.data(found, ".parquet"))).to_pylist()
    assert len(table) == len(rows) == 18
    for mine, read, stored in zip(rows, csv.DictReader(text), table, strict=True):
        assert list(mine) == list(read) == list(stored)
        assert stored["verdict"] == mine["verdict"]
        for part in ("time", "samples", "predicted", "measured", "sem"):
            assert float(read[part]) == stored[part] == mine[part]
    file = netcdf_file(io.BytesIO(drawing.data(found, ".nc")), mmap=False)
    np.testing.assert_array_equal(file.variables["memorized_probability_measured"][:], found.measured[FORMS[0]])
    assert file.variables["memorized_probability_z"].dimensions == ("time", "samples")
    np.testing.assert_array_equal(file.variables["samples"][:], SAMPLES["samples"])


def test_table_and_notebook_say_the_verdict(found):
    assert found.table().endswith(found.verdict)
    assert found.verdict.startswith("memorized_probability: of 6 points ")
    html = found._repr_html_()
    assert html.startswith("<figure><svg")
    assert "points</summary>" in html


def test_labelled_arrays_are_the_same_numbers(found):
    xarray = pytest.importorskip("xarray")
    labelled = found.to_xarray()
    kept = xarray.load_dataset(io.BytesIO(labelled.to_netcdf()))
    ours = xarray.load_dataset(io.BytesIO(drawing.data(found, ".nc")))
    for part in ("predicted", "measured", "sem", "n", "z"):
        for form in found.forms:
            of = f"{form.name}_{part}"
            for one in (labelled, kept, ours):
                assert one[of].dims == found.dims[form.name]
                np.testing.assert_array_equal(one[of], getattr(found, part)[form.name])
    at = labelled.sel(samples=100, time=0.9)["memorized_probability_predicted"]
    assert at == found.predicted["memorized_probability"][1, 1]


def test_without_xarray_what_to_install_is_said(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ValueError, match=r"pip install 'geomem\[xarray\]'"):
        found.to_xarray()


def test_subspaces_are_curves_and_with_a_second_axis_panels():
    setting = Setting.of("1.0x2,0.1x2", samples=30)
    over = {"samples": [30, 100]}
    one = compare("subspace_loss", setting, over=over, observables=["loss_time_annealed"], repeats=20)
    assert one.measured["loss_time_annealed"].shape == (2, 2)
    figure = one.figure()
    assert len(figure.axes) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"$\lambda = 1$", r"$\lambda = 0.1$"]
    assert not one.disagrees  # the leading order is not judged
    assert one.verdict == "nothing is judged: no form that was asked for is exact"
    two = compare(
        "subspace_loss", setting, over=over | {"variance.1": [0.1, 0.2]}, observables=["loss_time_annealed"], repeats=20
    )
    assert two.measured["loss_time_annealed"].shape == (2, 2, 2)
    np.testing.assert_allclose(two.predicted["loss_time_annealed"][:, 0], one.predicted["loss_time_annealed"])
    assert [axis.get_title() for axis in two.figure().axes if axis.get_title()] == ["subspace 0", "subspace 1"]


def test_by_default_the_first_exact_observable_is_taken():
    by_default, named = (
        compare("collapse", SETTING.at(times=[0.9]), over={"samples": [20, 40]}, observables=which, repeats=20)
        for which in (None, "memorized_probability")
    )
    assert list(by_default.z) == ["memorized_probability"]
    np.testing.assert_equal(by_default.rows, named.rows)


def test_many_values_of_a_second_axis_make_a_map():
    over = {"samples": [20, 40, 80], "variance.0": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]}
    found = compare("collapse", SETTING.at(times=[0.9]), over=over, observables=["information"], repeats=20)
    assert found.predicted["information"].shape == (3, 7)
    assert found.lines == {}
    above, *_ = axes = found.figure().axes
    assert len(axes) == 4  # two maps and their bars
    edges = above.collections[0].get_coordinates()[0, :, 0]
    np.testing.assert_allclose(edges**2, [200, 800, 3200, 12800])  # cells of N = 20, 40, 80, half way on the scale
    assert drawing.script(found)


# the command

COMMAND = [
    "compare",
    "collapse",
    "--subspaces",
    "1.0x20",
    "--times",
    "0.4,0.9,1.7",
    "--repeats",
    "20",
    "--device",
    "cpu",
]


def test_the_command_writes_what_it_is_asked_for_and_keeps_what_it_found(tmp_path, monkeypatch):
    wanted = [tmp_path / "a" / name for name in ("fig.svg", "data.csv", "fig.py")]
    done = geomem(
        *COMMAND, "--samples", "30,100", "--observable", ",".join(FORMS), "-o", wanted[0], "--data", wanted[1],
        "--script", wanted[2],
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "memorized_probability: of 6 points " in done.out
    assert wanted[1].stat().st_size
    typed = "geomem " + shlex.join(map(str, [*COMMAND, "--samples", "30,100", "--observable", ",".join(FORMS), "-o"]))
    assert f"<dc:description>{typed} " in wanted[0].read_text()
    assert f"Found by: {typed} " in wanted[2].read_text()
    assert [line for line in done.err.splitlines() if "2 of 2: samples = " in line]
    monkeypatch.setattr("validation.job.Experiment.do", lambda self, run: pytest.fail("measured again"))
    again = geomem(*COMMAND, "--samples", "30,100", "--observable", ",".join(FORMS), "--json")
    assert again.code == 0, again.err
    document = json.loads(again.out)
    assert len(document["points"]) == 12


def test_exit_code_1_where_they_disagree(monkeypatch):
    monkeypatch.setattr(collapse, "memorized_probability", _declared(lambda setting: np.full(setting.times.size, 0.05)))
    done = geomem(
        *COMMAND, "--samples", "30,100", "--observable", "memorized_probability", "--store", "wrong", "--repeats", "100"
    )
    assert done.code == 1
    assert "disagrees" in done.out


@pytest.mark.parametrize(
    ("verdicts", "asked", "code"),
    [
        (["agrees", "undecided"], [], 0),
        (["agrees", "undecided"], ["--strict"], 3),
        (["undecided", "undecided"], [], 3),
        (["disagrees", "undecided"], ["--strict"], 1),
    ],
)
def test_the_exit_code_is_that_of_the_verdicts(monkeypatch, verdicts, asked, code):
    monkeypatch.setattr(Comparison, "verdicts", lambda self, name: np.resize(verdicts, self.z[name].shape))
    assert geomem(*COMMAND, "--samples", "30,100", "--observable", "information", *asked).code == code


def _declared(function):
    function.observable = collapse.memorized_probability.observable
    function.__module__, function.__name__, function.__qualname__ = collapse.__name__, "wrong", "wrong"
    return function


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--over", "samples=10:100:3", "--samples", "30,100"], "axes must be different, got samples twice"),
        (["--over", "samples=10:100:3", "--over", "samples=1:10:3"], "axes must be different, got samples twice"),
        (["--over", "samples=10:100:1"], "n of at least 2, got 1"),
        (["--samples", "30,x"], "--samples must be comma separated numbers"),
        (["--samples", "30,100", "-o", "fig.tiff"], "-o must be a file that ends in .pdf or .svg or .png"),
        (["--samples", "30,100", "--data", "data.xls"], "--data must be a file that ends in"),
        (["--samples", "30,100", "--style", "nope"], "--style must be one of"),
        (["--samples", "30,100", "--observable", "nope"], "got 'nope'"),
        (["--samples", "30,100", "--repeats", "5"], "at least 20"),
        (["--samples", "30,100", "--temperature", "2"], "does not follow it"),
        (["--samples", "30,100", "--at", "fresh"], "--at and --x are for what is known at a given x"),
        (["--samples", "30,100", "--scheduler", "nowhere"], "expected the address of a running dask scheduler"),
    ],
)
def test_bad_usage_is_one_line(arguments, said):
    done = geomem(*COMMAND, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("geomem: ")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_manifolds_are_an_axis():
    done = geomem(*COMMAND, "--subspaces", "1.0x4,0.2x6", "--samples", "30", "--observable", "information", "--json")
    assert done.code == 0, done.err
    assert {row["subspaces"] for row in json.loads(done.out)["points"]} == {"1x20", "1x4,0.2x6"}


# a cluster


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "a worker killed"])
@pytest.mark.slow
def test_a_cluster_finds_the_same(tmp_path, killed):
    distributed = pytest.importorskip("distributed")
    how = {"over": SAMPLES, "observables": ["information"], "repeats": 20}
    here = compare("collapse", SETTING, **how)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as workers,
        executor(workers.scheduler_address) as pool,
    ):
        if killed:
            pids = [worker.pid for worker in workers.workers.values()]
            threading.Timer(0.5, os.kill, (pids[0], signal.SIGKILL)).start()
        there = compare("collapse", SETTING, **how, executor=pool, store=Store(tmp_path))
    assert there.rows == here.rows
    assert len(list(tmp_path.glob("compare.*.json"))) == 2


# the command with points of one's own


@pytest.fixture
def mine(tmp_path):
    """Writes a file of points."""

    def write(text):
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding="utf-8-sig")
        return path

    return write


def asked_of(path, *more):
    return geomem(
        "compare", "collapse", "--subspaces", "1.0x20", "--observable", "information", "--measured", path, *more
    )


def test_the_command_takes_points_of_ones_own(mine, tmp_path):
    path = mine("run,time,measured,sem,n\nfirst,0.9,7.47,0.01,100\nsecond,0.4,12.53,0.01,100\n")
    done = asked_of(path, "--json", "--script", tmp_path / "mine.py")
    assert done.code == 0
    rows = json.loads(done.out)["points"]
    assert [(row["time"], row["measured"], row["n"]) for row in rows] == [(0.4, 12.53, 100), (0.9, 7.47, 100)]
    assert asked_of(mine("time,measured,sem\n0.9,10,0.01\n0.4,12.5,1\n")).code == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,measured,sem\n", "has no rows; a first line of names, such as time,measured,sem, comes before them"),
        ("time,measured,sem\n0.4,12,0.1\n0.9,n.a.,0.1\n", "measured of row 2 must be a number, got 'n.a.'"),
        ("time,measured,sem\n0.4,12\n", "sem of row 1 must be a number, got None"),
        ("time;measured;sem\n0.4;12;0.1\n", "take the columns measured, sem, and one axis"),
        ("D,measured,sem\n4,12,0.1\n", "take the columns measured, sem, and one axis"),
        (
            "time,measured,sem\n0,4,12,5,0,1\n0,9,7,5,0,1\n",
            "row 1 must have a cell for each of 3 columns, got more; write",
        ),
        (",time,measured,sem\n1,0.4,12,0.1,3\n", "row 1 must have a cell for each of 4 columns, got more"),
        ("time,measured,sem,sem\n0.4,12,0.1,9\n", "must name every column once, got 'sem' twice; leave one out"),
        ("time,measured,sem\n0.4,95%,1%\n", "measured of row 1 must be a number, got '95%'; write it as in 0.95, or"),
        ("time,measured,sem\n0_4,95,1\n", "time of row 1 must be a number, got '0_4'"),
        ("variance.0,measured,sem\n1 m,3,0.1\n", "variance.0 of row 1 must be a number, got '1 m'"),
        ("time,measured,sem\n0.4,12,0.1\n", "along an axis, at two values of time or more; got 1 at 0.4"),
    ],
)
def test_points_that_cannot_be_read(mine, text, said):
    done = asked_of(mine(text))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err


def test_a_file_of_points_that_cannot_be_read(mine, tmp_path):
    for path, reason in (
        (tmp_path / "none.csv", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (mine("time,measured,sem\n" + "1" * 200_000 + ",1,1\n"), "field larger than field limit"),
    ):
        done = asked_of(path)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert f"cannot read '{path}': {reason}" in done.err
        assert "--measured takes a file of text, a row a point" in done.err


def test_points_in_other_letters_and_with_spaces(mine, tmp_path):
    done = asked_of(mine("time, measured, sem\r\n0.9, 7.47, 0.01\r\n0.4, 12.53, 0.01\r\n"), "--json")
    assert [row["measured"] for row in json.loads(done.out)["points"]] == [12.53, 7.47]
    other = tmp_path / "other.csv"
    other.write_bytes("time,measured,sem,note\n0.4,12,0.1,\xe9\n".encode("latin-1"))
    assert "its text is not UTF-8; save it as UTF-8" in asked_of(other).err
