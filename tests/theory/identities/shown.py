"""Lines of this field's style, true and false, to judge a derivation checker by.

LINES holds Line(name, lhs, rhs, relation, symbols, truth, kind, witness, note).
  relation  "=" | ">" | ">=" | "tends" (lhs -> rhs along `at`) | "leading" (lhs / rhs -> 1 along `at`)
  symbols   the declaration, in words; the sympy assumptions are on the symbols themselves; `domain` holds what sympy cannot say
  witness   for a false line: a point of the declared domain where it fails (checked by evaluation)
Entries are built lazily (a lambda) and take one source line each, so that the filter works.
"""
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Any, Callable
import sympy as sp
from sympy import (Abs, EulerGamma, Eq, Integral, Limit, Matrix, MatrixSymbol, Max, Min, Piecewise, Rational as R, Sum, Trace,
                   acosh, asin, asinh, atan, besseli, binomial, conjugate, cos, diff, digamma, erf, erfc, exp, expint, factorial,
                   floor, gamma, hyper, log, loggamma, lowergamma, oo, pi, polygamma, sign, sin, sinh, sqrt, tanh, LambertW, I)

a, b, s, t, lam, m = sp.symbols("a b s t lambda m", positive=True)
N, n = sp.symbols("N n", integer=True, positive=True)
k = sp.Symbol("k", integer=True); j = sp.Symbol("j", integer=True, nonnegative=True)
odd = sp.Symbol("o", odd=True)
x, y, z = sp.symbols("x y z", real=True)
nz = sp.Symbol("w", real=True, nonzero=True)
q = sp.Symbol("q", nonnegative=True)
u, v = sp.symbols("u v", negative=True)
c, d = sp.symbols("c d")
im = sp.Symbol("omega", imaginary=True)
p = sp.Symbol("p", positive=True)          # with domain 0 < p < 1
r = sp.Symbol("r", positive=True)
A2 = Matrix(2, 2, sp.symbols("A11 A12 A21 A22", real=True)); B2 = Matrix(2, 2, sp.symbols("B11 B12 B21 B22", real=True))
U3 = Matrix(sp.symbols("u1:4", real=True)); V3 = Matrix(sp.symbols("v1:4", real=True))
A, B, C = (MatrixSymbol(w, n, n) for w in "ABC")
e = lambda k: R(1, 10**k)
def G(y, var, mean=0): return exp(-(y - mean)**2/(2*var))/sqrt(2*pi*var)
def E(f, var, mean=0): return Integral(f*G(y, var, mean), (y, -oo, oo))
Rf = lambda y: (lam + t)/sqrt(t*(t + 2*lam))*exp(y**2*lam/((lam + t)*(2*lam + t)))
KL1 = a/b - 1 - log(a/b)
info = m*log(1 + lam/t)/2
tC = lam/(N**(2/m) - 1)
pt = G(x, t, 1) + G(x, t, -1)
X1, X2 = sp.symbols("X1 X2", real=True)
def soft():  # posterior mean of two samples (1, 2), (0, -1) in the plane
    e1, e2 = exp(-((X1-1)**2+(X2-2)**2)/(2*t)), exp(-(X1**2+(X2+1)**2)/(2*t)); w = e1/(e1+e2)
    return w*1, w*2 - (1-w)

@dataclass(frozen=True)
class Line:
    name: str; make: Callable[[], tuple]; relation: str; symbols: str; truth: bool; kind: str
    hold: bool = False; witness: dict = field(default_factory=dict); at: Any = None; domain: str = ""; note: str = ""; assume: tuple = ()
    @property
    def lhs(self): return self.make()[0]
    @property
    def rhs(self): return self.make()[1]

LINES: list[Line] = []
def L(name, make, relation="=", symbols="", truth=True, kind="", **o): LINES.append(Line(name, make, relation, symbols, truth, kind, **o))
def T(name, kind, make, relation="=", symbols="", **o): L(name, make, relation, symbols, True, kind, **o)
def F(name, kind, make, relation="=", symbols="", **o): L(name, make, relation, symbols, False, kind, **o)

