"""The engine: every Gibbs average of a block of samples at a block of queries, by one of five ways.

    gibbs_moments (numerics.gibbs) checks what is asked and cuts it into blocks; the way of each is, in this order (ways),

    tiling      few dimensions: direct differences, tiles of samples too far away are skipped
    screening   concentrated weights: rounded products find the candidates, float64 differences weigh them
    products    everything else, compiled, by products of a chunk of queries and a block of samples
    dense       everything else, by the array library's own products: torch, CuPy, JAX, and NumPy without numba
    gpu         a fused kernel, experimental: it has not run on a GPU yet

posterior_means (numerics.gibbs) goes the way of sets, which takes many small data sets at once, compiled or dense.

Samples stand as layout says, with the bound on rounding; all ways end in a GibbsMoments (numerics.moments), and those add
up. compiled/ holds the loops, door says who can use them, and nothing outside this room imports either.

    Question    what is asked of the samples: temperature, covariance, basis, tolerance
    Samples     a data set and what has been laid out of it; Measured is how large it is, Rows how it stands for products
    S           minus half the squared distance of a query and a sample, up to what all samples share; bound: its rounding
    e, u        the weight in units of the largest, and its logarithm; to weigh is to make e of S and add up
    Weights     the sums of e, e^2, e u and e u^2 at one time; Sums is what compiled loops keep of all times at once
    candidate   a sample that may matter by its rounded S; candidates wait (Waiting), and settle when they are weighed
    block, part samples worked on together; chunk: queries; tile: neighbours within a ball; Room: where a block is laid out
"""
