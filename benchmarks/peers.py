"""Contestants: the engine, and what one would use in its place, each in the strongest form found.

`prepare(x, y, t, device)` takes NumPy arrays of the dtype that is timed and returns the function that is timed. Whatever a
peer can do with the samples beforehand (norms, copies, a tree, compilation) is done in `prepare`; the engine has nothing
done beforehand. The answer is a dictionary with `log_partition`, `mean`, or more of what `GibbsMoments` has.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from numerics.arrays import slices, to_device
from numerics.gibbs import gibbs_moments

__all__ = ["CONTESTANTS", "ENGINE", "STATISTICS", "Contestant", "missing"]

Answer = dict[str, Any]
STATISTICS = ("log_partition", "mean", "energy", "energy_variance", "entropy", "participation", "largest_weight")
LOWEST = {"float32": -np.inf, "float64": -700.0}  # float64 np.exp has a slow path below -708
NUMPY_BLOCK, TORCH_BLOCK, JAX_BLOCK = 128, 128, 1000
COLUMN_UP_TO = 64  # dimensions; above, |y|^2 as one more column costs XLA more than an addition


@dataclass(frozen=True)
class Contestant:
    """One way to compute Gibbs averages, or some of them.

    Attributes:
        computes: what comes out of the timed call.
        prepare: (x, y, t, device) to the function that is timed.
        needs: the modules it imports.
        slow: so slow at high D that its time is estimated before it is let run.
    """

    name: str
    library: str
    computes: str
    prepare: Callable[[np.ndarray, np.ndarray, float, str], Callable[[], Answer]]
    needs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = ("float64", "float32")
    slow: bool = False


def missing(contestant: Contestant) -> list[str]:
    """The modules it needs that are not installed."""
    return [module for module in contestant.needs if importlib.util.find_spec(module) is None]


def engine(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    queries, data = (to_device(a, device, str(a.dtype)) for a in (x, y))

    def run() -> Answer:
        moments = gibbs_moments(queries, data, t)
        return {name: getattr(moments, name) for name in (*STATISTICS, "score", "error") if hasattr(moments, name)}

    return run


def numpy_blocks(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    """What one writes first, in blocks that fit a cache; BLAS has its threads, the rest has one."""
    x_energy, y_energy = ((a**2).sum(axis=1) / (2 * t) for a in (x, y))
    lowest = LOWEST[str(x.dtype)]

    def of(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        weights = (x[rows] / t) @ y.T
        weights -= y_energy
        top = weights.max(axis=1)
        weights -= top[:, None]
        if lowest > -np.inf:
            np.maximum(weights, lowest, out=weights)
        np.exp(weights, out=weights)
        total = weights.sum(axis=1)
        return top + np.log(total) - x_energy[rows], (weights @ y) / total[:, None]

    def run() -> Answer:
        log_partition, mean = zip(*map(of, slices(len(x), NUMPY_BLOCK)), strict=True)
        return {"log_partition": np.concat(log_partition), "mean": np.concat(mean)}

    return run


def torch_attention(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    """Attention with q = x, k = v = y, scale 1/t and the bias -|y|^2/2t as a mask that is broadcast."""
    q, k, bias = _on_torch(x, y, t, device)
    from torch.nn.functional import scaled_dot_product_attention as attention

    q, k, bias = q[None, None], k[None, None], bias[None, None, None]
    return lambda: {"mean": attention(q, k, k, attn_mask=bias, scale=1 / t)[0, 0]}


def torch_products(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    return _in_blocks(_two_products, *_on_torch(x, y, t, device), t)


def torch_compiled(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    return _in_blocks(_compiled(_two_products), *_on_torch(x, y, t, device), t)


def torch_flex(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    from torch.nn.attention.flex_attention import flex_attention

    attention = _compiled(flex_attention)
    q, k, bias = _on_torch(x, y, t, device)
    q, k = q[None, None], k[None, None]

    def biased(score: Any, batch: Any, head: Any, query: Any, key: Any) -> Any:
        return score + bias[key]

    return lambda: {"mean": attention(q, k, k, score_mod=biased, scale=1 / t)[0, 0]}


def _on_torch(x: np.ndarray, y: np.ndarray, t: float, device: str) -> tuple[Any, Any, Any]:
    """x, y and -|y|^2/2t, with TF32 products switched off."""
    import torch

    torch.set_float32_matmul_precision("highest")
    queries, data = (torch.from_numpy(a).to(device) for a in (x, y))
    return queries, data, -(data**2).sum(1) / (2 * t)


def _compiled(function: Any) -> Any:
    import torch

    torch._dynamo.config.cache_size_limit = 256  # shapes; it gives up after eight otherwise
    return torch.compile(function, dynamic=False)


def _two_products(scaled: Any, y: Any, bias: Any) -> Any:
    return (scaled @ y.T + bias).softmax(-1) @ y


def _in_blocks(function: Any, x: Any, y: Any, bias: Any, t: float) -> Callable[[], Answer]:
    """Blocks of queries on a CPU, where they fit a cache; all at once on a GPU."""
    import torch

    scaled = x / t
    parts = scaled.split(TORCH_BLOCK) if x.device.type == "cpu" else [scaled]
    return lambda: {"mean": torch.cat([function(part, y, bias) for part in parts])}


def jax_score(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    return _jax_scan(x, y, t, everything=False)


def jax_everything(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    return _jax_scan(x, y, t, everything=True)


def _jax_scan(x: np.ndarray, y: np.ndarray, t: float, *, everything: bool) -> Callable[[], Answer]:
    """Online softmax: a compiled scan over blocks of samples that rescales its sums whenever the maximum grows."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    D = x.shape[1]
    column = D <= COLUMN_UP_TO
    lowest = -1e30 if x.dtype == np.float32 else -1e300  # the log weight of the rows that fill the last block
    bias = -(y**2).sum(axis=1) / (2 * t)
    padding = -len(y) % JAX_BLOCK
    values = np.pad(y, ((0, padding), (0, 0))) if padding else y
    bias = np.pad(bias, (0, padding), constant_values=lowest)
    scaled = np.concat([x / t, np.ones_like(x[:, :1])], axis=1) if column else x / t

    def blocked(a: np.ndarray) -> Any:
        return jnp.asarray(a.reshape(-1, JAX_BLOCK, *a.shape[1:]))

    stored = blocked(values)
    keys = blocked(np.concat([values, bias[:, None]], axis=1)) if column else stored
    blocks = [keys, stored, blocked(bias)]

    def product(a: Any, b: Any) -> Any:
        return jnp.matmul(a, b, precision="highest")

    def step(carry: Any, block: Any, queries: Any) -> tuple[Any, None]:
        top, total, mean, *sums = carry
        keys, values, bias = block
        logits = product(queries, keys.T)
        logits = logits if column else logits + bias
        new = jnp.maximum(top, logits.max(axis=1))
        shrink = jnp.exp(top - new)
        e = jnp.exp(logits - new[:, None])
        if everything:
            gap = jnp.maximum(top - new, -700.0)
            square, first, second = sums
            u = jnp.maximum(logits - new[:, None], -700.0)
            sums = [
                square * shrink**2 + (e * e).sum(axis=1),
                (first + gap * total) * shrink + (e * u).sum(axis=1),
                (second + 2 * gap * first + gap**2 * total) * shrink + (e * u * u).sum(axis=1),
            ]
        return (new, total * shrink + e.sum(axis=1), mean * shrink[:, None] + product(e, values), *sums), None

    @jax.jit
    def run(queries: Any, x_energy: Any, blocks: Any) -> Answer:
        zero = jnp.zeros(queries.shape[0], queries.dtype)
        start = (zero - jnp.inf, zero, jnp.zeros((queries.shape[0], D), queries.dtype), *(3 * [zero] * everything))
        (top, total, mean, *sums), _ = jax.lax.scan(lambda c, b: step(c, b, queries), start, blocks)
        answer = {"mean": mean / total[:, None]}
        if everything:
            square, first, second = sums[0] / total**2, sums[1] / total, sums[2] / total
            answer |= {
                "log_partition": top + jnp.log(total) - x_energy,
                "energy": x_energy - top - first,
                "energy_variance": second - first**2,
                "entropy": jnp.log(total) - first,
                "participation": square,
                "largest_weight": 1 / total,
            }
        return answer

    queries, x_energy = jnp.asarray(scaled), jnp.asarray((x**2).sum(axis=1) / (2 * t))
    return lambda: jax.block_until_ready(run(queries, x_energy, blocks))


