"""Each law of a score and its kin is broken by a formula that is wrong in its way, and held by the right one."""

import numpy as np
import pytest
from scipy.special import entr, logsumexp, softmax

from validation.laws import Cloud, LawError, Sides, assert_laws, laws_for
from validation.properties.cloud import CloudCase
from validation.properties.gibbs import LAWS
from validation.properties.law import law, lawgivers
from validation.properties.points import of_points
from validation.properties.report import report
from validation.properties.search import search
from validation.properties.subject import catalogued

QUICK = {"derandomize": True, "database": None, "max_examples": 20}
POINT, VECTOR, MATRIX = ("point",), ("point", "direction"), ("point", "direction", "direction")
WEIGHTS = ("point", "sample")


def squares(x, data):
    return ((x[:, None] - data) ** 2).sum(axis=2)


def weights(x, data, t):
    return softmax(-squares(x, data) / (2 * t), axis=1)


def mean(x, data, t):
    return weights(x, data, t) @ data


def score(x, data, t):
    return (mean(x, data, t) - x) / t


def log_density(x, data, t):
    N, D = data.shape
    return logsumexp(-squares(x, data) / (2 * t), axis=1) - np.log(N) - D / 2 * np.log(2 * np.pi * t)


def entropy(x, data, t):
    return entr(weights(x, data, t)).sum(axis=1)


def energy(x, data, t):
    return (weights(x, data, t) * squares(x, data)).sum(axis=1) / (2 * t)


def heat_capacity(x, data, t):
    off = squares(x, data) / (2 * t) - energy(x, data, t)[:, None]
    return (weights(x, data, t) * off**2).sum(axis=1)


def participation(x, data, t):
    return (weights(x, data, t) ** 2).sum(axis=1)


def jacobian(x, data, t):
    off = data - mean(x, data, t)[:, None]
    covariance = np.einsum("mn,mni,mnj->mij", weights(x, data, t), off, off)
    return covariance / t**2 - np.eye(x.shape[1]) / t


def times(factor, f):
    return lambda x, data, t: factor * f(x, data, t)


def at_times(factor, f):
    return lambda x, data, t: f(x, data, factor * t)


def drifting(x, data, t):
    return score(x, data, t) + 1


def first_coordinate(x, data, t):
    return score(x[:, :1], data[:, :1], t) * np.ones(x.shape[1])


def of_the_origin(x, data, t):
    return score(x, data, t) + x


def of_the_last(x, data, t):
    return score(x, data, t) + data[-1] - data[0]


def of_the_batch(x, data, t):
    return score(x, data, t) - score(x, data, t).mean(axis=0)


def of_all_samples(x, data, t):
    return score(x, data, t) * len(data)


def curled(x, data, t):
    found = score(x, data, t)
    return found + x[:, ::-1] * np.arange(x.shape[1])


