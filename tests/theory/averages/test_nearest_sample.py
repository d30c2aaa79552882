import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ncx2
from scipy.stats import t as student

from theory.averages import nearest_sample
from theory.averages.nearest_sample import nearest_distance, own_is_nearest, own_is_nearest_reference, tilted_is_nearest
from theory.setting import LinearManifold


def exact(manifold, t, samples):
    return own_is_nearest(LinearManifold.parse(manifold), np.atleast_1d(np.asarray(t, dtype=float)), samples)


def pair(variance, dimension, t):
    """N = 2: the own sample is nearer when xi along the difference d of the two exceeds -|d| / 2 sqrt(t)."""
    return student.cdf(np.sqrt(dimension * variance / (2 * np.asarray(t))), dimension)


def pair_of_many(variances, t):
    """N = 2, any spectrum: 1/2 + P(sum 2 lambda z^2 > 4 t xi^2) / 2, by Imhof's inversion."""
    weights = np.append(2 * np.asarray(variances), -4 * t)

    def integrand(u):
        return np.sin(np.arctan(weights * u).sum() / 2) / (u * np.prod((1 + (weights * u) ** 2) ** 0.25))

    edges = np.concatenate([[0], np.geomspace(1e-6, 1e9, 40) / weights.max()])
    area = sum(quad(integrand, a, b, limit=200, epsabs=1e-11)[0] for a, b in itertools.pairwise(edges))
    return 0.5 + (0.5 + area / np.pi) / 2


def drawn(manifold, t, samples, draws, seed):
    """The plain experiment: mean and standard error."""
    spectrum = np.sqrt(LinearManifold.parse(manifold).spectrum)
    rng = np.random.default_rng(seed)
    wins, done = 0, 0
    while done < draws:
        size = min(draws - done, 200_000 // samples)
        noise = np.sqrt(t) * rng.normal(size=(size, spectrum.size))
        x = rng.normal(size=noise.shape) * spectrum + noise
        others = rng.normal(size=(size, samples - 1, spectrum.size)) * spectrum
        nearest = ((x[:, None] - others) ** 2).sum(-1).min(axis=1)
        wins += int(((noise**2).sum(-1) < nearest).sum())
        done += size
    mean = wins / draws
    return mean, np.sqrt(mean * (1 - mean) / draws)


@pytest.mark.parametrize(
    ("variance", "dimension", "t", "samples"),
    [
        (1.0, 1, 0.01, 40),
        (1.0, 2, 0.1, 5),
        (1.0, 2, 1.0, 3),
        (1.0, 3, 0.2, 100),
        (1.0, 20, 0.59, 20000),
        (4.0, 8, 0.5, 500),
        (0.01, 12, 0.02, 30),
        (1.0, 300, 10.4, 10**6),
    ],
)
def test_one_subspace_is_the_reference(variance, dimension, t, samples):
    expected = own_is_nearest_reference(variance, dimension, t, samples)
    assert exact(f"{variance}x{dimension}", t, samples)[0] == pytest.approx(expected, abs=2e-8)


@pytest.mark.parametrize(
    ("variance", "dimension", "t"),
    [(1, 1, 0.01), (3, 1, 300), (1, 2, 1), (1, 20, 20), pytest.param(0.01, 1000, 1, marks=pytest.mark.slow)],
)
def test_the_reference_for_a_pair_is_students_law(variance, dimension, t):
    assert own_is_nearest_reference(variance, dimension, t, 2) == pytest.approx(pair(variance, dimension, t), abs=1e-10)


@pytest.mark.parametrize("dimension", [1, 2, 20, 1000, 10**5])
def test_a_pair_is_students_law(dimension):
    t = dimension * np.array([1e-3, 0.1, 0.4, 1.0, 10.0, 100.0, 1e3])
    error = np.abs(exact(f"1x{dimension}", t, 2) - pair(1.0, dimension, t))
    few = (dimension < 20) & (t > 1.0)  # where the documented accuracy of the rules over |x| is 5e-5, not 1e-8
    assert (error[~few] < 1e-8).all()
    assert (error < 5e-5).all()


@pytest.mark.parametrize(
    ("manifold", "t"),
    [
        ("1x2,0.1x3", 0.3),
        pytest.param("1x1,0.01x5", 0.05, marks=pytest.mark.slow),
        pytest.param("1x2,0.3x1,0.05x2", 0.4, marks=pytest.mark.slow),
    ],
)
def test_a_pair_in_several_subspaces_is_imhofs_integral(manifold, t):
    expected = pair_of_many(LinearManifold.parse(manifold).spectrum, t)
    assert exact(manifold, t, 2)[0] == pytest.approx(expected, abs=2e-6)


def test_the_two_routes_for_a_pair_are_one():
    assert pair_of_many([0.7] * 5, 0.9) == pytest.approx(pair(0.7, 5, 0.9), abs=1e-8)


@pytest.mark.parametrize(
    ("manifold", "t", "samples"),
    [
        ("1x2,0.1x2", 0.05, 10),
        pytest.param("1x3,0.2x5", 0.4, 40, marks=pytest.mark.slow),
        pytest.param("1x1,0.3x2,0.1x2", 0.1, 8, marks=pytest.mark.slow),
    ],
)
def test_several_subspaces_are_the_plain_experiment(manifold, t, samples):
    mean, error = drawn(manifold, t, samples, 40_000, seed=20260101)
    # 4.5 standard errors: a false alarm in 150,000; the seed is fixed, so it would be a permanent one
    assert abs(exact(manifold, t, samples)[0] - mean) < 4.5 * error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("manifold", "t", "samples"),
    [("1x2,0.1x2,0.01x4,3x1", 0.05, 100), ("1x5,0.01x20", 0.1, 300)],
)
def test_several_subspaces_are_the_plain_experiment_at_length(manifold, t, samples):
    mean, error = drawn(manifold, t, samples, 200_000, seed=7)
    assert abs(exact(manifold, t, samples)[0] - mean) < 4.5 * error + 2e-4


