"""The audit on data whose answer is known."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from numerics.leave_one_out import principal_axes
from theory.predictions.speciation import class_information
from theory.setting import LinearManifold, Setting
from validation.audit import of_data as audits
from validation.audit.of_data import TICKS, audit
from validation.audit.page import figures, introduction, on_the_clock, sections, text
from validation.report import words
from validation.report.page import write_report


def gaussian(samples=700, variances=(1.0,) * 6 + (0.1,) * 6, seed=0):
    return np.random.default_rng(seed).standard_normal((samples, len(variances))) * np.sqrt(variances)


def clusters(samples=500):
    random = np.random.default_rng(1)
    data = 0.1 * random.standard_normal((samples, 6))
    data[:, 0] += np.where(random.random(samples) < 0.5, 3, -3)
    return data


@pytest.fixture(scope="module", autouse=True)
def quick():
    """The exact probability has tests of its own, and takes most of the time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(audits, "EXACT_SUBSPACES", 0)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def linear():
    return audit("linear", gaussian())


@pytest.fixture(scope="module")
def clustered():
    return audit("clusters", clusters(), queries=128)


def test_gaussian_data_are_described(linear):
    s = linear.summary
    # 50 comparisons at 4 standard errors or more: false alarm below 1e-2 over seeds; the seed is fixed
    assert s["validity"]["everywhere"]
    assert s["validity"]["through_collapse"]
    assert s["validity"]["first_disagreement"] is None
    assert "wherever it could be tested" in s["validity"]["sentence"]
    assert [part["dimension"] for part in s["subspaces"]] == [6, 6]
    # the data and their Gaussian twin: 4 standard errors, false alarm 1e-3 (7 degrees of freedom in the twin's error)
    error = np.hypot(s["measured_collapse_time_error"], s["gaussian_collapse_time_error"])
    assert abs(s["measured_collapse_time"] - s["gaussian_collapse_time"]) < 4 * error
    # log N = I(t) is thermodynamic: own weight 1/2 is some 10 % above at this size
    assert abs(s["validity"]["collapse_ratio"] - 1) < 0.3
    # both bounds on the number of samples are the same number for Gaussian data
    gap = s["log10_samples_needed_from_data"] - s["log10_samples_needed"]
    assert abs(gap) < 4 * s["log10_samples_needed_from_data_error"] + 0.02


def test_the_exact_probability_is_what_gaussian_data_do(monkeypatch):
    monkeypatch.setattr(audits, "EXACT_SUBSPACES", 1)
    s = audit("isotropic", gaussian(800, (1.0,) * 5), queries=64, resolution=4).summary
    curves = {key: np.array(value) for key, value in s["curves"].items()}
    twin = np.interp(np.log(curves["exact_times"]), np.log(curves["times"]), curves["gaussian_memorized_fraction"])
    # 512 samples: 4 standard errors are 0.09 at most; interpolation 0.01; false alarm 5e-4
    np.testing.assert_allclose(curves["memorized_probability"], twin, atol=0.1)


def test_the_collapse_in_the_time_of_a_schedule(linear):
    s = linear.summary
    edm = on_the_clock(s, "edm")
    assert edm["measured_collapse_time"] == pytest.approx(np.sqrt(s["measured_collapse_time"]))
    assert edm["collapse_time"] == pytest.approx(np.sqrt(s["collapse_time"]))
    assert edm["stopping_time"] == pytest.approx(np.sqrt(s["stopping"]["stopping_time"]))
    times = f"{words.short(edm['measured_collapse_time'])}, measured, and {words.short(edm['collapse_time'])}, theory."
    assert f"In the schedule edm, where it noises data in these units: below tau = {times}" in introduction(
        linear, "edm"
    )
    assert "schedule" not in text(linear)
    never = s | {"measured_collapse_time": None}
    assert on_the_clock(never, "flow")["measured_collapse_time"] is None


def test_copies_among_what_was_generated_are_counted():
    data = gaussian(300, (1.0,) * 4)
    fresh = gaussian(60, (1.0,) * 4, seed=9)
    found = audit("linear", data, generated=np.concatenate([data[:20] + 1e-6, fresh]), queries=64)
    by_chance = audit("linear", data, generated=fresh, queries=64).summary["generated"]
    copied = found.summary["generated"]
    assert copied["points"] == 80
    assert copied["share"] * 80 == pytest.approx(20 + by_chance["share"] * 60)
    assert copied["low"] < copied["share"] < copied["high"]
    assert f"{100 * copied['share']:.3g} % (" in text(found)
    with pytest.raises(ValueError, match=r"generated points must have shape \(M, 4\), as the data have, got \(60, 3\)"):
        audit("linear", data, generated=fresh[:, :3])


