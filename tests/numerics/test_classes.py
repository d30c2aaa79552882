"""Tests of classes under noise, measured with labelled data: two Gaussians by theory, and labels of all kinds."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.classes import class_log_weights, classes, speciation
from numerics.gibbs import gibbs_moments
from numerics.leave_one_out import principal_axes
from theory.predictions import speciation as theory
from theory.setting import Setting

T = np.geomspace(0.3, 100, 9)


def two_gaussians(count, within=0.5, half=2.0, seed=0, share=0.5):
    random = np.random.default_rng(seed)
    of = random.integers(2, size=count) if share == 0.5 else (random.random(count) < share).astype(int)
    return np.sqrt(within) * random.standard_normal((count, 1)) + half * (2 * of[:, None] - 1), of


def test_two_gaussians_part_as_theory_says():
    # 2,000 points, each with an error of less than 1/2 of the mean's 1/sqrt(2,000): z < 5 at 9 times, a false alarm in 10^5.
    # The weights of 4,000 samples smooth the classes by t N^(-2/5): less than 2 % of what varies
    data, of = two_gaussians(4000)
    found = speciation(principal_axes(data), of, T, queries=2000)
    exact = theory.cloning_probability(Setting.of("0.5x1", times=T, ensemble="mixture", separation=4.0))
    for measured in (found.cloning_probability, found.return_probability):
        assert (np.abs(measured.mean - exact) < 5 * measured.sem + 0.02 * (1 - exact)).all()
    wrong = theory.cloning_probability(Setting.of("0.5x1", times=T, ensemble="mixture", separation=4.4))
    assert (np.abs(found.cloning_probability.mean - wrong) > 5 * found.cloning_probability.sem).any()
    time = found.speciation_time
    assert abs(time.mean - 3.5) < 1.2  # where the second mode comes; the middle of phi lies at 4.3
    assert time.sem < 0.3


def test_classes_of_unequal_size_part_as_theory_says():
    # as of equal size: z < 5 at 9 times; the weights of 400 samples of the smaller class smooth by less than 3 % of what varies
    data, of = two_gaussians(4000, share=0.1)
    found = speciation(principal_axes(data), of, T, queries=2000)
    own = float(found.shares[1])  # of this sample, 0.1 but for its scatter
    setting = Setting.of("0.5x1", times=T, ensemble="mixture", separation=4.0, share=own)
    exact, end = theory.cloning_probability(setting), (found.shares**2).sum()
    for measured in (found.cloning_probability, found.return_probability):
        assert (np.abs(measured.mean - exact) < 5 * measured.sem + 0.03 * (exact - end)).all()
    assert found.cloning_probability.mean[-1] == pytest.approx(end, abs=0.01)
    # a lower bound, and close to what it bounds
    known = theory.class_information(setting)
    assert (found.class_information.mean < known + 5 * found.class_information.sem).all()
    assert (found.class_information.mean > 0.85 * known - 5 * found.class_information.sem).all()
    equal = theory.class_information(setting.at(share=0.5))
    assert (np.abs(found.class_information.mean - equal) > 5 * found.class_information.sem)[:4].all()


def test_a_class_that_no_weight_is_on_costs_the_log_of_the_samples():
    data = np.array([[0.0], [0.1], [10.0], [10.1]] * 50) + 0.001 * np.arange(200)[:, None]
    labels = np.arange(200) % 2  # neighbours are of different classes: what is nearest says nothing
    found = speciation(principal_axes(data), labels, [1e-12, 1e12]).class_information
    assert -np.log(201) - 1e-9 <= found.mean[0] < 0
    assert abs(found.mean[1]) < 0.1


def test_weights_of_classes_add_up_to_those_of_all():
    random = np.random.default_rng(1)
    x, data, of = random.standard_normal((5, 3)), random.standard_normal((40, 3)), random.integers(4, size=40)
    logs = class_log_weights(x, data, of, 5, 0.3)
    assert logs.shape == (5, 5)
    assert (logs[:, 4] == -np.inf).all()
    np.testing.assert_allclose(np.logaddexp.reduce(logs, axis=1), gibbs_moments(x, data, 0.3).log_partition, rtol=1e-12)


def test_nothing_depends_on_the_names_of_classes_or_their_order():
    data, of = two_gaussians(300)
    words = np.array(["zebra", "ant"])[of]
    one, other = (speciation(principal_axes(data), labels, T) for labels in (of, words.tolist()))
    assert other.names == ("ant", "zebra")
    np.testing.assert_allclose(one.cloning_probability.mean, other.cloning_probability.mean, rtol=1e-12)
    np.testing.assert_allclose(one.shares, other.shares[::-1])


def test_copies_are_held_out_together():
    data, of = two_gaussians(200)
    doubled = speciation(principal_axes(np.repeat(data, 3, axis=0)), np.repeat(of, 3), [1e-6])
    assert doubled.return_probability.mean < 1  # a copy left behind would be the nearest, and right


def test_labels_of_any_kind_are_read():
    assert classes([1, 0, 1, 0], 4)[0] == ("0", "1")
    assert classes(np.array([1.0, 0.0, 1.0, 0.0]), 4)[0] == ("0", "1")
    assert classes([True, False] * 2, 4)[0] == ("False", "True")
    names, of = classes(np.array(["b", "a", "b", "a", "c"], dtype=object), 5)
    assert names == ("a", "b", "c")
    assert of.tolist() == [1, 0, 1, 0, 2]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 0], r"one for each of 4 samples, shape \(4,\); got shape \(3,\)"),
        ([[0], [1], [0], [1]], "one for each of 4 samples"),
        ([0.0, np.nan, 1.0, 1.0], "got none for sample 2"),
        (np.array(["a", None, "b", "b"], dtype=object), "got none for sample 2"),
        (["a", "", "b", "b"], "got none for sample 2"),
        (np.ma.masked_equal([0.0, 9.0, 0.0, 1.0], 9.0), "got none for sample 2"),
        (np.ma.masked_equal([0, 9, 0, 1], 9), "got none for sample 2"),
        ([1, 1, 1, 1], "at least 2 classes of 2 samples or more, got 1"),
        ([0.5, 0.25, 0.125, 1.0], "at least 2 classes of 2 samples or more, got 4"),
    ],
)
def test_labels_that_name_no_classes_are_refused(labels, said):
    with pytest.raises(ValueError, match=said):
        classes(labels, 4)


@pytest.mark.parametrize("missing", ["nan", "NA", "<NA>", "NaN", "null"])
def test_what_pandas_writes_for_a_missing_label_is_no_class(missing):
    with pytest.raises(ValueError, match="every sample needs a label, got none for sample 3"):
        classes(["a", "b", missing, "a", "b"], 5)
    assert classes(["a", "b", "na", "a", "b", "na"], 6)[0] == ("a", "b", "na")


def test_labels_of_bytes_are_words():
    assert classes(np.array([b"cat", b"dog", b"cat", b"dog"]), 4)[0] == ("cat", "dog")


def test_words_that_look_alike_are_one_class():
    assert classes(["caf\u00e9", "cafe\u0301 ", "b", " b"], 4)[0] == ("b", "caf\u00e9")