@pytest.mark.parametrize("density", [1e-2, 1.0, 1e2])
def test_a_dense_plane_is_a_poisson_process(density):
    # N t = density, t -> 0: impostors round x are Poisson, of density N p(x): P = E 1/(1 + 2 pi N t p(x))
    samples = 10**10
    expected = np.log1p(density) / density
    assert exact("1x2", density / samples, samples)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("manifold", ["1x20", "1x100", "1x4,0.3x6"])
@pytest.mark.parametrize("samples", [30, 500])
def test_small_noise_remembers_and_large_noise_guesses(manifold, samples):
    found = exact(manifold, [1e-3, 1e11], samples)
    assert found[0] == pytest.approx(1, abs=1e-4)
    assert found[1] == pytest.approx(1 / samples, rel=1e-3, abs=0)


@pytest.mark.parametrize("dimension", [20, 300, 10**5])
@pytest.mark.parametrize("samples", [20_000, 10**6, 10**12])
def test_the_limits_hold_for_large_data_sets(dimension, samples):
    scale = dimension / np.log(samples)
    found = exact(f"1x{dimension}", scale * np.array([1e-4, 1e11]), samples)
    assert found[0] == pytest.approx(1, abs=1e-6)
    assert found[1] == pytest.approx(1 / samples, rel=1e-2, abs=0)


@pytest.mark.parametrize(
    ("manifold", "t", "samples"),
    [
        ("1x100000", 1.0, 10**12),
        ("1x100000", 1e4, 2),
        ("1x1", 1e-12, 10**6),
        ("1e6x3", 1.0, 10**12),
        ("1x2", 1e12, 10**12),
        ("1e6x1,1e-6x1", 1e-3, 100),
        ("1x1", 1e-12, 2),
        ("1x2", 1e-12, 300),
        ("1x1", 1e-12, 10**12),
        ("1e6x1,1x1", 1e-6, 10**6),
    ],
)
def test_extremes_are_probabilities(manifold, t, samples):
    found = exact(manifold, t, samples)[0]
    assert 0 <= found <= 1 + 2e-4