def test_a_page_says_how_to_ask_theory_more(linear):
    s = linear.summary
    (loss,) = (section for section in sections(linear) if section.title == "Loss of subspaces")
    subspaces, samples, ambient = re.search(
        r"--subspaces (\S+) --samples (\d+) --ambient-dimension (\d+)$", loss.text
    ).groups()
    manifold = LinearManifold.parse(subspaces, int(ambient))
    np.testing.assert_allclose(
        manifold.variances, [part["variance"] for part in s["subspaces"]], rtol=1e-5
    )  # six digits
    assert manifold.dimensions.tolist() == [part["dimension"] for part in s["subspaces"]]
    assert int(samples) == s["samples"]


def test_a_page_breaks_lines_itself(linear):
    question, *answers = introduction(linear).split("\n\n")[-1].splitlines()
    assert question.endswith("?")
    assert answers == [linear.summary["validity"]["sentence"]]
    assert text(linear).split() == introduction(linear).split()


def test_what_stopping_early_leaves_is_told(linear, clustered):
    for found in (linear, clustered):
        s = found.summary["stopping"]
        # a copy once denoised has most of the weight, and so has not lost it yet
        assert s["stopping_time_noised"] < s["closest_time"] < s["stopping_time"]
        assert s["stopping_time"] > found.summary["measured_collapse_time"]
        assert 0 < s["variance_left"] < 1
        assert s["copied_where_closest"] > s["copied"]
        assert f"Stopped at t = {words.plus_minus(s['stopping_time'], s['stopping_time_error'])} and denoised" in text(
            found
        )
    # within a cluster the data vary by .01: far below the spectrum's time
    assert clustered.summary["stopping"]["stopping_time"] < 0.2
    assert clustered.summary["stopping"]["variance_left"] > 0.95


def test_where_no_time_is_early_enough_it_is_said_how_many_are_copied():
    lattice = np.stack(np.meshgrid(*[np.arange(3.0)] * 3), axis=-1).reshape(-1, 3)  # its mean is a sample
    found = audit("lattice", lattice, queries=64)
    s = found.summary
    assert s["stopping"]["stopping_time"] is None
    share, t = (s["curves"][name][-1] for name in ("copied_fraction", "times"))
    assert share > 0.2
    assert f"Denoised {100 * share:.3g} % are copies even at t = {words.short(t)}, the largest tried." in text(found)
    none = np.zeros(len(s["curves"]["times"])).tolist()
    clean = replace(found, summary=s | {"curves": s["curves"] | {"copied_fraction": none}})
    assert "Denoised fewer than 5 % are copies at all t that were tried, from t = " in " ".join(text(clean).split())


def test_all_of_the_variance_is_a_hundred_percent(linear):
    s = linear.summary
    for left, told in ((0.9974, "100"), (1.04, "100"), (0.0123, "1.2")):
        found = replace(linear, summary=s | {"stopping": s["stopping"] | {"variance_left": left}})
        assert f"; {told} % of the variance is left" in " ".join(text(found).split())


def test_directions_below_the_noise_are_of_those_that_are_counted():
    """Three of seven, the variances of the others being 1e-15 of the largest or less; below the noise is none of the three."""
    data = gaussian(200, (1.0, 1.0, 1.0, 1e-15, 1e-17, 1e-19, 1e-21))
    assert principal_axes(data).coordinates.shape[1] == 7
    s = audit("graded", data, queries=64).summary
    assert s["intrinsic_dimension"] == 3
    assert 1e-15 < s["stopping"]["stopping_time_noised"] < 0.1
    assert s["stopping"]["directions_below_noise"] == 0


def test_clusters_are_not(clustered):
    s = clustered.summary
    v = s["validity"]
    assert not v["everywhere"]
    assert not v["through_collapse"]
    assert v["valid_above"] > 10 * s["measured_collapse_time"]
    assert v["first_disagreement"]["quantity"] in ("retained variance", "memorized fraction")
    assert "not Gaussian" in v["sentence"]
    # the true law is two Gaussians of variance 0.01 in 6 directions, one bit apart: far fewer samples than the spectrum says
    truth = 0.5 * 6 * np.log1p(0.01 / s["wanted_time"]) + np.log(2)
    assert np.log(s["samples_needed"]) > truth + 1
    measured = s["log10_samples_needed_from_data"] * np.log(10)
    assert measured > truth - 4 * s["log10_samples_needed_from_data_error"] * np.log(10)  # a bound from above
    assert measured < truth + 1.5