def keops(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    """A reduction compiled for the formula; direct differences, no matrix product."""
    import pykeops

    pykeops.set_verbose(False)
    import torch
    from pykeops.torch import LazyTensor

    queries, data = (torch.from_numpy(a).to(device) for a in (x, y))
    lazy_x, lazy_y = LazyTensor(queries[:, None, :]), LazyTensor(data[None, :, :])
    return lambda: {"mean": (-lazy_x.sqdist(lazy_y) / (2 * t)).sumsoftmaxweight(lazy_y, axis=1)}


def sklearn_density(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    """A k-d tree, on one thread, told that an error of 1e-8 is welcome."""
    from sklearn.neighbors import KernelDensity

    density = KernelDensity(bandwidth=t**0.5, rtol=1e-8).fit(y)
    return lambda: {"log_partition": _log_partition(density.score_samples(x), y, t)}


def scipy_density(x: np.ndarray, y: np.ndarray, t: float, device: str) -> Callable[[], Answer]:
    """A compiled loop, on one thread. Its bandwidth multiplies the covariance of the samples; here the kernel's is t."""
    from scipy.stats import gaussian_kde

    class Isotropic(gaussian_kde):
        def _compute_covariance(self) -> None:
            identity = np.eye(self.d, dtype=y.dtype)
            self.covariance, self.cho_cov = t * identity, t**0.5 * identity
            self.log_det = self.d * np.log(2 * np.pi * t)

    density = Isotropic(y.T)
    return lambda: {"log_partition": _log_partition(density.logpdf(x.T), y, t)}


def _log_partition(log_density: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
    return log_density + np.log(len(y)) + y.shape[1] / 2 * np.log(2 * np.pi * t)


EVERYWHERE = ("cpu", "cuda")
ENGINE = "engine"
CONTESTANTS = (
    Contestant(ENGINE, "geomem", "all", engine, devices=EVERYWHERE),
    Contestant("numpy", "NumPy", "score, log Z", numpy_blocks),
    Contestant("torch-sdpa", "torch", "score", torch_attention, ("torch",), EVERYWHERE),
    Contestant("torch-products", "torch", "score", torch_products, ("torch",), EVERYWHERE),
    Contestant("torch-compile", "torch", "score", torch_compiled, ("torch",), EVERYWHERE),
    Contestant("torch-flex", "torch", "score", torch_flex, ("torch",), ("cuda",)),
    Contestant("jax-score", "JAX", "score", jax_score, ("jax",)),
    Contestant("jax-all", "JAX", "all", jax_everything, ("jax",)),
    Contestant("keops", "KeOps", "score", keops, ("torch", "pykeops"), EVERYWHERE, slow=True),
    Contestant("sklearn", "KDE", "log Z", sklearn_density, ("sklearn",), dtypes=("float64",), slow=True),
    Contestant("scipy", "KDE", "log Z", scipy_density, ("scipy",), slow=True),
)