@pytest.mark.parametrize("samples", [20, 10**5])
def test_units_drop_out(samples):
    t = np.array([0.03, 3.0])
    plain = exact("1x9", t, samples)
    for c in (1e-8, 1e5):
        np.testing.assert_allclose(exact(f"{c}x9", c * t, samples), plain, rtol=1e-6)


def test_order_splitting_and_normal_directions_change_nothing():
    one = exact("1x4,0.3x6", 1.0, 10)
    np.testing.assert_array_equal(exact("0.3x6,1x4", 1.0, 10), one)
    np.testing.assert_array_equal(exact("0.3x1,1x1,0.3x5,1x3", 1.0, 10), one)
    inside = own_is_nearest(LinearManifold.parse("1x4,0.3x6", 15), np.array([1.0]), 10)
    np.testing.assert_allclose(inside, one, rtol=1e-12)


def test_nearly_equal_variances_are_nearly_one_subspace():
    np.testing.assert_allclose(exact("1x6,1.000001x6", 0.3, 50), exact("1x12", 0.3, 50), atol=2e-6)


def test_it_falls_with_time_and_with_the_number_of_samples():
    t = np.geomspace(1e-2, 1e2, 4)
    table = np.array([exact("1x6", t, samples) for samples in (10, 40, 500)])
    assert (np.diff(table, axis=1) < 0).all()
    assert (np.diff(table, axis=0) < 1e-7).all()


# -- how far it is


def at(spec, t, samples, offsets, **options):
    manifold = LinearManifold.parse(spec)
    return nearest_distance(manifold, t, samples, np.atleast_2d(np.asarray(offsets, dtype=float)), own=False, **options)


def of_scipys(variance, dimension, t, samples, offset, own):
    """E min by the integral of P(min > s), in the distance itself, from SciPy's chi-squares."""
    impostor = ncx2(dimension, offset / variance, scale=variance)
    spread, centre = variance * t / (variance + t), offset * (t / (variance + t)) ** 2
    law = ncx2(dimension, centre / spread, scale=spread)

    def beyond(r):
        return 2 * r * np.exp((samples - own) * np.log1p(-impostor.cdf(r * r))) * (law.sf(r * r) if own else 1)

    # no sample is nearer than 12 deviations below a mean, and SciPy's series overflow there
    start = max(0, min(f.mean() - 12 * f.std() for f in ((impostor, law) if own else (impostor,))))
    width = np.sqrt(impostor.isf(1e-13)) - np.sqrt(start)
    edges = np.sqrt(start) + width * np.append(0, np.geomspace(1e-6, 1, 40))
    return start + sum(
        quad(beyond, a, b, limit=200, epsabs=1e-18, epsrel=1e-11)[0] for a, b in itertools.pairwise(edges)
    )


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("samples", [2, 100, 10**9])
@pytest.mark.parametrize(("variance", "dimension", "t"), [(1.0, 1, 0.5), (2.0, 3, 0.2), (1.0, 20, 0.6), (0.1, 20, 0.9)])
def test_the_distance_is_scipys(variance, dimension, t, samples, own):
    offset = dimension * (variance + t) * 0.8
    expected = of_scipys(variance, dimension, t, samples, offset, own)
    found = nearest_distance(LinearManifold.parse(f"{variance}x{dimension}"), t, samples, np.array([[offset]]), own=own)
    assert found[0] == pytest.approx(expected, rel=2e-8)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("samples", [2, 3, 100])