def test_wanted_time_above_the_collapse_needs_no_more():
    wanted = 2.0
    found = audit("linear", gaussian(300, (1.0,) * 4), wanted_time=wanted, queries=64)
    s = found.summary
    # information at t = 2 of variances near 1
    assert s["wanted_time"] == wanted
    assert s["samples_needed"] < 10
    assert s["wanted_time"] > s["measured_collapse_time"]
    assert "suffice" in text(found)
    beyond = audit("linear", gaussian(300, (1.0,) * 4), wanted_time=1e9, queries=64).summary
    assert beyond["samples_needed_from_data"] is None
    assert beyond["samples_needed"] == pytest.approx(1)


@pytest.mark.parametrize("unit", [1e3, 1e12])  # of 1e12 times are beyond the integers that float64 holds
def test_times_scale_with_the_data_and_nothing_else_matters(linear, unit):
    random = np.random.default_rng(3)
    turn = np.linalg.qr(random.standard_normal((12, 12)))[0]
    other = audit("linear", unit * gaussian() @ turn + 100 * unit).summary
    s = linear.summary
    for key in s:
        if key.endswith(("_time", "_time_error")):
            assert other[key] == pytest.approx(unit**2 * s[key], rel=1e-6), key
    np.testing.assert_allclose(other["loss_times_typical"], unit**2 * np.array(s["loss_times_typical"]), rtol=1e-9)
    np.testing.assert_allclose(other["curves"]["own_weight"], s["curves"]["own_weight"], rtol=1e-5)
    for key in ("retained_variance", "retained_variance_error"):
        np.testing.assert_allclose(other["curves"][key], unit**2 * np.array(s["curves"][key]), rtol=1e-5)
    assert other["loss_order"] == s["loss_order"]
    assert other["validity"]["everywhere"]


def test_the_summary_is_strict_json_and_complete(linear):
    s = json.loads(json.dumps(linear.summary, allow_nan=False))
    wanted = {
        "samples", "ambient_dimension", "subspaces", "collapse_time", "loss_order", "measured_collapse_time",
        "measured_collapse_time_error", "samples_needed", "validity", "wanted_time", "seed", "duplicated_samples",
    }  # fmt: skip
    assert wanted <= set(s)
    assert s == linear.summary
    assert s["loss_order"] == s["loss_order_annealed"] == [0, 1]
    assert s["curves"]["times"] == sorted(s["curves"]["times"])
    assert np.shape(s["curves"]["retained_variance"]) == (len(s["curves"]["retained_times"]), 2)


def test_the_seed_decides():
    data = gaussian(100, (1.0, 0.5))
    first, again, other = (audit("d", data, queries=32, seed=k).summary for k in (4, 4, 5))
    assert first == again
    assert first["curves"]["own_weight"] != other["curves"]["own_weight"]


def test_ticks_are_announced():
    ticks = []
    audit("d", gaussian(60, (1.0, 0.5)), queries=16, tick=lambda: ticks.append(1))
    assert len(ticks) == TICKS


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("few", gaussian(10, (1.0, 1.0))),
        ("wide", gaussian(30, (1.0,) * 120)),
        ("line", gaussian(50, (1.0,))),
        ("constant column", np.c_[gaussian(50, (1.0, 0.2)), np.full(50, 0.1)]),
        ("binary", (np.random.default_rng(6).random((100, 9)) < 0.3).astype(np.uint8)),
        ("heavy tails", np.random.default_rng(5).standard_cauchy((80, 3))),
        ("mostly copies", np.concatenate([np.zeros((60, 2)), gaussian(15, (1.0, 1.0))])),
        ("far and small", 1e6 + 1e-3 * gaussian(80, (1.0, 0.2))),
        ("twins", np.repeat(gaussian(30, (1.0, 1.0)), 2, axis=0) + 1e-7 * gaussian(60, (1.0, 1.0), seed=1)),
    ],
)
def test_awkward_data_are_answered(name, data):
    found = audit(name, data, queries=32)
    s = found.summary
    json.dumps(s, allow_nan=False)
    said = text(found)
    assert not re.search(r"\bnan\b|\binf\b|None", said)
    assert s["samples"] == len(data)
    assert s["ambient_dimension"] == data.shape[1]
    figures(found)[0].figure.draw_without_rendering()
    assert [part.title for part in sections(found)][-3:] == ["Curves", "Retained variance", "Copies"]
    assert all(part.rows and {len(part.header)} == {len(row) for row in part.rows} for part in sections(found))


def test_the_report_takes_figures_and_tables(linear, tmp_path):
    page = write_report(
        tmp_path,
        title="linear",
        introduction="",
        claims=(),
        derivations=(),
        figures=figures(linear),
        manifest={},
        sections=sections(linear),
    )
    assert "Samples needed" in page.read_text()
    assert (tmp_path / "audit.pdf").exists()


