import numpy as np
import pytest

from theory.predictions import spectral_gap
from validation.claims import spectral_gap as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_the_edge_of_few_columns_expects_a_disagreement():
    assert [name for name, claim in CLAIMS.items() if claim.expected == "disagrees"] == ["spectral_gap.few.edge_lowest"]
    assert claims.shift(claims.FEW.setting, 0) > 0.2 * spectral_gap.edge_lowest(claims.FEW.setting)


def test_the_union_of_one_law_is_that_law():
    one = claims.CASES["one"].setting
    np.testing.assert_array_equal(claims.union("mean_retained", one), spectral_gap.mean_retained(one))
    np.testing.assert_array_equal(claims.union_count(one), spectral_gap.estimated_dimension(one))
    assert claims.union_latent(one)[:, 0] == pytest.approx(spectral_gap.mean_retained(one))


def test_the_union_of_two_is_another():
    two = claims.CASES["two"].setting
    off = claims.union("mean_retained", two) / spectral_gap.mean_retained(two) - 1
    assert (np.abs(off) > 4 * claims.spread(two) / spectral_gap.mean_retained(two)).any()
    (first, one), (second, other) = claims.apart(two)
    assert first + second == 1
    # columns alone keep the length of those among others
    for setting, variance in ((one, 1.0), (other, 0.1)):
        part = setting.manifold.subspaces[0]
        assert part.variance / part.dimension == pytest.approx(variance / 40, rel=1e-14)


def test_counts_are_where_most_eigenvalues_are_near():
    for name, times in claims.COUNTED.items():
        setting = claims.CASES[name].setting
        t = setting.t[times]
        edges = spectral_gap.bulks(setting).edges
        assert ((t[:, None] > edges[:, 0]) & (t[:, None] < edges[:, 1])).any()


def test_the_shift_of_the_gap_is_at_least_what_the_edge_makes_of_it():
    setting = claims.EDGES["edges"].setting
    edge, shift = spectral_gap.edge_lowest(setting), claims.shift(setting, 0)
    moved = (edge + shift) / (edge + shift + setting.t) - spectral_gap.gap_width(setting)
    assert (moved <= claims.gap_shift(setting)).all()
    np.testing.assert_allclose(moved, claims.gap_shift(setting), rtol=0.05)


def test_orthogonal_columns_have_one_eigenvalue():
    setting = claims.EDGES["edges"].setting
    assert claims.orthogonal(setting) == claims.orthogonal_highest(setting) == 25
    assert spectral_gap.edge_lowest(setting) < 25 < spectral_gap.edge_highest(setting)
