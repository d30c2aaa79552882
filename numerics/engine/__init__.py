"""The engine: every Gibbs average of a block of samples at a block of queries, by one of four ways.

    gibbs_moments (numerics.gibbs) checks what is asked and cuts it into blocks; the way of each is, in this order,

    tiling      few dimensions: direct differences, tiles of samples too far away are skipped
    screening   concentrated weights: rounded products find the candidates, float64 differences weigh them
    panels      everything else, compiled: a panel of queries against a block of samples
    dense       everything else, by the array library's own products: torch, CuPy, JAX, and NumPy without numba
    gpu         a fused kernel, experimental: it has not run on a GPU yet

Samples stand as numerics.engine.layout says, with the bound on rounding; all ways end in a GibbsMoments
(numerics.moments), and those add up. compiled/ holds the loops, and nothing outside this room imports it.
"""
