"""The published loss times, line by line: where the random energy model of Gaussian energies enters. See docs/checking.md."""
from sympy import Eq, log, oo, sqrt
from theory.derivation import Derivation

d = Derivation("critical times of a Gaussian random energy model", source="arXiv:2410.08727")
lam, t = d.declare("lambda t", positive=True, unit=2)
S = d.declare("S", positive=True, unit=4)               # sum of the squared variances
N = d.declare("N", integer=True, at_least=2)
x, y = d.declare("x y", real=True, unit=1)

mean = d.average("mean energy", (x - y)**2/2, {y: lam}, (x**2 + lam)/2, "times t; one direction, x fixed")
square = d.average("mean square", (x - y)**4/4, {y: lam}, (x**4 + 6*lam*x**2 + 3*lam**2)/4)
V = d.equal("variance", square - mean**2, lam**2/2 + lam*x**2)

kl = d.define("KL", (lam*x**2/(lam + t)**2 - lam/(lam + t) + log(1 + lam/t))/2, "of posterior and prior: weights condense at log N")
d.less("Gaussian energies give too much", kl, V/(2*t**2), "so that they put the time too early in the reverse process")
d.leading("and are right where t is large", kl, V/(2*t**2), t, oo)
error = V/(2*t**2)/kl - 1
d.approximate("Gaussian energies", "KL", V/(2*t**2), "the approximation; its relative error in KL at x = 0",
              {f"t = {k} lambda": float(error.subs({x: 0, t: k*lam})) for k in (1, 10, 100, 1000)},
              exact=kl, along=t, given={x: 0, lam: 1})

d.solve("published time", Eq((S/2 + lam*t)/t**2, 2*log(N)), t, (lam + sqrt(lam**2 + 4*S*log(N)))/(4*log(N)),
        "x = sqrt(t) along one direction and 0 along the others, whose lambda^2/2 add up to S/2 with its own")
