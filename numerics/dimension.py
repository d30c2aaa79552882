r"""Dimension: what a score says of the dimension of the data about a point, by three estimators of the literature.

Along a tangent a score is flat, along a normal it pulls back with slope -1/t. So the dimension is

    the number of eigenvalues of -t J below 1/2, J the Jacobian of the score          (arXiv:2410.05898)
    the number of directions that scores at noised points do not span                  (normal bundle, arXiv:2212.12611)
    D + t (div s + |s|^2) at the clean point                                           (FLIPD, arXiv:2406.03537)

each at a noise variance t far below the variance along the data, and far above that at which it collapses onto samples.
Any score will do, that of data or of a network: a function of x, shape (M, D), and t. Without a score there is local PCA,

    the number of eigenvalues of the covariance of the nearest samples above a share of the largest      (Fukunaga and Olsen 1971)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from numerics.arrays import check_squares, checked, lift, scaled, stream, to_host
from numerics.nearness import differences
from numerics.reverse import Random
from numerics.scores import Score, noise_variances

__all__ = ["by_eigenvalues", "by_flipd", "by_local_pca", "by_normal_bundle", "jacobians"]

Array = NDArray[np.float64]
STEP = 1e-4  # of sqrt(t): differences are off by its square, and by rounding over it
DRAWS = 4  # noised points per dimension, as published
NEIGHBOURS, SHARE = 100, 0.05  # of a local PCA, as scikit-dimension has them


def jacobians(score: Score, x: Array, t: float) -> Array:
    """The Jacobian ds_i/dx_j of a score at points, by central differences, shape (M, D, D), inverse data units squared.

    Args:
        score: of points (M, D) and a noise variance.
        x: points, shape (M, D).
        t: noise variance, data units squared.

    Raises:
        ValueError: for points or a noise variance outside their domain.
    """
    x, t = _points(x), _time(t)
    return differences(lambda at: _at(score, at, t), x, STEP * np.sqrt(t))


def by_eigenvalues(score: Score, x: Array, t: float) -> NDArray[np.int64]:
    """How many eigenvalues of -t J, made symmetric, are below 1/2 at each point, shape (M,).

    Raises:
        ValueError: as `jacobians`.
    """
    J = jacobians(score, x, t)
    return np.asarray((np.linalg.eigvalsh(-t * (J + J.swapaxes(1, 2)) / 2) < 0.5).sum(axis=1))


def by_normal_bundle(score: Score, x: Array, t: float, rng: Random = 0) -> NDArray[np.int64]:
    """D less the number of singular values before the largest gap, of the scores at 4 D noised points about each, shape (M,).

    The largest difference of neighbouring singular values, as published; scores at noise t about a point span the normals.

    Raises:
        ValueError: as `jacobians`.
    """
    x, t = _points(x), _time(t)
    M, D = x.shape
    noised = x[:, None] + np.sqrt(t) * stream(rng, "normal bundle").standard_normal((M, DRAWS * D, D))
    scores = _at(score, noised.reshape(-1, D), t).reshape(noised.shape)
    singular = np.linalg.svd(scores, compute_uv=False)
    gaps = -np.diff(singular, axis=1)
    return D - 1 - np.asarray(gaps.argmax(axis=1)) if D > 1 else np.zeros(M, dtype=np.int64)


def by_flipd(score: Score, x: Array, t: float) -> Array:
    """D + t (div s + |s|^2) at each clean point, shape (M,); no integer.

    Of Gaussian data the mean over points is the sum of 1 - (t/(lambda + t))^2 over directions.

    Raises:
        ValueError: as `jacobians`.
    """
    x, t = _points(x), _time(t)
    divergence = np.trace(jacobians(score, x, t), axis1=1, axis2=2)
    return np.asarray(x.shape[1] + t * (divergence + (_at(score, x, t) ** 2).sum(axis=1)))


def by_local_pca(data: Array, x: Array, neighbours: int = NEIGHBOURS) -> NDArray[np.int64]:
    """How many eigenvalues of the covariance of the samples nearest to each point are above SHARE of the largest, shape (M,).

    Args:
        data: samples, shape (N, D).
        x: points, shape (M, D).
        neighbours: of each point, from 2 to N.

    Raises:
        ValueError: for points, or a number of neighbours, outside their domain.
    """
    samples, x = _points(data), _points(x)
    if not 2 <= neighbours <= len(samples):
        raise ValueError(f"neighbours must be from 2 to the {len(samples)} samples, got {neighbours}")
    exponent = lift(check_squares(x, samples), np.float64)
    samples, x = scaled(samples, exponent), scaled(x, exponent)
    _, nearest = cKDTree(samples).query(x, neighbours)
    about = samples[nearest] - samples[nearest].mean(axis=1, keepdims=True)
    deviations = np.linalg.svd(about, compute_uv=False)
    return np.asarray((deviations > SHARE**0.5 * deviations[:, :1]).sum(axis=1))


def _points(x: Array) -> Array:
    return np.asarray(to_host(checked(x, "x", "(M, D)")), dtype=np.float64)


def _time(t: float) -> float:
    return float(noise_variances([t], "t", at_least=1)[0])


def _at(score: Score, x: Array, t: float) -> Array:
    found = np.asarray(to_host(score(x, t)), dtype=np.float64)
    if found.shape != x.shape or not np.isfinite(found).all():
        raise ValueError(
            f"the score must be finite and of the shape {x.shape} of x, got shape {found.shape} at t = {t:g}"
        )
    return found
