from types import SimpleNamespace

import numpy as np
import pytest

from numerics.networks import Denoiser, of_diffusers, of_mean, of_module, of_samples, of_score
from numerics.scores import Empirical

DATA = np.random.default_rng(0).normal(size=(5, 4))
POINTS = np.random.default_rng(1).normal(size=(1, 7, 4))
STEPS = 1000


def shrink(x, t):
    """The posterior mean of N(0, I)."""
    return x / (1 + t)


def test_a_score_a_mean_and_samples_are_one_network():
    mean = of_samples(DATA[None])(POINTS, 0.3)
    np.testing.assert_allclose(of_score(Empirical(DATA))(POINTS, 0.3), mean)
    np.testing.assert_allclose(of_mean(lambda x, t: x + t * Empirical(DATA)(x, t))(POINTS, 0.3), mean)
    np.testing.assert_allclose(of_samples(DATA[None]).score(POINTS, 0.3)[0], Empirical(DATA)(POINTS[0], 0.3))


def test_data_sets_do_not_mix():
    other = np.random.default_rng(2).normal(size=(5, 4))
    both = of_samples(np.stack([DATA, other]))(np.concatenate([POINTS, POINTS]), 0.3)
    for one, data in zip(both, (DATA, other), strict=True):
        np.testing.assert_allclose(one, of_samples(data[None])(POINTS, 0.3)[0])


def test_many_points_come_in_blocks(monkeypatch):
    monkeypatch.setattr("numerics.networks.ROWS", 3)
    asked = []

    def mean(x, t):
        asked.append(len(x))
        return shrink(x, t)

    np.testing.assert_array_equal(of_mean(mean)(POINTS, 1.0), POINTS / 2)
    assert asked == [3, 3, 1]


@pytest.mark.parametrize(
    ("network", "x", "said"),
    [
        (of_mean(shrink), POINTS[0], r"points must have shape \(R, M, D\), a table for each network, got \(7, 4\)"),
        (
            of_mean(shrink),
            np.concatenate([POINTS, POINTS]),
            r"this is one network, whose points have shape \(1, M, D\)",
        ),
        (
            of_mean(lambda x, t: x[:, :2]),
            POINTS,
            r"must have the shape \(1, 7, 4\) of the points, got \(1, 7, 2\) at t",
        ),
        (of_mean(lambda x, t: x / 0 * t), POINTS, "must be finite, got NaN or infinite values at t = 1"),
        (Denoiser(lambda x, t: x[:0]), POINTS, "must have the shape"),
    ],
)
def test_what_is_no_network_is_refused(network, x, said):
    with pytest.raises(ValueError, match=said), np.errstate(all="ignore"):
        network(x, 1.0)


def diffusers(kind, torch, mean=shrink):
    """As diffusers has a network and its scheduler: one that knows the posterior mean, and says what its kind asks for."""
    squares = torch.linspace(0.999, 0.01, STEPS)

    class UNet(torch.nn.Module):
        def forward(self, points, steps):
            alpha, sigma = (torch.sqrt(a[steps])[:, None, None, None] for a in (squares, 1 - squares))
            x = points / alpha
            clean = mean(x, (sigma / alpha) ** 2)
            noise = (x - clean) * alpha / sigma
            says = {"sample": clean, "epsilon": noise, "v_prediction": alpha * noise - sigma * clean}[kind]
            return SimpleNamespace(sample=says)

    return UNet(), SimpleNamespace(alphas_cumprod=squares, config=SimpleNamespace(prediction_type=kind))


@pytest.mark.parametrize("kind", ["sample", "epsilon", "v_prediction"])
def test_a_network_of_diffusers_is_its_posterior_mean(kind):
    torch = pytest.importorskip("torch")
    unet, scheduler = diffusers(kind, torch)
    network = of_diffusers(unet, scheduler, (1, 2, 2))
    step = 400
    t = float((1 - scheduler.alphas_cumprod[step]) / scheduler.alphas_cumprod[step])
    np.testing.assert_allclose(network(POINTS, t), shrink(POINTS, t), rtol=1e-4, atol=1e-5)
    assert unet.training  # as it was


def test_another_kind_of_prediction_is_refused():
    torch = pytest.importorskip("torch")
    unet, scheduler = diffusers("flow", torch)
    with pytest.raises(ValueError, match="prediction type must be one of sample, epsilon, v_prediction, got 'flow'"):
        of_diffusers(unet, scheduler, (1, 2, 2))


def test_a_module_of_torch_is_asked_in_its_own_dtype_and_mode():
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))
            self.drop = torch.nn.Dropout(0.9)

        def forward(self, x, t):
            assert x.dtype == t.dtype == torch.float32
            assert x.shape[1:] == (2, 2)
            return self.drop(self.scale * x / (1 + t[:, None, None]))

    net = Net()
    np.testing.assert_allclose(of_module(net, (2, 2))(POINTS, 0.5), POINTS / 1.5, rtol=1e-6)
    assert net.training


def test_a_score_in_halves_is_multiplied_by_the_time_in_full():
    """float16 ends at 65,504."""
    half = of_score(lambda x, t: (-x / t).astype(np.float16))
    x = np.full((1, 2, 3), 1e4)
    assert np.abs(half(x, 1e5)).max() < 10
