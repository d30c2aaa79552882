import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2, ncx2

from tests.theory.conftest import decades
from theory.averages.squared_distance import SquaredDistance

few = settings(max_examples=12)


def law(*parts):
    """From (variance, dimension, |x|^2) of each subspace."""
    variance, dimension, offset = (np.array(c, dtype=float) for c in zip(*parts, strict=True))
    return SquaredDistance(variance, dimension, offset[None])


def log_cdf(distribution, s):
    return distribution.log_cdf(np.atleast_1d(np.asarray(s, dtype=float))[None])[0]


@few
@given(m=decades(0, 5).map(round), centre=st.just(0.0) | decades(-3, 5), v=decades(-6, 6), where=st.floats(-6, 6))
def test_the_body_is_scipys(m, centre, v, where):
    mean, deviation = m + centre, np.sqrt(2 * m + 4 * centre)
    s = mean + where * deviation
    if s <= 0.01 * mean:
        return
    scipys = ncx2(m, centre) if centre else chi2(m)
    found = log_cdf(law((v, m, centre * v)), s * v)[0]
    # scipy's own series lose digits at large centres
    assert np.exp(found) == pytest.approx(scipys.cdf(s), rel=1e-7, abs=1e-10)


@few
@given(m=st.integers(1, 60), depth=decades(-12, -0.5), v=decades(-3, 3))
def test_the_lower_tail_of_the_central_law_keeps_its_relative_accuracy(m, depth, v):
    s = depth * m
    with mpmath.workdps(40):
        exact = mpmath.log(mpmath.gammainc(mpmath.mpf(m) / 2, 0, mpmath.mpf(s) / 2, regularized=True))
    assert log_cdf(law((v, m, 0.0)), s * v)[0] == pytest.approx(float(exact), abs=1e-10 * max(1.0, abs(float(exact))))


@settings(max_examples=8)
@given(m=st.integers(1, 40), centre=decades(-2, 1.3), depth=decades(-9, -0.5))
def test_the_lower_tail_of_the_noncentral_law_keeps_its_relative_accuracy(m, centre, depth):
    s = depth * (m + centre)
    with mpmath.workdps(30):
        half, c = mpmath.mpf(s) / 2, mpmath.mpf(centre) / 2
        exact = mpmath.log(
            mpmath.fsum(
                mpmath.exp(-c)
                * c**j
                / mpmath.factorial(j)
                * mpmath.gammainc(mpmath.mpf(m) / 2 + j, 0, half, regularized=True)
                for j in range(int(40 + 3 * centre))
            )
        )
    assert log_cdf(law((1.0, m, centre)), s)[0] == pytest.approx(float(exact), abs=1e-10 * max(1.0, abs(float(exact))))


@pytest.mark.parametrize("m", [1, 2, 7, 50, 1000])
@pytest.mark.parametrize("sigmas", [3, 6, 9])
def test_the_upper_tail_is_scipys(m, sigmas):
    s = m + sigmas * np.sqrt(2 * m)
    found = -np.expm1(log_cdf(law((2.0, m, 0.0)), 2 * s)[0])
    assert found == pytest.approx(chi2.sf(s, m), rel=1e-6, abs=1e-15)


