"""The letters of the derivations, with the assumptions that are their domain."""

import sympy as sp

__all__ = ["I", "N", "V", "lam", "m", "q", "t", "theta", "x", "xi", "y", "z"]

lam = sp.Symbol("lambda", positive=True)  # variance of a direction
t = sp.Symbol("t", positive=True)  # noise variance
N = sp.Symbol("N", integer=True, positive=True)  # number of samples
m = sp.Symbol("m", positive=True)  # dimension of a subspace
theta = sp.Symbol("theta", positive=True)  # conjugate of a squared distance
q = sp.Symbol("q", nonnegative=True)  # x^2, a squared coordinate
I = sp.Symbol("I", nonnegative=True)  # noqa: E741  information, nats
V = sp.Symbol("V", positive=True)  # dispersion, nats^2
x = sp.Symbol("x", real=True)  # a coordinate of the query point
y = sp.Symbol("y", real=True)  # the same coordinate of a sample
z = sp.Symbol("z", real=True)  # standard normal, of the data
xi = sp.Symbol("xi", real=True)  # standard normal, of the noise
