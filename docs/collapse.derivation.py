"""Collapse time of one subspace. Section 2 of a draft, with one planted fault. Run: geomem check collapse.derivation.py"""
from sympy import Eq, diff, exp, log, oo, pi, sqrt
from theory.derivation import Derivation

d = Derivation("collapse of one subspace", source="a draft, section 2")
lam, t = d.declare("lambda t", positive=True, unit=2)   # squared lengths: t + lam**2 is refused
m = d.declare("m", positive=True)
N = d.declare("N", integer=True, at_least=2)
x, y = d.declare("x y", real=True, unit=1)

p = d.define("p_t", exp(-x**2/(2*(lam + t)))/sqrt(2*pi*(lam + t)))
d.average("noise the data", exp(-(x - y)**2/(2*t))/sqrt(2*pi*t), {y: lam}, p)      # y ~ N(0, lam)

I = d.define("I", m*log(1 + lam/t)/2)
d.equal("two entropies", I, m*log(lam + t)/2 - m*log(t)/2)
d.equal("slope", diff(I, t), -m*lam/(2*t*(lam + t)))
d.less("one root at most", diff(I, t), 0)
d.less("linear bound", I, m*lam/(2*t))
d.tends("high noise", 2*t*I/(m*lam), 1, t, oo)
d.leading("low noise", I, m*log(lam/t)/2, t, 0)

t_C = d.solve("collapse time", Eq(I, log(N)), t, lam/(N**(1/m) - 1))               # planted: the exponent is 2/m
d.equal("schedule time", log(1 + t_C/lam), -log(1 - N**(-2/m)))
d.less("below the linear bound", t_C, m*lam/(2*log(N)))
d.leading("many directions", t_C, m*lam/(2*log(N)), m, oo)
d.cited("memorization is decoding", "t < t_C memorizes, t > t_C does not", "arXiv:2402.18491")
