import numpy as np
import pytest

from numerics import training
from numerics.arrays import stream
from numerics.training import bootstrap, train
from theory.network import ACTIVATIONS, Network

NOISE = 1e-2, 10.0
DATA = np.random.default_rng(0).normal(size=(3, 4, 2))


def trained(data=DATA, first=0, network=None, **how):
    randoms = [stream(7, "test", first + k) for k in range(len(data))]
    network = network or Network(features=8, times=(3, 20))
    return train(network, [bootstrap(one) for one in data], randoms, NOISE, variance=1.0, batch=16, **how)


def layers_of(activation):
    return training._Layers(2, 5, training.ACTIVATIONS[activation])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_those_of_a_setting_and_have_their_slopes(activation):
    own = training.ACTIVATIONS[activation]
    u, h = np.linspace(-30, 30, 601) + 0.013, 1e-6
    value, slope = own(u)
    theirs = Network(activation=activation)
    np.testing.assert_allclose(value, theirs(u), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slope, (theirs(u + h) - theirs(u - h)) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_the_gradient_is_that_of_the_loss(activation, rng):
    layers = layers_of(activation)
    weights = rng.normal(size=(2, layers.start(rng).size)) / 2
    inputs, targets = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 2))

    def loss(w):
        return ((layers.values(w, inputs)[0] - targets) ** 2).mean(axis=(1, 2))

    found, h = layers.gradient(weights, inputs, targets), 1e-6
    for k in range(0, weights.shape[1], 3):
        shift = h * (np.arange(weights.shape[1]) == k)
        slope = (loss(weights + shift) - loss(weights - shift)) / (2 * h)
        np.testing.assert_allclose(found[:, k], slope, rtol=1e-5, atol=1e-9)


def test_adam_is_that_of_torch(rng):
    torch = pytest.importorskip("torch")
    gradients = rng.normal(size=(5, 2, 3))
    mine = training._Adam(np.zeros((2, 3)))
    theirs = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theirs], lr=0.1)
    for gradient in gradients:
        mine.step(gradient, 0.1)
        theirs.grad = torch.as_tensor(gradient)
        optimizer.step()
    np.testing.assert_allclose(mine.weights, theirs.detach().numpy(), rtol=1e-10)


def test_a_network_is_the_same_whatever_is_trained_beside_it(rng):
    x = rng.normal(size=(3, 5, 2))
    for together, alone in zip(trained(), trained(DATA[1:2], first=1), strict=True):
        np.testing.assert_allclose(together(x, 0.3)[1], alone(x[1:2], 0.3)[0], rtol=1e-5, atol=1e-6)


def test_what_was_kept_at_a_step_is_not_trained_further(rng):
    x = rng.normal(size=(3, 5, 2))
    early, late = trained()
    again, _ = trained(network=Network(features=8, times=(3, 20)))
    assert (early(x, 0.3) != late(x, 0.3)).any()
    np.testing.assert_array_equal(early(x, 0.3), again(x, 0.3))


def test_it_begins_at_the_posterior_mean_of_one_variance(rng):
    """The last layer is 0, and a step of Adam is no longer than its rate."""
    x = rng.normal(size=(3, 5, 2))
    (first,) = trained(network=Network(features=8, times=(1,)))
    np.testing.assert_allclose(first(x, 0.5), x / 1.5, atol=0.1)


def test_it_learns_the_samples():
    """Two points far apart: the posterior mean at noise between is on the nearer of them."""
    data = np.array([[[2.0, 0.0], [-2.0, 0.0]]])
    network = Network(features=32, times=(600,))
    (found,) = train(network, [bootstrap(data[0])], [stream(0, "learn")], NOISE, variance=2.0, batch=64)
    np.testing.assert_allclose(found(np.array([[[1.5, 0.1], [-2.2, 0.3]]]), 0.25), data, atol=0.3)


def test_it_ticks_once_a_network():
    ticks = []
    trained(tick=lambda: ticks.append(None))
    assert len(ticks) == 3


def test_torch_trains_the_same(rng):
    """As on a GPU, where products are those of torch."""
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(3, 5, 2))
    for activation in ACTIVATIONS:
        network = Network(features=8, activation=activation, times=(20,))
        plain = trained(network=network)[0](x, 0.3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "_send", lambda a, device: torch.from_numpy(a.astype(np.float32)))
            (other,) = trained(network=network)
            np.testing.assert_allclose(other(x, 0.3), plain, rtol=1e-3, atol=1e-4, err_msg=activation)