# ------------------------------------------------------------------ true: logarithms, roots, declared signs
T("log of a product, positive", "log", lambda: (log(a*b), log(a)+log(b)), symbols="a,b>0")
T("log of a product, both negative", "sign", lambda: (log(u*v), log(-u)+log(-v)), symbols="u,v<0")
T("root of a square is the modulus", "root", lambda: (sqrt(x**2), Abs(x)), symbols="x real")
T("log of a square", "log", lambda: (log(nz**2), 2*log(Abs(nz))), symbols="w real, nonzero")
T("information, two forms", "log", lambda: (log(1+lam/t)/2, log(lam+t)/2-log(t)/2), symbols="lam,t>0")
T("logit", "domain", lambda: (log((1-p)/p), log(1-p)-log(p)), symbols="0<p<1", domain="p<1")
T("principal roots that do multiply", "branch", lambda: (sqrt(1-c)*sqrt(1+c), sqrt(1-c**2)), symbols="c complex")
T("modulus squared", "complex", lambda: (Abs(c)**2, c*conjugate(c)), symbols="c complex")
T("quarter odd turn", "integer", lambda: (sin(pi*odd/2)**2, sp.Integer(1)), symbols="o odd")
T("negative base, negative log", "sign", lambda: (log(1+u**2/v**2), log(u**2+v**2)-2*log(-v)), symbols="u,v<0")
# ------------------------------------------------------------------ true: the Gaussian manifold
T("derivative of the information", "rational", lambda: (diff(info, t), -m*lam/(2*t*(lam+t))), symbols="lam,t,m>0")
T("posterior variance", "rational", lambda: (lam-lam**2/(lam+t), lam*t/(lam+t)), symbols="lam,t>0")
T("square of a Gaussian kernel", "rational", lambda: (G(x, t)**2, G(x, t/2)/sqrt(4*pi*t)), symbols="t>0, x real")
T("collapse time solves log N = I", "root of equation", lambda: (info.subs(t, tC), log(N)), symbols="lam,m>0, N=1,2,..", note="at N=1 t_C is infinite: the point must be named")
T("small shift squared", "huge", lambda: ((a+e(20))**2-a**2-e(40), 2*e(20)*a), symbols="a>0")
T("huge scale", "huge", lambda: (log(10**40*a+1)-40*log(10), log(a+e(40))), symbols="a>0")
T("KL of two Gaussians", "expectation", lambda: (E(log(G(y, a))-log(G(y, b)), a), KL1/2), symbols="a,b>0")
T("E R is the chi-square factor", "expectation", lambda: (E(Rf(y), lam+t), 1+lam/t), symbols="lam,t>0")
T("Stein, exponential", "expectation", lambda: (E(y*exp(x*y), a), a*x*exp(a*x**2/2)), symbols="a>0, x real")
T("Tweedie, two points", "tweedie", lambda: (1-2/(exp(2*x/t)+1), x+t*diff(log(pt), x)), symbols="t>0, x real")
T("score is the gradient of log density", "tweedie", lambda: (diff(log(pt), x), diff(pt, x)/pt), symbols="t>0, x real")
T("Jacobian of the empirical mean is symmetric", "matrix", lambda: (diff(soft()[0], X2), diff(soft()[1], X1)), symbols="t>0, X real")
T("Girsanov telescopes", "integral", lambda: (Integral(lam/y**2, (y, s, oo))/2, lam/(2*s)), symbols="lam,s>0")
# ------------------------------------------------------------------ true: special functions
T("gamma recurrence", "special", lambda: (gamma(a+1), a*gamma(a)), symbols="a>0")
T("gamma duplication", "special", lambda: (gamma(a)*gamma(a+R(1,2)), 2**(1-2*a)*sqrt(pi)*gamma(2*a)), symbols="a>0")
T("digamma recurrence", "special", lambda: (digamma(a+1), digamma(a)+1/a), symbols="a>0")
T("trigamma recurrence", "special", lambda: (polygamma(1, a+1), polygamma(1, a)-1/a**2), symbols="a>0")
T("chi-square of one degree", "special", lambda: (lowergamma(R(1,2), a), sqrt(pi)*erf(sqrt(a))), symbols="a>0")
T("derivative of erfc of a root", "special", lambda: (diff(erfc(sqrt(t)), t), -exp(-t)/sqrt(pi*t)), symbols="t>0")
T("Bessel of half order", "special", lambda: (besseli(R(1,2), a), sqrt(2/(pi*a))*sinh(a)), symbols="a>0")
T("tanh by exponentials", "special", lambda: (tanh(a), 1-2/(exp(2*a)+1)), symbols="a>0")
T("complementary arctangents", "special", lambda: (atan(a)+atan(1/a), pi/2), symbols="a>0")
T("log-gamma step", "special", lambda: (loggamma(a+1)-loggamma(a), log(a)), symbols="a>0")
T("2F1 is a log", "special", lambda: (hyper([1, 1], [2], -a), log(1+a)/a), symbols="a>0")
# ------------------------------------------------------------------ true: integers, sums, products
T("parity product", "integer", lambda: ((1+(-1)**k)*(1-(-1)**k), sp.Integer(0)), symbols="k integer")
T("factorial is gamma", "integer", lambda: (factorial(n), gamma(n+1)), symbols="n=1,2,..")
T("pairs", "integer", lambda: (binomial(n+1, 2), n*(n+1)/2), symbols="n=1,2,..")
T("arithmetic sum", "sum", lambda: (Sum(j, (j, 1, n)), n*(n+1)/2), symbols="n=1,2,..")
T("Bose sum", "sum", lambda: (Sum(exp(-a*j), (j, 1, oo)), 1/(exp(a)-1)), symbols="a>0")
T("Poisson mean", "sum", lambda: (Sum(exp(-a)*a**j/factorial(j)*j, (j, 0, oo)), a), symbols="a>0")
# ------------------------------------------------------------------ true: removable points, breaks, matrices
T("removable pole", "removable", lambda: ((x**2-1)/(x-1), x+1), symbols="x real", note="x = 1 must be named")
T("positive part", "piecewise", lambda: (Piecewise((x, x > 0), (0, True)), (x+Abs(x))/2), symbols="x real")
T("maximum by modulus", "piecewise", lambda: (Max(a, b), (a+b+Abs(a-b))/2), symbols="a,b>0")
T("trace is cyclic, 2x2", "matrix", lambda: ((A2*B2).trace(), (B2*A2).trace()), symbols="real entries")
T("determinant lemma, 3", "matrix", lambda: ((sp.eye(3)+U3*V3.T).det(), 1+(V3.T*U3)[0]), symbols="real entries")
T("trace is cyclic, symbolic size", "matrix", lambda: (Trace(A*B*C), Trace(C*A*B)), symbols="A,B,C n x n")
T("matrix equality as a whole", "matrix", lambda: ((A2*B2).T, B2.T*A2.T), symbols="real entries")
# ------------------------------------------------------------------ true: integrals
T("Gaussian integral with source", "integral", lambda: (Integral(exp(-a*y**2+x*y), (y, -oo, oo)), sqrt(pi/a)*exp(x**2/(4*a))), symbols="a>0, x real")
T("gamma integral", "integral", lambda: (Integral(s**(a-1)*exp(-b*s), (s, 0, oo)), gamma(a)*b**(-a)), symbols="a,b>0")
T("inverse square by an integral", "integral", lambda: (Integral(s*exp(-s*a), (s, 0, oo)), 1/a**2), symbols="a>0")
T("minimum of N uniforms is normalized", "integral", lambda: (Integral(N*(1-s)**(N-1), (s, 0, 1)), sp.Integer(1)), symbols="N=1,2,..")
# ------------------------------------------------------------------ true: limits and leading orders
T("high noise", "limit", lambda: (info*2*t/(m*lam), sp.Integer(1)), "tends", "lam,t,m>0", at=(t, oo))
T("a^a", "limit", lambda: (a**a, sp.Integer(1)), "tends", "a>0", at=(a, 0, "+"))
T("low noise", "leading", lambda: (log(1+lam/t)/2, log(lam/t)/2), "leading", "lam,t>0", at=(t, 0, "+"))
T("erfc tail", "leading", lambda: (erfc(a), exp(-a**2)/(a*sqrt(pi))), "leading", "a>0", at=(a, oo))
T("many directions", "leading", lambda: (N**(2/m)-1, 2*log(N)/m), "leading", "m>0, N=2,3,..", at=(m, oo), domain="N>=2")
T("digamma less log", "leading", lambda: (digamma(a)-log(a), -1/(2*a)), "leading", "a>0", at=(a, oo))
# ------------------------------------------------------------------ true: inequalities
T("log(1+a) < a", "inequality", lambda: (a, log(1+a)), ">", "a>0")
T("square >= 0", "inequality", lambda: (x**2-2*x+1, sp.Integer(0)), ">=", "x real")
T("KL >= 0", "inequality", lambda: (KL1, sp.Integer(0)), ">=", "a,b>0")
T("Bennett", "inequality", lambda: ((1+a)*log(1+a), a), ">", "a>0")
T("erfc below the Gaussian", "inequality", lambda: (exp(-a**2), erfc(a)), ">", "a>0")
T("information above its slope", "inequality", lambda: (log(1+lam/t), lam/(lam+t)), ">", "lam,t>0")
T("exp above its tangent", "inequality", lambda: (exp(x), 1+x), ">=", "x real")
T("Mills upper bound, tight at 0", "inequality", lambda: (2/sqrt(pi)*exp(-a**2)/(a+sqrt(a**2+4/pi)), erfc(a)), ">", "a>0")
T("nearly touching", "inequality", lambda: ((a-R(1,3))**2+e(10), sp.Integer(0)), ">", "a>0")
T("digamma below log", "inequality", lambda: (log(a), digamma(a)), ">", "a>0")
T("nonnegative variable", "inequality", lambda: (q, sp.Integer(0)), ">=", "q>=0")
T("information falls in t", "inequality", lambda: (-diff(log(1+lam/t), t), sp.Integer(0)), ">", "lam,t>0")
T("negative times negative", "inequality", lambda: (u*v, sp.Integer(0)), ">", "u,v<0")