def test_copies_are_counted_and_said():
    distinct = gaussian(150, (1.0,) * 4)
    found = audit("copies", np.concatenate([distinct, distinct[:30]]), queries=64)
    s = found.summary
    assert (s["samples"], s["distinct_samples"], s["duplicated_samples"]) == (180, 150, 60)
    assert "150 distinct" in text(found)
    assert s["curves"]["own_weight"][0] > 0.99  # together, the copies are memorized


def test_the_text_answers_five_questions(linear, clustered):
    for found in (linear, clustered):
        said = text(found)
        assert said.count("?") == 5
        assert max(map(len, said.splitlines())) <= 100
        assert "data units squared" in said
        assert found.summary["validity"]["sentence"].split(";")[0] in " ".join(said.split())


def test_labels_add_an_answer_a_table_and_curves():
    data = clusters()
    labels = ["low" if x < 0 else "high" for x in data[:, 0]]
    found = audit("clusters", data, labels=labels)
    classes = found.summary["classes"]
    assert classes["names"] == ["high", "low"]
    assert classes["cloning_probability"][0] > 0.95
    assert classes["cloning_probability"][-1] == pytest.approx(sum(np.square(classes["shares"])), abs=0.05)
    assert 0.6 < classes["class_information"][0] < np.log(2) + 0.01
    two = Setting.of("0.01x1", ensemble="mixture", separation=6.0, times=classes["times"][-1:])
    off = classes["class_information"][-1] - class_information(two)[0]
    assert abs(off) < 5 * classes["class_information_error"][-1]
    assert classes["times"][0] < classes["speciation_time"] < classes["times"][-1]
    assert "When is it chosen which of 2 classes a sample will be of?" in text(found)
    assert any(section.title == "Classes" for section in sections(found))
    with pytest.raises(ValueError, match="labels must be one for each"):
        audit("clusters", data, labels=labels[1:])


def test_text_is_short_with_many_subspaces():
    spectrum = 10.0 ** -np.arange(12)
    said = text(audit("wide", gaussian(100, spectrum), queries=16))
    assert len(said.splitlines()) < 40
    assert said.count("...") == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wanted_time": 0}, "wanted time"),
        ({"wanted_time": -1.0}, "wanted time"),
        ({"wanted_time": float("nan")}, "wanted time"),
        ({"resolution": 0.5}, "resolution"),
        ({"resolution": float("inf")}, "resolution"),
        ({"queries": 1}, "queries"),
        ({"queries": 2.5}, "queries"),
        ({"seed": -1}, "seed"),
        ({"device": "abacus"}, "device"),
        ({"dtype": "float16"}, "dtype"),
        ({"data": np.ones((50, 2))}, "distinct"),
        ({"data": np.ones(50)}, "shape"),
        ({"data": gaussian(9)}, "distinct"),
    ],
)
def test_bad_input_is_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message) as error:
        audit("bad", options.pop("data", gaussian(20)), **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (39.94, 1.64, "39.9 ± 1.6"),
        (1797.0, 12.0, "1797 ± 12"),
        (2.576e-7, 9.8e-9, "(2.576 ± 0.098)e-07"),
        (1.0, 0.0, "1"),
        (0.0696461024749879, 2.5e-17, "0.0696"),
        (1.0, None, "1"),
        (None, None, "unknown"),
    ],
)
def test_errors_are_printed_to_two_digits(value, error, expected):
    assert words.plus_minus(value, error) == expected


def test_what_was_read_is_told(linear):
    assert linear.summary["read"] == {
        "rows": 700, "columns": 12, "first": "1", "last": "12", "left_out": [], "doubts": [],
    }  # fmt: skip
    assert "Read: 700 x 12 numbers, columns 1 to 12; left out: nothing." in text(linear)


def test_a_column_of_an_array_that_counts_is_told():
    found = audit("counted", np.c_[np.arange(60), gaussian(60, (1.0, 0.5))], queries=16)
    assert found.summary["read"]["doubts"] == ["column 1 counts the rows from 0"]
    assert "note that column 1 counts the rows from 0" in " ".join(text(found).split())


def test_masks_are_not_forgotten():
    data = gaussian(60, (1.0, 0.5))
    with pytest.raises(ValueError, match="data must not be masked, got"):
        audit("masked", np.ma.masked_greater(data, 1), queries=16)


@pytest.mark.parametrize("option", ["wanted_time", "resolution", "queries", "seed"])
@pytest.mark.parametrize("value", [True, "2", np.timedelta64(2)])
def test_what_is_no_number_is_refused(option, value):
    with pytest.raises(ValueError, match="must be"):
        audit("x", np.eye(12), **{option: value})
