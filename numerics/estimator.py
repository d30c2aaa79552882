r"""The empirical density as an estimator of scikit-learn: the engine behind `fit` and `score_samples`.

Gaussian noise of variance t turns N samples y^mu in D dimensions into the density, and its score,

    p^_t(x) = (1/N) sum_mu N(x; y^mu, t I) = Z(x) / N (2 pi t)^{D/2},      grad log p^_t(x) = (mean - x)/t,

with Z the partition function and `mean` the posterior mean of `numerics.gibbs`. This is a kernel density of bandwidth
sqrt(t).

A temperature T changes the weights, w_mu ~ exp(-|x - y^mu|^2 / 2tT), to those of noise variance tT, and the density
here is the one they belong to: p^_{tT}, with the score (mean - x)/(tT). It is normalised, which p^_t to the power 1/T is
not. `GibbsMoments.score` has energies in units of t, not of tT, and is T times as long.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from numerics.arrays import DTYPES
from numerics.gibbs import GibbsMoments, gibbs_moments
from theory.real import brief, is_numeric, plain_array

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before scikit-learn 1.6 it was a method

    def validate_data(estimator: Any, X: Any, **options: Any) -> Any:
        return estimator._validate_data(X, **options)


__all__ = ["EmpiricalDensity"]

Array = NDArray[np.float64]


class EmpiricalDensity(DensityMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The density p^_t of N samples under Gaussian noise of variance t, its score and its posterior mean.

    There is nothing to train: `fit` keeps the samples, and every call asks the engine. A parameter set after `fit`
    therefore holds from the next call on.

    Args:
        noise_variance: t, data units squared: the square of the bandwidth of `sklearn.neighbors.KernelDensity`.
        temperature: T; at T != 1 everything is that of noise variance tT.
        dtype: of distances and weights, `float64` or `float32`; by default that of the samples and points. Results
            are float64.

    Attributes:
        samples_: a copy of the samples, shape (N, D); float32 if that is what they came in, float64 otherwise.
        n_features_in_: D.
        feature_names_in_: names of the D columns, where X had them.
    """

    def __init__(
        self,
        *,
        noise_variance: float = 1.0,
        temperature: float = 1.0,
        dtype: Literal["float64", "float32"] | None = None,
    ) -> None:
        self.noise_variance = noise_variance
        self.temperature = temperature
        self.dtype = dtype

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Keep the samples X, shape (N, D); y is ignored.

        Raises:
            ValueError: for parameters out of range, and samples that are not a finite table.
        """
        self._check_parameters()
        self.samples_ = _validated(self, X, copy=True)
        return self

    def moments(self, X: ArrayLike, *, covariance: Literal["diagonal", "full"] | None = None) -> GibbsMoments:
        """All Gibbs averages over the samples at the points X, shape (M, D): weights, entropy, posterior covariance, ...

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
            ValueError: for parameters out of range, and points that are not a finite table of D columns.
        """
        check_is_fitted(self)
        self._check_parameters()
        X = _validated(self, X, reset=False)
        dtype = None if self.dtype is None else np.dtype(self.dtype)
        return gibbs_moments(
            X, self.samples_, self.noise_variance, temperature=self.temperature, covariance=covariance, dtype=dtype
        )

    def score_samples(self, X: ArrayLike) -> Array:
        """The log density log p^_{tT} at the points X, shape (M, D); nats, for coordinates in data units, shape (M,).

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
            ValueError: as for `moments`.
        """
        return self.moments(X).log_density

    def score(self, X: ArrayLike, y: object = None) -> float:
        """The log likelihood of X, shape (M, D): the sum of `score_samples`, nats. Not the score; see `stein_score`.

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
            ValueError: as for `moments`.
        """
        return float(self.score_samples(X).sum())

    def stein_score(self, X: ArrayLike) -> Array:
        """The gradient of `score_samples` at X, shape (M, D): (mean - x)/(tT), inverse data units, shape (M, D).

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
            ValueError: as for `moments`.
        """
        moments = self.moments(X)
        return moments.score / moments.temperature  # theirs is (mean - x)/t

    def denoise(self, X: ArrayLike) -> Array:
        """The posterior mean E[x_0 | x_t = x] at X, shape (M, D), t standing for tT; data units, shape (M, D).

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
            ValueError: as for `moments`.
        """
        return self.moments(X).mean

    def _check_parameters(self) -> None:
        _check_positive(self.noise_variance, "noise_variance", "it is t, in data units squared")
        _check_positive(self.temperature, "temperature", "1 is the posterior")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise ValueError(f"dtype must be None or one of {', '.join(DTYPES)}, as a string; got {self.dtype!r}")


def _validated(estimator: Any, X: Any, **options: Any) -> Any:
    valid = validate_data(estimator, X, dtype=DTYPES, **options)
    plain_array(X, "X")  # masks and wide integers, which scikit-learn forgets
    return valid


def _check_positive(value: Any, what: str, meaning: str) -> None:
    number = isinstance(value, (int, float, np.integer, np.floating)) and is_numeric(value)
    if not (number and 0 < value < math.inf):
        raise ValueError(f"{what} must be one positive and finite number, for {meaning}; got {brief(value)}")