def test_the_distance_is_that_of_the_plain_experiment(samples, own):
    spec, t, x = "1x2,0.2x3", 0.3, np.array([0.9, -0.4, 0.5, 0.1, -0.7])
    manifold = LinearManifold.parse(spec)
    spectrum, rng = manifold.spectrum, np.random.default_rng(20260101)
    data = rng.normal(size=(20_000, samples, 5)) * np.sqrt(spectrum)
    if own:  # drawn from the posterior
        data[:, 0] = spectrum / (spectrum + t) * x + data[:, 0] * np.sqrt(t / (spectrum + t))
    drawn = ((x - data) ** 2).sum(axis=-1).min(axis=1)
    offsets = np.array([[(x[:2] ** 2).sum(), (x[2:] ** 2).sum()]])
    found = nearest_distance(manifold, t, samples, offsets, own=own)[0]
    assert abs(found - drawn.mean()) < 4.5 * drawn.std() / np.sqrt(len(drawn))


@pytest.mark.parametrize("spec", ["1x1", "1x20", "1x10000", "1x1,1e-6x3"])
@pytest.mark.parametrize("samples", [2, 10**9])
@pytest.mark.parametrize("t", [1e-6, 1.0, 1e3])
def test_far_and_near_distances_add_up_and_are_ordered(spec, samples, t):
    """No warning: the total probability is 1; an own sample can only be nearer; more samples are nearer."""
    manifold = LinearManifold.parse(spec)
    offsets = np.array([0.0, 0.3, 1.0, 4.0])[:, None] * manifold.dimensions * (manifold.variances + t)
    fresh, own = (nearest_distance(manifold, t, samples, offsets, own=o) for o in (False, True))
    posterior = manifold.variances * t / (manifold.variances + t)
    mean = (manifold.dimensions * posterior + offsets * (t / (manifold.variances + t)) ** 2).sum(axis=-1)
    assert (fresh > 0).all()
    assert (own > 0).all()
    assert (
        own <= np.minimum(nearest_distance(manifold, t, samples - 1 or 1, offsets, own=False), mean) * (1 + 1e-8)
    ).all()
    assert (fresh > at(spec, t, 2 * samples, offsets)).all()


def test_one_neighbour_is_the_nearest():
    assert tilted_is_nearest(LinearManifold.parse("1x2"), np.ones((3, 1)), 0.7, 1).tolist() == [1, 1, 1]


def test_a_law_that_is_cut_says_so(monkeypatch):
    assert at("1x3", 0.2, 777, 1.0) > 0
    monkeypatch.setattr(nearest_sample, "LOWEST_LEVEL", 3.0)
    with pytest.warns(UserWarning, match=r"off by about 0\.0"):
        at("1x3", 0.2, 777, 1.0)


def test_a_time_is_worked_out_once(monkeypatch):
    manifold, asked = LinearManifold.parse("1x3"), []
    real = nearest_sample.tilted_is_nearest
    monkeypatch.setattr(nearest_sample, "tilted_is_nearest", lambda *where: asked.append(where[2]) or real(*where))
    t = np.array([0.4123, 0.7123])
    first = nearest_sample.own_is_nearest(manifold, t, 11)
    once = len(asked)
    assert once
    split = LinearManifold.parse("1x2,1x1")  # the same law
    np.testing.assert_array_equal(nearest_sample.own_is_nearest(split, t[::-1], 11), first[::-1])
    assert len(asked) == once
    nearest_sample.own_is_nearest(manifold, t, 12)
    assert set(asked[once:]) == set(asked[:once])


@pytest.mark.parametrize("exponent", [-330, -300, 300, 330])
def test_the_probability_has_no_units(exponent):
    t = np.array([0.03, 0.5, 20.0])
    there = LinearManifold(((2.0**exponent, 1),))
    found = own_is_nearest(there, np.ldexp(t, exponent), 2)
    np.testing.assert_array_equal(found, own_is_nearest(LinearManifold(((1.0, 1),)), t, 2))


@pytest.mark.parametrize("own", [False, True])
def test_far_beyond_the_data_all_samples_are_as_far(own):
    """Of samples that differ by less than rounding levels were as many as memory holds."""
    manifold = LinearManifold.parse("1x3")
    for t in (1e17, 1e18, 1e40):
        found = nearest_sample.nearest_distance(manifold, t, 1000, np.array([[3 * t]]), own=own)
        np.testing.assert_allclose(found, 3 * t, rtol=1e-6)