# ================================================================== false: logarithms, roots, branches
F("log of a ratio, real", "log", lambda: (log(x/y), log(x)-log(y)), symbols="x,y real", witness={x: 1, y: -1})
F("root of a square", "root", lambda: (sqrt(x**2), x), symbols="x real", witness={x: -1})
F("roots of negatives", "sign", lambda: (sqrt(u*v), sqrt(u)*sqrt(v)), symbols="u,v<0", witness={u: -1, v: -1})
F("log exp, a third of the plane", "branch", lambda: (log(exp(c/3)), c/3), symbols="c complex", witness={c: 12*I})
F("cube root of a cube", "branch", lambda: ((c**3)**R(1,3), c), symbols="c complex", witness={c: -1})
F("arctangents on the line", "branch", lambda: (atan(nz)+atan(1/nz), pi/2), symbols="w real, nonzero", witness={nz: -1})
F("asin sin", "branch", lambda: (asin(sin(x)), x), symbols="x real", witness={x: 3})
F("modulus, far on the line", "far", lambda: (Abs(x-6), 6-x), symbols="x real", witness={x: 7})
F("modulus, far on the half line", "far", lambda: (Abs(a-5000), 5000-a), symbols="a>0", witness={a: 5001})
F("modulus, near zero", "far", lambda: (Abs(a-e(4)), a-e(4)), symbols="a>0", witness={a: e(5)})
F("phase, small angle", "branch", lambda: (log(exp(I*a/400)), I*a/400), symbols="a>0", witness={a: 2000})
# ------------------------------------------------------------------ false: perturbations and precision
F("log, shift 1e-40", "perturbation", lambda: (log(a+e(40)), log(a)), symbols="a>0", witness={a: 1})
F("exp, shift 1e-20", "perturbation", lambda: (exp(a+e(20)), exp(a)), symbols="a>0", witness={a: 1})
F("gamma, shift 1e-40", "perturbation", lambda: (gamma(a+1+e(40)), a*gamma(a)), symbols="a>0", witness={a: 1})
F("root, shift 1e-80", "precision", lambda: (sqrt(a**2+e(80)), a), symbols="a>0", witness={a: 1})
F("erf saturated", "precision", lambda: (erf(a+20), sp.Integer(1)), symbols="a>0", witness={a: 1})
F("two-point posterior saturated", "precision", lambda: (1/(1+exp(-2*(a+1)/e(3))), sp.Integer(1)), symbols="a>0", witness={a: 1}, note="t=1e-3: the other sample has weight e^-2000")
F("Ramanujan's constant", "precision", lambda: (exp(pi*sqrt(163)), sp.Integer(640320**3+744)), symbols="none", witness={})
F("1/81 to 268 digits", "precision", lambda: (Sum(floor(n*tanh(pi))/10**n, (n, 1, oo)), R(1,81)), symbols="none", witness={})
F("Borwein's sinc product", "precision", lambda: (Integral(sp.prod(sp.sinc(y/(2*i+1)) for i in range(8)), (y, 0, oo)), pi/2), symbols="none", witness={})
# ------------------------------------------------------------------ false: integers only, single points
F("full turns", "integer", lambda: (cos(2*pi*m), sp.Integer(1)), symbols="m>0 real", witness={m: R(1,2)})
F("parity", "integer", lambda: ((1+(-1)**k)/2, sp.Integer(1)), symbols="k integer", witness={k: 1})
F("polynomial that vanishes at 2..40", "integer", lambda: (sp.prod(N-i for i in range(2, 41)), sp.Integer(0)), symbols="N=1,2,..", witness={N: 1})
F("real exponent of a negative", "integer", lambda: ((x**2)**m, x**(2*m)), symbols="x real, m>0", witness={x: -1, m: R(1,2)})
F("sign of a real", "point", lambda: (Abs(x)/x, sp.Integer(1)), symbols="x real", witness={x: -1})
F("zero to a power", "point", lambda: (sp.Integer(0)**q, sp.Integer(0)), symbols="q>=0", witness={q: 0})
F("sinc with a hole", "point", lambda: (Piecewise((0, Eq(x, 0)), (sin(x)/x, True)), sp.sinc(x)), symbols="x real", witness={x: 0})
F("two moduli, window of 1e-6", "window", lambda: (Abs(a-2)+Abs(a-2-e(6)), Abs(2*a-4-e(6))), symbols="a>0", witness={a: 2+e(6)/2})
# ------------------------------------------------------------------ false: series one order early, leading constants
F("log to third order", "series", lambda: (log(1+a), a-a**2/2+a**3/3), symbols="a>0", witness={a: 1})
F("information, high noise, factor", "leading", lambda: (log(1+lam/t)/2, lam/t), "leading", "lam,t>0", at=(t, oo))
F("erfc tail, no pi", "leading", lambda: (erfc(a), exp(-a**2)/a), "leading", "a>0", at=(a, oo))
F("many directions, factor", "leading", lambda: (N**(2/m)-1, log(N)/m), "leading", "m>0, N=2,3,..", at=(m, oo), domain="N>=2")
F("digamma less log, factor", "leading", lambda: (digamma(a)-log(a), -1/a), "leading", "a>0", at=(a, oo))
F("logarithmic correction ignored", "leading", lambda: (LambertW(a), log(a)-log(log(a))/2), "tends", "a>0", at=(a, oo), note="difference grows like -loglog/2; ratio tends to 1 very slowly")
# ------------------------------------------------------------------ false: off by one, factors of two
F("arithmetic sum, off by one", "sum", lambda: (Sum(j, (j, 0, n-1)), n*(n+1)/2), symbols="n=1,2,..", witness={n: 1})
F("harmonic number, off by one", "sum", lambda: (Sum(1/k, (k, 1, n)), digamma(n)+EulerGamma), symbols="n=1,2,..", witness={n: 1})
F("factorial, off by one", "integer", lambda: (factorial(n), gamma(n)), symbols="n=1,2,..", witness={n: 2})
F("N for N-1", "integral", lambda: (Integral(N*(1-s)**N, (s, 0, 1)), sp.Integer(1)), symbols="N=1,2,..", witness={N: 1})
F("collapse, factor 2 planted", "root of equation", lambda: (info.subs(t, lam/(N**(1/m)-1)), log(N)), symbols="lam,m>0, N=2,..", domain="N>=2", witness={lam: 1, m: 2, N: 2})
F("derivative of the information, factor 2", "rational", lambda: (diff(info, t), -m*lam/(t*(lam+t))), symbols="lam,t,m>0", witness={lam: 1, t: 1, m: 1})
F("Girsanov, factor 2", "integral", lambda: (Integral(lam/y**2, (y, s, oo)), lam/(2*s)), symbols="lam,s>0", witness={lam: 1, s: 1})
F("mean-shift KL, factor 2", "expectation", lambda: (E(log(G(y, a, x))-log(G(y, a)), a, x), x**2/a), symbols="a>0, x real", witness={a: 1, x: 1})
F("square of a kernel, t for t/2", "rational", lambda: (G(x, t)**2, G(x, t)/sqrt(4*pi*t)), symbols="t>0, x real", witness={t: 1, x: 1})
# ------------------------------------------------------------------ false: expectations
F("Stein, variance lost", "expectation", lambda: (E(y*exp(x*y), a), x*exp(a*x**2/2)), symbols="a>0, x real", witness={a: 2, x: 1})
F("Tweedie, sign", "tweedie", lambda: (1-2/(exp(2*x/t)+1), x-t*diff(log(pt), x)), symbols="t>0, x real", witness={t: 1, x: 1})
F("E log R, posterior share", "expectation", lambda: (E(sp.expand_log(log(Rf(y))), lam+t), log((lam+t)/sqrt(t*(t+2*lam)))+lam/(lam+t)), symbols="lam,t>0", witness={lam: 1, t: 1})
F("Jensen as equality", "expectation", lambda: (E(exp(y), a), exp(a)), symbols="a>0", witness={a: 1})
# ------------------------------------------------------------------ false: special functions
F("duplication, exponent", "special", lambda: (gamma(a)*gamma(a+R(1,2)), 2**(1-a)*sqrt(pi)*gamma(2*a)), symbols="a>0", witness={a: 1})
F("digamma duplication, half", "special", lambda: (digamma(2*a), log(2)+digamma(a)), symbols="a>0", witness={a: 1})
F("Bessel, growing part only", "special", lambda: (besseli(R(1,2), a), exp(a)/sqrt(2*pi*a)), symbols="a>0", witness={a: 1})
F("tanh, first exponential", "special", lambda: (tanh(a+100), 1-2*exp(-2*a-200)), symbols="a>0", witness={a: 1}, note="off by 1e-174")
# ------------------------------------------------------------------ false: matrices
F("trace of a product", "matrix", lambda: ((A2*B2).trace(), A2.trace()*B2.trace()), symbols="real entries", witness={A2[0,0]: 1, A2[0,1]: 0, A2[1,0]: 0, A2[1,1]: 1, B2[0,0]: 1, B2[0,1]: 0, B2[1,0]: 0, B2[1,1]: 1})
F("gradient of a form, transposed", "matrix", lambda: (diff((U3.T[:, :2]*A2*U3[:2, :])[0], U3[0]), (2*A2*U3[:2, :])[0]), symbols="real entries", witness={A2[0,0]: 0, A2[0,1]: 1, A2[1,0]: 0, A2[1,1]: 0, U3[0]: 0, U3[1]: 1})
F("trace, odd permutation", "matrix", lambda: (Trace(A*B*C), Trace(A*C*B)), symbols="A,B,C n x n")
F("matrices commute", "matrix", lambda: (A2*B2, B2*A2), symbols="real entries", witness={A2[0,0]: 0, A2[0,1]: 1, A2[1,0]: 0, A2[1,1]: 0, B2[0,0]: 0, B2[0,1]: 0, B2[1,0]: 1, B2[1,1]: 0})
# ------------------------------------------------------------------ false: integrals with conditions
F("gamma integral on the line", "condition", lambda: (Integral(s**(x-1)*exp(-s), (s, 0, oo)), gamma(x)), symbols="x real", witness={x: R(-1,2)}, note="diverges for x <= 0")
F("across a pole", "condition", lambda: (Integral(1/y**2, (y, -1, 1)), sp.Integer(-2)), symbols="none", witness={}, note="diverges")
F("annealed moment, too large", "condition", lambda: (E(exp(b*y**2/2), a), 1/sqrt(1-a*b)), symbols="a,b>0", witness={a: 2, b: 1}, note="diverges for ab >= 1")
# ------------------------------------------------------------------ false: limits
F("limits do not commute", "limit", lambda: (Limit(Limit(a/(a+b), a, 0, "+"), b, 0, "+"), Limit(Limit(a/(a+b), b, 0, "+"), a, 0, "+")), symbols="a,b>0")
F("two-sided sign", "limit", lambda: (Abs(x)/x, sp.Integer(1)), "tends", "x real", at=(x, 0, "+-"))
F("Euler's limit lost", "limit", lambda: ((1+1/a)**a, sp.Integer(1)), "tends", "a>0", at=(a, oo))
# ------------------------------------------------------------------ false: inequalities
F("a + 1/a > 2", "touch", lambda: (a+1/a, sp.Integer(2)), ">", "a>0", witness={a: 1})
F("square > 0", "touch", lambda: (x**2, sp.Integer(0)), ">", "x real", witness={x: 0})
F("nonnegative > 0", "touch", lambda: (q, sp.Integer(0)), ">", "q>=0", witness={q: 0})
F("cosh > 1", "touch", lambda: ((exp(x)+exp(-x))/2, sp.Integer(1)), ">", "x real", witness={x: 0})
F("AM-GM, strict", "touch", lambda: ((a+b)/2, sqrt(a*b)), ">", "a,b>0", witness={a: 1, b: 1})
F("log N > 0", "point", lambda: (log(N), sp.Integer(0)), ">", "N=1,2,..", witness={N: 1})
F("N - 1 impostors exist", "point", lambda: (N-1, sp.Integer(0)), ">", "N=1,2,..", witness={N: 1})
F("complex log", "complex", lambda: (log(x)**2+100, sp.Integer(0)), ">", "x real", witness={x: -2}, note="not real for x < 0")
F("window of 2e-7 at sqrt 2", "window", lambda: ((x-sqrt(2))**2, e(14)), ">", "x real", witness={x: R(14142136, 10**7)})
F("diagonal of width 1e-6", "window", lambda: ((a-b)**2, e(12)), ">", "a,b>0", witness={a: 1, b: 1})
F("true up to 9000", "far", lambda: (log(1+a), a*e(3)), ">", "a>0", witness={a: 10**4})
F("flat below 1e-3", "far", lambda: (exp(-1/a), e(500)), ">", "a>0", witness={a: e(4)})
F("few samples", "far", lambda: (sp.Integer(5000), N), ">", "N=1,2,..", witness={N: 5000})
F("digamma bound, half", "inequality", lambda: (digamma(a), log(a)-1/(2*a)), ">", "a>0", witness={a: 1})
F("log above a - a^2/2 + a^3/4", "inequality", lambda: (log(1+a), a-a**2/2+a**3/4), ">", "a>0", witness={a: 2}, note="true for a < 0.8 or so")
F("negative times positive", "inequality", lambda: (u*a, sp.Integer(0)), ">", "u<0, a>0", witness={u: -1, a: 1})

# ------------------------------------------------------------------ false, second round: written against a prototype judge, all held
A_, B_ = sp.symbols("A_ B_", commutative=False)
F("exponentials of operators", "noncommutative", lambda: (exp(A_)*exp(B_), exp(A_+B_)), symbols="A,B noncommutative")

