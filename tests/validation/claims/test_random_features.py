import numpy as np

from theory.predictions import random_features
from validation.claims import random_features as claims

CLAIMS = {claim.name: claim for claim in claims.claims()}


def test_what_expects_a_disagreement():
    found = [name.removeprefix("random_features.") for name, claim in CLAIMS.items() if claim.expected == "disagrees"]
    assert found == [
        "features.resolvent",
        "published.edge_lowest",
        "published.edge_highest",
        "published.small.edge_highest",
        "published.wide.edge_lowest",
        "published.wide.edge_highest",
        "published.bulk_weight",
    ]


def test_bulks_are_apart_where_they_are_claimed():
    for at in (claims.THREE, claims.WIDE, claims.SMALL):
        assert np.isfinite(random_features.edge_lowest(at.setting)).all()
        np.testing.assert_array_equal(np.isnan(claims.known("edge_lowest_published", at.setting)), False)


def test_without_the_root_isotropic_data_of_variance_one_are_the_same():
    setting = claims.THREE.setting
    assert claims.without_root(setting).manifold.variances[0] == 4
    one = setting.at(manifold=type(setting.manifold)(((1.0, 100),)))
    assert claims.without_root(one) == one


def test_published_edges_are_off_by_more_than_the_shift():
    for at in (claims.THREE, claims.WIDE):
        for edge, name in enumerate(claims.EDGES):
            found = getattr(random_features, name)(at.setting)[..., claims.KNOWN]
            off = np.abs(claims.known(f"{name}_published", at.setting) - found)
            assert (off > claims.known_shift(edge, at.setting)).any()


def test_controls_are_what_is_left_out():
    setting = claims.SMALL.setting
    assert claims.noiseless(setting) > random_features.resolvent(setting)
    assert claims.samples_alone(claims.THREE.setting) == 0.5
    np.testing.assert_allclose(claims.two_bulks(setting), [0, 0.5])
    np.testing.assert_allclose(claims.exchanged(setting), [0, 0.125])
    np.testing.assert_allclose(claims.quarter(setting) * 800, 1 / (random_features.rest_part(setting) + 0.03))


def test_features_and_their_limit_are_of_one_setting():
    assert claims.LIMITS["larger"].setting == claims.FEATURES.setting
