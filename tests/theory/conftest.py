"""Strategies over the declared domains, shared by the tests of theory.

Test modules read them as `from tests.theory.conftest import ...`: pytest has imported this file under that
name before.
"""

import importlib

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from theory.judgement import judge
from theory.judgement.patience import unhurried
from theory.observable import observables
from theory.setting import SCHEDULES, LinearManifold, Setting, Subspace
from validation import strategies
from validation.claims import PREDICTIONS

settings.register_profile(
    "theory", deadline=None, max_examples=8, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("theory")


@pytest.fixture(scope="module", autouse=True)
def no_hurry():
    """Limits of time four times as long: what is judged, and not how fast this machine is."""
    with unhurried(4.0):
        yield


@pytest.fixture
def no_hint(monkeypatch):
    """Verdicts alone: what is said beside a refuted line takes as long as the line, and has tests of its own."""
    monkeypatch.setattr(judge, "FOR_A_HINT", 0.0)


def decades(low: float, high: float) -> st.SearchStrategy[float]:
    """Positive numbers, uniform in their logarithm between the decades 10^low and 10^high."""
    return st.floats(low, high).map(lambda u: 10.0**u)


variances = strategies.variances()
noise = decades(-8, 8)
counts = strategies.counts(at_least=2)
dimensions = decades(0, 5).map(round)
small_dimensions = st.integers(1, 6)
manifolds = strategies.manifolds()
small_manifolds = st.lists(st.builds(Subspace, decades(-2, 2), small_dimensions), min_size=1, max_size=3).map(
    lambda s: LinearManifold(tuple(s))
)
times = st.lists(noise, min_size=1, max_size=4).map(np.array)


@st.composite
def cases(draw, manifold=manifolds, within=times):
    """A setting in the variance exploding schedule."""
    return Setting(draw(manifold), samples=draw(counts), times=draw(within))


def legendre(dimensions, nodes):
    """Another rule for averages over x: Gauss-Legendre in each radius; |x_k|^2 / E x_k^2, shape (n, K), and weights."""
    z, w = np.polynomial.legendre.leggauss(nodes)
    squares, weights = np.zeros((1, 0)), np.ones(1)
    for m in dimensions:
        low, high = np.sqrt(chi2.ppf(1e-13, m)), np.sqrt(chi2.isf(1e-13, m))
        r = low + (high - low) / 2 * (z + 1)
        squares = np.column_stack([np.repeat(squares, nodes, axis=0), np.tile(r**2, len(squares))])
        weights = np.outer(weights, (high - low) * w * r * chi2.pdf(r**2, m)).ravel()
    return squares, weights


def prediction(name):
    return importlib.import_module(f"theory.predictions.{name}")


def cheap_observables():
    """(prediction, observable) but for those that take seconds a call, and of networks, which see alpha too."""
    return [
        (name, observable)
        for name in PREDICTIONS
        for observable, about in observables(prediction(name)).items()
        if not (about.slow or about.directions or about.subspaces or about.network)
    ]


def fitting(about, setting):
    """The setting in as many directions or subspaces, the first, and dimensions as an observable is known in, of its ensemble."""
    if "gaussian" not in about.ensembles and setting.ensemble == "gaussian":
        separation = 3 * np.sqrt(setting.manifold.variances[0])
        setting = setting.at(ensemble="mixture", separation=float(separation))
    if about.network:
        setting = setting.trained(times=(3000.0,))
    if about.fits(setting):
        return setting
    manifold = setting.manifold
    parts = ((manifold.variances[0], about.directions),) if about.directions else manifold.subspaces[: about.subspaces]
    least = about.ambient if parts == manifold.subspaces else 0
    fitted = LinearManifold(parts, least)
    point = setting.point and (setting.point if least else setting.point[: fitted.ambient_dimension])
    return setting.at(manifold=fitted, point=point)


def observe(name, observable, setting):
    function = getattr(prediction(name), observable)
    return np.asarray(function(fitting(function.observable, setting)))


@pytest.fixture(params=list(SCHEDULES))
def schedule(request):
    return SCHEDULES[request.param]
