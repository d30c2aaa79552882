"""Laws of a score and its kin that differentiate or integrate: gradients, Tweedie's formula, slopes by t, Stein's identity.

Derivatives are differences of fourth order over steps that resolve the weights; how far two step sizes differ is their tolerance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from validation.properties.cloud import Cloud, CloudCase
from validation.properties.expression import expression
from validation.properties.field import Field, over_rows
from validation.properties.law import Law, Sides, lawgiver
from validation.properties.points import equal, of_points
from validation.properties.subject import Subject, catalogued

__all__ = ["stein", "tweedie"]

Array = NDArray[np.float64]
STEP = 0.02  # of the length, or of log t, over which weights change
WITHIN = 60.0  # of E_mu - E_min: samples whose weights may count
STENCIL = np.array([(-2, 1), (-1, -8), (1, 8), (2, -1)])  # steps, and their shares of a derivative times 12
WIDTHS, EACH = 9.0, 2.0  # standard deviations round each sample, and points of quadrature in one
RESOLVED = 1e-6  # of the largest number, the least step that its rounding resolves
TWEEDIE = "Robbins 1956, Efron 2011 (doi:10.1198/jasa.2011.tm11181)"


def _length(cloud: Cloud) -> Array:
    """Over which the weights at each point change, shape (M,)."""
    near = cloud.squares - cloud.squares.min(axis=1, keepdims=True) < 2 * WITHIN * cloud.t
    apart = np.sqrt(((cloud.data - cloud.data[cloud.nearest][:, None]) ** 2).sum(axis=2))
    return np.asarray(cloud.t / (np.sqrt(cloud.t) + np.where(near, apart, 0.0).max(axis=1)))


def _differences(f: Subject, cloud: Cloud, h: Array) -> Array:
    """The gradient of f at each point, its direction last."""
    M, D = cloud.x.shape
    steps = STENCIL[:, :1, None, None] * h[:, None] * np.eye(D)[:, None]
    value = f(cloud.at(x=(cloud.x + steps).reshape(-1, D)))
    value = value.reshape(len(STENCIL), D, M, *value.shape[1:])
    slopes = np.tensordot(STENCIL[:, 1] / 12, value, 1)
    return np.moveaxis(slopes, 0, -1) / h.reshape(-1, *(1,) * (slopes.ndim - 1))


def _gradient(f: Subject, cloud: Cloud) -> tuple[Array, Array]:
    """The gradient and what it may be off by; of vectors the Jacobian."""
    h = STEP * _length(cloud)
    coarse, fine = (_differences(f, cloud, step) for step in (h, h / 2))
    off = f.tolerance(cloud)[..., None]
    return _extrapolated(coarse, fine, off / h.reshape(-1, *(1,) * (off.ndim - 1)))


def _slope(f: Subject, cloud: Cloud) -> tuple[Array, Array]:
    """t df/dt and what it may be off by."""
    coarse, fine = (
        np.asarray(sum(share * f(cloud.at(t=cloud.t * float(np.exp(k * h)))) for k, share in STENCIL) / (12 * h))
        for h in (STEP, STEP / 2)
    )
    return _extrapolated(coarse, fine, f.tolerance(cloud) / STEP)


def _extrapolated(coarse: Array, fine: Array, off: Array) -> tuple[Array, Array]:
    return fine + (fine - coarse) / 15, over_rows(4 * np.abs(fine - coarse) + 4 * off)


def _slopes(f: Field, cloud: Cloud, text: str, found: tuple[Array, Array], words: str) -> Sides:
    """A derivative against an expression, in which f is the value of the field."""
    wanted = equal(f, cloud, text, "0")
    return Sides(found[0], wanted.left, found[1] + wanted.tolerance, (cloud,), (words, text))


@lawgiver
def gradient_of(name: str, value: str = "f") -> Law:
    """It is the gradient by x of a quantity of the engine, as a score of gibbs.log_density: by finite differences."""
    other = catalogued(name)
    expression(value, Cloud)
    dims = (*other.about.dims, "direction")
    return of_points(
        f"gradient_of({name}{'' if value == 'f' else ', ' + value})",
        f"{'it' if value == 'f' else value} is the gradient of {name}",
        rf"{value} = \nabla\,\mathrm{{{name}}}",
        lambda f, case: _slopes(f, case.at, value, _gradient(other, case.at), f"gradient of {name}"),
        anchored=True,
        needs=lambda f: f.about.dims == dims,
    )


@lawgiver
def has_gradient(value: str) -> Law:
    """Its gradient by x is an expression, as that of a log density gibbs.score: by finite differences."""
    expression(value, Cloud)

    def check(f: Field, case: CloudCase) -> Sides:
        wanted = equal(catalogued("gibbs.log_density"), case.at, value, "0")
        found, off = _gradient(f, case.at)
        return Sides(found, wanted.left, off + wanted.tolerance, (case.at,), ("gradient", value))

    return of_points(
        f"has_gradient({value})",
        f"its gradient is {value}",
        rf"\nabla f = {value}",
        check,
        anchored=True,
        needs=lambda f: f.kind in ("scalar", "vector"),
    )


@lawgiver
def jacobian_symmetric() -> Law:
    """Its Jacobian is symmetric, as of any gradient; a matrix is so itself."""

    def check(f: Field, case: CloudCase) -> Sides:
        found, off = _gradient(f, case.at) if f.kind == "vector" else (f(case.at), f.tolerance(case.at))
        words = "row i, column j", "row j, column i"
        return Sides(found, np.swapaxes(found, 1, 2), 2 * off, (case.at,), words)

    return of_points(
        "jacobian_symmetric",
        "its Jacobian is symmetric",
        r"\partial_i f_j = \partial_j f_i",
        check,
        "a gradient has no curl",
        needs=lambda f: f.kind in ("vector", "matrix"),
    )


@lawgiver
def tweedie() -> Law:
    """Of a score: x + t score is the posterior mean of the sample."""
    return of_points(
        "tweedie",
        "x + t times it is the posterior mean",
        r"x + t s(x) = E[y | x]",
        lambda f, case: equal(f, case.at, "x + t*f", "gibbs.posterior_mean"),
        TWEEDIE,
        anchored=True,
        needs=lambda f: f.kind == "vector",
    )


@lawgiver
def second_tweedie() -> Law:
    """Of a score: 1 + t times its Jacobian is the posterior covariance over t; of a Jacobian likewise."""
    text = "gibbs.covariance/t**2 - eye/t"

    def check(f: Field, case: CloudCase) -> Sides:
        if f.kind == "matrix":
            return equal(f, case.at, "f", text)
        wanted = equal(catalogued("gibbs.log_density"), case.at, text, "0")
        found, off = _gradient(f, case.at)
        return Sides(found, wanted.left, off + wanted.tolerance, (case.at,), ("Jacobian", text))

    return of_points(
        "second_tweedie",
        "1 + t times its Jacobian is the posterior covariance over t",
        r"1 + t \nabla s = \mathrm{Cov}(y | x) / t",
        check,
        "second order of Tweedie's formula",
        anchored=True,
        needs=lambda f: f.kind in ("vector", "matrix"),
    )


@lawgiver
def noise_slope(value: str) -> Law:
    """t times its derivative by t is an expression: that of the entropy is gibbs.heat_capacity."""
    expression(value, Cloud)
    return of_points(
        f"noise_slope({value})",
        f"t times its derivative by t is {value}",
        rf"t\,\partial f/\partial t = {value}",
        lambda f, case: _slopes(f, case.at, value, _slope(f, case.at), "t df/dt"),
        "fluctuation and response",
        anchored=True,
    )


@lawgiver
def noise_slope_of(name: str, value: str = "f") -> Law:
    """It, or an expression of it, is t times the derivative by t of a quantity of the engine."""
    other = catalogued(name)
    expression(value, Cloud)
    return of_points(
        f"noise_slope_of({name}{'' if value == 'f' else ', ' + value})",
        f"{'it' if value == 'f' else value} is t times the derivative of {name} by t",
        rf"{value} = t\,\partial\,\mathrm{{{name}}}/\partial t",
        lambda f, case: _slopes(f, case.at, value, _slope(other, case.at), f"t d {name}/dt"),
        "fluctuation and response",
        anchored=True,
        needs=lambda f: f.about.dims == other.about.dims,
    )


def _line(cloud: Cloud) -> tuple[Cloud, float] | None:
    """The first direction alone, at the points of a quadrature, and their distance; None where float64 does not resolve them."""
    data, width = cloud.data[:, :1], float(np.sqrt(cloud.t))
    h = width / EACH
    if h < RESOLVED * np.abs(data).max():
        return None
    k = np.unique(np.round(data / h + np.arange(-WIDTHS * EACH, WIDTHS * EACH + 1))).astype(np.float64)
    return Cloud(h * k[:, None], data, cloud.t), h


def _integral(name: str, words: str, statement: str, kind: str, total: Callable[[Field, Cloud], tuple[Array, Array]],
              value: float, reference: str) -> Law:  # fmt: skip
    def check(f: Field, case: CloudCase) -> Sides | None:
        line = _line(case.at)
        if line is None:
            return None
        at, h = line
        terms, off = total(f, at)
        tolerance = np.atleast_1d(h * np.sum(np.nan_to_num(off)) + 1e-9 * (1 + h * np.abs(terms).sum()))
        return Sides(np.atleast_1d(h * terms.sum()), np.array([value]), tolerance, (at,), ("integral", f"{value:g}"))

    return of_points(name, words, statement, check, reference, anchored=True, needs=lambda f: f.kind == kind)


@lawgiver
def normalization() -> Law:
    """The exponential of a log density integrates to one: by quadrature on a line."""

    def total(f: Field, at: Cloud) -> tuple[Array, Array]:
        density = np.exp(f(at))
        return density, density * f.tolerance(at)

    return _integral("normalization", "on a line its exponential integrates to one", r"\int e^f dx = 1", "scalar", total,
                     1.0, "a density")  # fmt: skip


@lawgiver
def stein() -> Law:
    """Of a score: its mean times x over the noised samples is -1, by quadrature on a line."""

    def total(f: Field, at: Cloud) -> tuple[Array, Array]:
        density = np.exp(catalogued("gibbs.log_density")(at))[:, None]
        x = at.x - at.data.mean()
        return density * x * f(at), density * np.abs(x) * f.tolerance(at)

    return _integral("stein", "on a line the mean of x times it is -1", r"E[s(x)\,x] = -1", "vector", total, -1.0,
                     "Stein 1981")  # fmt: skip