@pytest.mark.parametrize(
    ("m", "far"),
    [
        *((m, far) for m in (1, 20) for far in (1e2, 1e6, 1e11)),
        (20, 1e20),
        (1, 1e60),
    ],
)
def test_all_of_the_law_lies_below_a_far_distance(m, far):
    assert log_cdf(law((1.0, m, 3.0)), far * m)[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("near", [1e-6, 1e-20, 1e-60])
def test_a_near_distance_is_the_volume_of_a_ball(near):
    # F -> density at x times the volume of the ball of radius sqrt(s)
    found = log_cdf(law((1.0, 2, 0.5), (4.0, 1, 2.0)), near)[0]
    density = -0.5 * 0.5 - 0.5 * 2.0 / 4.0 - 1.5 * np.log(2 * np.pi) - 0.5 * np.log(4.0)
    assert found == pytest.approx(density + np.log(4 * np.pi / 3) + 1.5 * np.log(near), rel=1e-5)


TWO = [((1.0, 2, 0.7), (0.1, 3, 0.2)), ((1.0, 4, 0.0), (3.0, 2, 5.0)), ((2.0, 3, 1.0), (1e-3, 5, 0.01))]


@pytest.mark.parametrize("parts", TWO, ids=range(3))
@pytest.mark.parametrize("fraction", [0.02, 0.2, 0.6, 1.0, 1.7, 3.0])
def test_two_subspaces_are_the_convolution_of_two(parts, fraction):
    (v, m, a), (w, n, b) = parts
    s = fraction * (v * m + a + w * n + b)
    first, second = ncx2(m, a / v + 1e-300, scale=v), ncx2(n, b / w + 1e-300, scale=w)
    # the second distance squared runs over r^2, which takes the edge of its density away
    top = min(s, w * n + b + 14 * np.sqrt(2 * w * (w * n + 2 * b)) + 30 * w)
    exact = quad(lambda r: 2 * r * second.pdf(r * r) * first.cdf(s - r * r), 0, np.sqrt(top), epsabs=1e-14, limit=200)
    assert np.exp(log_cdf(law(*parts), s)[0]) == pytest.approx(exact[0], rel=1e-7)


@pytest.mark.parametrize("s", [2.4906348151268376, 2.515792742552361, 2.5409506699778848, 5.0])
def test_beyond_the_pole_the_law_is_the_convolution(s):
    # just above mean + 0.4 deviations, where the negative saddle is close to a branch point and the path long
    near, far = (1.0, 1, 0.10575996714631801), (0.01, 5, 0.6973168932993871)
    first, second = ncx2(1, near[2]), ncx2(5, far[2] / 0.01, scale=0.01)

    def convolved(f):
        return quad(lambda r: 2 * r * second.pdf(r * r) * f(s - r * r), 0, np.sqrt(2.2), epsabs=1e-13, limit=300)[0]

    log_cdf_, log_pdf = law(near, far).log_cdf_and_pdf(np.array([[s]]))
    assert np.exp(log_cdf_.item()) == pytest.approx(convolved(first.cdf), abs=2e-9)
    assert np.exp(log_pdf.item()) == pytest.approx(convolved(first.pdf), rel=1e-6)


@pytest.mark.parametrize("parts", [*TWO, ((1.0, 1, 0.0),), ((1.0, 20, 30.0), (1.0, 3, 0.0))], ids=range(5))
def test_the_density_integrates_to_the_cdf(parts):
    distribution = law(*parts)
    mean, deviation = (float(v.item()) for v in distribution.moments())
    edges = np.linspace(0.2 * mean, mean + 6 * deviation, 25)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    s = (edges[:-1, None] + edges[1:, None] + np.diff(edges)[:, None] * nodes) / 2
    pdf = np.exp(distribution.log_cdf_and_pdf(s.reshape(1, -1))[1]).reshape(s.shape)
    pieces = pdf @ weights * np.diff(edges) / 2
    np.testing.assert_allclose(pieces, np.diff(np.exp(log_cdf(distribution, edges))), rtol=1e-7, atol=1e-11)


@few
@given(
    v=decades(-2, 2),
    m=st.integers(1, 9),
    offset=st.just(0.0) | decades(-2, 2),
    c=decades(-9, 9),
    s=decades(-2, 2),
)
def test_units_drop_out_and_subspaces_of_one_variance_merge(v, m, offset, c, s):
    alone = log_cdf(law((v, m, offset)), s)
    np.testing.assert_allclose(log_cdf(law((c * v, m, c * offset)), c * s), alone, rtol=1e-9, atol=1e-12)
    split = law((v, m, offset / 3), (v, 2 * m, 2 * offset / 3))
    whole = law((v, 3 * m, offset))
    np.testing.assert_allclose(log_cdf(split, s), log_cdf(whole, s), rtol=1e-9, atol=1e-12)
    swapped = SquaredDistance(split.variances[::-1], split.dimensions[::-1], split.offsets[:, ::-1])
    np.testing.assert_allclose(log_cdf(swapped, s), log_cdf(split, s), rtol=1e-10, atol=1e-13)


@few
@given(parts=st.lists(st.tuples(decades(-3, 3), st.integers(1, 1000), decades(-3, 3)), min_size=1, max_size=3))
def test_it_is_a_distribution_function(parts):
    distribution = law(*parts)
    mean, deviation = (float(v.item()) for v in distribution.moments())
    s = np.unique(np.concatenate([np.geomspace(1e-6 * mean, mean, 30), mean + deviation * np.linspace(0.01, 10, 30)]))
    found, pdf = (v[0] for v in distribution.log_cdf_and_pdf(s[None]))
    assert np.isfinite(found).all()
    assert (found <= 1e-12).all()
    assert (np.diff(found) > -1e-9).all()
    assert not np.isnan(pdf).any()


def test_moments_and_the_saddle():
    distribution = law((1.0, 3, 2.0), (0.2, 5, 0.4))
    mean, deviation = distribution.moments()
    assert mean.item() == pytest.approx(3 + 2 + 1 + 0.4)
    assert deviation.item() ** 2 == pytest.approx(2 * 3 + 4 * 2 + 0.2 * 2 * (0.2 * 5 + 2 * 0.4))
    s = np.array([[0.01, 1.0, 6.0, 50.0]])
    np.testing.assert_allclose(distribution.distance_at(distribution.positive_saddle(s)), s, rtol=1e-4)
    beyond = np.array([[8.0, 20.0, 100.0]])
    saddle = distribution.negative_saddle(beyond)
    assert (saddle < 0).all()
    assert (saddle > -0.5).all()
    np.testing.assert_allclose(distribution.distance_at(saddle), beyond, rtol=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("m", [1, 20, 1000])
def test_the_saddle_of_a_tail_has_that_tail(m, scale):
    distribution = law((scale, m, scale * m))
    low, high = np.full((1, 1), 1e-8 / scale), np.full((1, 1), 1e30 / scale)
    for wanted in (-6.0, -12.0, -30.0):
        saddle = distribution.saddle_of_tail(wanted, low, high)
        assert distribution.log_cdf(distribution.distance_at(saddle)).item() == pytest.approx(wanted, abs=0.1)


@given(rate=decades(-3, 3), s=decades(-1, 1))
@few
def test_the_tilted_law_is_the_weighted_one(rate, s):
    distribution = law((1.0, 2, 0.7), (0.3, 1, 0.1))
    tilted = distribution.tilted(rate)
    density = distribution.log_cdf_and_pdf(np.array([[s]]))[1].item()
    # density times exp(-rate s), over its norm, the Laplace transform
    norm = distribution.exponent(np.array([[rate]])).item()
    assert tilted.log_cdf_and_pdf(np.array([[s]]))[1].item() == pytest.approx(
        density - rate * s - norm, rel=1e-8, abs=1e-8
    )


@pytest.mark.parametrize("m", [1, 2, 20, 1000])
@pytest.mark.parametrize("centre", [0.1, 30.0])
@pytest.mark.parametrize("sigmas", [-3, -1, 0.39, 0.41, 4, 12])
def test_the_limited_mean_is_the_integral_of_the_upper_tail(m, centre, sigmas):
    scipys = ncx2(m, centre)
    s = max(m + centre + sigmas * np.sqrt(2 * m + 4 * centre), 0.01 * m)
    edge = np.sqrt(s)
    exact = quad(lambda r: 2 * r * scipys.sf(r * r), 0, edge, points=[0.9 * edge], epsrel=1e-11, limit=400)[0]
    assert law((2.0, m, 2 * centre)).limited_mean(np.array([[2 * s]])).item() == pytest.approx(2 * exact, rel=1e-8)


@pytest.mark.parametrize("parts", TWO, ids=range(3))
def test_the_limited_mean_grows_by_the_upper_tail_and_ends_at_the_mean(parts):
    distribution = law(*parts)
    mean = distribution.moments()[0].item()
    s, step = mean * np.geomspace(1e-3, 10, 30)[None], 1e-5
    up, down = (distribution.limited_mean(s * np.exp(h)) for h in (step, -step))
    np.testing.assert_allclose((up - down) / (2 * step * s), -np.expm1(distribution.log_cdf(s)), atol=1e-7)
    np.testing.assert_allclose(distribution.limited_mean(np.array([[1e3 * mean]])), mean, rtol=1e-12)