WRONG = [
    ("rotation(vector)", VECTOR, score, drifting),
    ("rotation(matrix)", MATRIX, jacobian, lambda x, data, t: jacobian(x, data, t) * np.arange(1, 1 + x.shape[1])),
    ("coordinates(vector)", VECTOR, score, first_coordinate),
    ("translation(0)", VECTOR, score, of_the_origin),
    ("translation(1)", VECTOR, mean, score),
    ("units(-1)", VECTOR, score, mean),
    ("log_units(-1)", POINT, log_density, entropy),
    ("exchange", VECTOR, score, of_the_last),
    ("exchange", WEIGHTS, weights, lambda x, data, t: np.sort(weights(x, data, t), axis=1)),
    ("duplicates", VECTOR, score, of_all_samples),
    ("duplicates(f + log(2))", POINT, entropy, log_density),
    ("far_sample", WEIGHTS, weights, lambda x, data, t: weights(x, data, t) * 0 + 1 / len(data)),
    ("far_sample(f + log(N/(N + 1)))", POINT, log_density, entropy),
    ("independent_points", VECTOR, score, of_the_batch),
    ("cold((nearest - x)/t)", VECTOR, score, times(1.05, score)),
    ("hot(1/N)", POINT, participation, entropy),
    ("one_sample(nearest)", VECTOR, mean, score),
    ("between(1/N, 1)", POINT, participation, entropy),
    ("renyi", POINT, participation, at_times(1.05, participation)),
    ("sum_to_one", WEIGHTS, weights, times(1.05, weights)),
    ("averages_samples", WEIGHTS, weights, at_times(2, weights)),
    ("hull", VECTOR, mean, times(2, mean)),
    ("identity(f, gibbs.energy + gibbs.log_partition)", POINT, entropy, times(1.05, entropy)),
    ("tweedie", VECTOR, score, at_times(0.5, score)),
    ("second_tweedie", VECTOR, score, times(2, score)),
    ("second_tweedie", MATRIX, jacobian, at_times(2, jacobian)),
    ("gradient_of(gibbs.log_density)", VECTOR, score, times(1.05, score)),
    ("gradient_of(gibbs.score)", MATRIX, jacobian, times(-1, jacobian)),
    ("has_gradient(gibbs.score)", POINT, log_density, times(2, log_density)),
    ("jacobian_symmetric", VECTOR, score, curled),
    ("noise_slope(gibbs.heat_capacity - f)", POINT, energy, times(1.05, energy)),
    ("noise_slope_of(gibbs.entropy)", POINT, heat_capacity, at_times(1.05, heat_capacity)),
    ("normalization", POINT, log_density, lambda x, data, t: log_density(x, data, t) + np.log(2)),
    ("stein", VECTOR, score, times(1.05, score)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dims", "right", "wrong"), WRONG)
def test_a_law_tells_wrong_from_right(name, dims, right, wrong):
    assert_laws(right, dims=dims, laws=[name], **QUICK | {"max_examples": 3})
    with pytest.raises(LawError) as found:
        assert_laws(wrong, dims=dims, laws=[name], **QUICK)
    assert [one.law.name for one in found.value.broken] == [law(name).name]


def test_every_law_of_points_is_tried():
    own = {name for name, make in lawgivers().items() if make.__module__.endswith((".points", ".calculus"))}
    assert {name.partition("(")[0] for name, *_ in WRONG} == own


def broken(name, examples):
    subject = catalogued(name)
    options = QUICK | {"max_examples": examples}
    found = [search(subject, one, **options) for one in laws_for(name)]
    return [report(subject, one.broken) for one in found if one.broken]


@pytest.mark.parametrize("name", LAWS)
def test_laws_hold_for_the_engine(name):
    assert broken(f"gibbs.{name}", 2) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_laws_hold_for_the_engine_everywhere(name):
    assert broken(f"gibbs.{name}", 200) == []


@pytest.mark.parametrize("name", LAWS)
def test_every_quantity_of_the_engine_has_an_anchored_law_and_none_that_says_nothing_of_it(name):
    laws = laws_for(f"gibbs.{name}")
    assert any(one.anchored for one in laws)
    assert [one.name for one in laws if not one.fits(catalogued(f"gibbs.{name}"))] == []
    assert len({one.name for one in laws}) == len(laws)


def test_the_naive_softmax_is_found_where_it_underflows():
    def naive(x, data, t):
        found = np.exp(-squares(x, data) / (2 * t))
        return (found / found.sum(axis=1, keepdims=True) @ data - x) / t

    with pytest.raises(LawError, match="value: nan"):
        assert_laws(naive, dims=VECTOR, laws=["cold((nearest - x)/t)"], **QUICK)


def test_products_in_place_of_differences_break_no_law():
    def by_products(x, data, t):
        found = (x**2).sum(axis=1)[:, None] - 2 * x @ data.T + (data**2).sum(axis=1)
        return (softmax(-found / (2 * t), axis=1) @ data - x) / t

    laws = ["translation(0)", "tweedie", "agrees(gibbs.score)"]
    assert_laws(by_products, dims=VECTOR, laws=laws, **QUICK)


def test_a_law_of_points_of_ones_own():
    def check(f, case):
        mirrored = case.at.mapped(np.negative)
        return Sides(f(mirrored), -f(case.at), f.tolerance(case.at), (mirrored, case.at))

    odd = of_points("odd", "mirrored it is minus itself", "f(-x, -y) = -f(x, y)", check)
    assert_laws(score, dims=VECTOR, laws=[odd], **QUICK)
    with pytest.raises(LawError, match="breaks the law odd"):
        assert_laws(drifting, dims=VECTOR, laws=[odd], **QUICK)


def test_laws_that_cannot_be_read_are_said():
    for text, said in (
        ("rotation(tensor)", "one of scalar, vector, matrix, weights; got 'tensor'"),
        ("cold(lam)", "arithmetic in f, N, logN, D, t, x, .*; got lam"),
        ("identity(f, collapse.information)", "collapse.information is not a function of points"),
        ("at_least(gibbs.score)", "gibbs.score is a function of points"),
        ("gradient_of(gibbs.forces)", "gibbs has the quantities score, .*; got 'forces'"),
    ):
        with pytest.raises(ValueError, match=said):
            law(text)


def test_a_frozen_cloud_has_one_nearest_sample():
    tied = Cloud(np.array([[0.5]]), np.array([[0.0], [1.0]]), 1.0)
    cold = law("cold(nearest)")
    assert cold.check(catalogued("gibbs.posterior_mean"), CloudCase(tied)) is None
    sides = cold.check(catalogued("gibbs.posterior_mean"), CloudCase(tied.at(x=np.array([[0.5], [0.4]]))))
    np.testing.assert_array_equal(sides.left, [[0.0]])
