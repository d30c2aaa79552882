"""Tests of the network that a setting may have."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from theory.network import ACTIVATIONS, Network
from theory.observable import observable
from theory.predictions import collapse
from theory.setting import Setting

PLAIN = Setting.of("1x2", samples=10, times=[0.5])


@observable("time", "training", kind="exact", symbol="f", network=True)
def share(setting):
    """A share."""
    return setting.t[:, None] / (setting.t[:, None] + setting.network.tau)


def test_a_network_knows_its_features_activation_times_and_ridge():
    network = Network(features=64.0, activation="erf", times=[1, 10], ridge=0.5)
    assert network == Network(64, "erf", (1.0, 10.0), 0.5)
    assert hash(network) == hash(Network(64, "erf", (1.0, 10.0), 0.5))
    assert pickle.loads(pickle.dumps(network)) == network
    assert isinstance(network.features, int)
    np.testing.assert_array_equal(network.tau, [1.0, 10.0])
    assert str(network) == "64 erf features, training time 1, 10, ridge 0.5"
    assert network.told(("training", "features")) == ["erf features", "ridge 0.5"]
    assert str(Network(math.inf)).startswith("infinitely many tanh features")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_of_arrays(name):
    u = np.array([-1.0, 0.0, 0.5])
    expected = {
        "tanh": np.tanh(u),
        "erf": [math.erf(v) for v in u],
        "relu": [0.0, 0.0, 0.5],
        "silu": u / (1 + np.exp(-u)),
    }
    np.testing.assert_allclose(Network(activation=name)(u), expected[name], rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"features": 0}, "features must be an integer"),
        ({"features": 1.5}, "features must be an integer"),
        ({"features": "many"}, "features must be an integer"),
        ({"features": -math.inf}, "features must be an integer"),
        ({"activation": "gelu"}, "activation must be one of tanh, erf, relu, silu, got 'gelu'"),
        ({"activation": ["tanh"]}, "activation must be one of"),
        ({"times": ()}, "training times must be"),
        ({"times": (0.0,)}, "training times must be"),
        ({"times": (1.0, math.inf)}, "training times must be"),
        ({"times": [[1.0]]}, "training times must be"),
        ({"times": "now"}, "training times must be"),
        ({"ridge": -1.0}, "the ridge must be 0"),
        ({"ridge": math.nan}, "the ridge must be 0"),
    ],
)
def test_networks_outside_their_domain_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Network(**wrong)


def test_a_setting_has_a_network_or_none():
    assert PLAIN.network is None
    trained = PLAIN.trained(features=64)
    assert trained.network == Network(64)
    assert trained != PLAIN
    assert trained.trained(ridge=2.0).network == Network(64, ridge=2.0)
    with pytest.raises(ValueError, match="network must be a Network"):
        PLAIN.at(network="mlp")


def test_what_is_of_a_network_and_what_is_not_refuse_each_other():
    trained = PLAIN.trained(times=(1.0, 2.0, 3.0))
    assert share(trained).shape == (1, 3)
    assert share.observable.shape == "(T, S)"
    assert "ValueError: for a setting without a network." in share.__doc__
    with pytest.raises(ValueError, match="share is of a trained network; give the setting one"):
        share(PLAIN)
    with pytest.raises(
        ValueError, match="information is of the empirical score itself, not of a trained network; got 128 tanh"
    ):
        collapse.information(trained)


def test_dims_come_in_their_order():
    def wrong(setting):
        """Nothing."""

    with pytest.raises(
        ValueError, match="dims of wrong must be from time, training, subspace, bulk, place, sample, in that order"
    ):
        observable("training", "time", kind="exact", symbol="f")(wrong)


@pytest.mark.parametrize("value", [True, "2", b"2", np.timedelta64(2), np.ma.masked])
def test_what_is_no_number_is_refused(value):
    for option in ("features", "times", "ridge"):
        with pytest.raises(ValueError, match="must be"):
            Network(**{option: value})
    with pytest.raises(ValueError, match="training times must be"):
        Network(times=np.ma.array([1.0, 2.0], mask=[True, False]))
