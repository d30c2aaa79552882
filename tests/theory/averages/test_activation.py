import numpy as np
import pytest

from theory.averages.activation import components
from theory.network import ACTIVATIONS

SCALES = [(1.0, 0.02), (0.3, 0.5), (1.0, 1e-4), (100.0, 1.0), (1e4, 0.5), (3.0, 1e3), (1e5, 1e5)]


def of_erf(signal, noise):
    """a, v^2 and s^2 by Williams' arcsine."""
    whole = signal + noise

    def overlap(q):
        return 2 / np.pi * np.arcsin(2 * q / (1 + 2 * whole))

    a = 2 / np.sqrt(np.pi * (1 + 2 * whole))
    return a, overlap(signal) - a**2 * signal, overlap(whole) - overlap(signal) - a**2 * noise


def of_relu(signal, noise):
    """a, v^2 and s^2 by the arc cosine of Cho and Saul, less the square of the mean."""
    whole = signal + noise
    angle = np.arccos(signal / whole)
    overlap = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) * whole / (2 * np.pi)
    return 0.5, overlap - whole / (2 * np.pi) - signal / 4, whole / 2 - overlap - noise / 4


@pytest.mark.parametrize(("name", "closed"), [("erf", of_erf), ("relu", of_relu)])
@pytest.mark.parametrize(("signal", "noise"), SCALES)
def test_closed_forms(name, closed, signal, noise):
    """The closed forms cancel, to what is left of 1e-16 of the largest term."""
    found = components(ACTIVATIONS[name], signal, noise)
    whole = found.mean**2 + found.slope**2 * (signal + noise) + found.sample + found.rest
    np.testing.assert_allclose(found.slope, closed(signal, noise)[0], rtol=1e-12)
    np.testing.assert_allclose([found.sample, found.rest], closed(signal, noise)[1:], rtol=1e-10, atol=1e-13 * whole)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("signal", "noise"), SCALES)
def test_all_of_the_second_moment_is_told(name, signal, noise):
    """E f^2 over one Gaussian of the whole variance, by a rule of 60,000 points; by symmetry a is that of the mean slope."""
    u = np.linspace(-10, 10, 60_001)
    weights = np.exp(-(u**2) / 2) * (u[1] - u[0]) / np.sqrt(2 * np.pi)
    root = np.sqrt(signal + noise)
    f = ACTIVATIONS[name](root * u)
    found = components(ACTIVATIONS[name], signal, noise)
    mean, slope, sample, rest = found
    assert weights @ f == pytest.approx(mean, abs=1e-7 * root)
    assert weights @ (u * f) / root == pytest.approx(slope, rel=1e-7)
    assert weights @ f**2 == pytest.approx(mean**2 + slope**2 * root**2 + sample + rest, rel=1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_against_draws(name):
    """Of what a sample keeps and of what noise has, at two noises to one sample."""
    rng, n, (signal, noise) = np.random.default_rng(0), 1_000_000, (0.7, 0.6)
    u, w, other = rng.standard_normal((3, n))
    f, g = (ACTIVATIONS[name](np.sqrt(signal) * u + np.sqrt(noise) * one) for one in (w, other))
    mean, slope, sample, rest = components(ACTIVATIONS[name], signal, noise)
    assert np.mean(f * g) == pytest.approx(mean**2 + slope**2 * signal + sample, abs=5e-3)
    assert np.mean((f - g) ** 2) / 2 == pytest.approx(slope**2 * noise + rest, abs=5e-3)


def test_small_parts_are_told():
    """Of tanh u = u - u^3/3 at small variances: v^2 and s^2 are 6/9 of g^3 and of (g + h)^3 - g^3."""
    signal, noise = 1e-6, 2e-6
    found = components(np.tanh, signal, noise)
    assert found.sample == pytest.approx(2 / 3 * signal**3, rel=1e-4)
    assert found.rest == pytest.approx(2 / 3 * ((signal + noise) ** 3 - signal**3), rel=1e-4)
