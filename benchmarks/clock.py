"""Time: interleaved rounds, what the machine can do at best, and which machine it is."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from validation.manifest import git_state

__all__ = ["clock", "floor", "machine", "rates", "rounds", "synchronizer"]

STAT = Path("/proc/stat")
RATE_ROUNDS = 5
LEAST = 0.1  # seconds of a measurement; what is quicker is repeated within it
DISTURBED = 0.1  # share of the processors, of a tenth of a second; it is told in hundredths of a second
PAUSE = 0.05  # worker threads wait busily for a while after their work
PACKAGES = (
    "geomem", "numpy", "scipy", "scikit-learn", "numba", "torch", "triton", "jax", "jaxlib", "pykeops",
)  # fmt: skip


def synchronizer(device: str) -> Callable[[], None]:
    """What has to be waited for before a clock is read."""
    if device == "cpu":
        return lambda: None
    import torch

    return torch.cuda.synchronize


def clock(run: Callable[[], Any], wait: Callable[[], None] = lambda: None, least: float = 0.0) -> float:
    """Seconds of a run, the mean over as many as fill `least` seconds."""
    wait()
    count, start, elapsed = 0, time.perf_counter(), -1.0
    while elapsed < least:
        run()
        wait()
        count, elapsed = count + 1, time.perf_counter() - start
    return elapsed / count


def rounds(
    runs: Mapping[str, Callable[[], Any]],
    repeats: int,
    wait: Callable[[], None] = lambda: None,
    patience: float = 0.0,
) -> tuple[dict[str, list[float]], float | None]:
    """Seconds of each, in rounds A B C A B C ..., so that a machine that slows down slows down everyone.

    Also the share of the processors that other processes had meanwhile. While patience lasts, in seconds, a measurement that
    they disturbed is repeated.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    shares = []
    deadline = time.monotonic() + patience
    for _ in range(repeats):
        for name, run in runs.items():
            time.sleep(PAUSE)
            seconds, share = _watched(run, wait)
            while share > DISTURBED and time.monotonic() < deadline:
                time.sleep(1)
                seconds, share = _watched(run, wait)
            times[name].append(seconds)
            shares.append(share)
    return times, max(0.0, float(np.mean(shares))) if STAT.exists() else None


def _watched(run: Callable[[], Any], wait: Callable[[], None]) -> tuple[float, float]:
    """Seconds of a run, and the share of the processors that other processes had, as far as Linux tells."""
    before, start = _others(), time.perf_counter()
    seconds = clock(run, wait, LEAST)
    return seconds, (_others() - before) / (time.perf_counter() - start) / (os.cpu_count() or 1)


def _others() -> float:
    """Seconds that all processors were busy with other processes."""
    if not STAT.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, STAT.read_text().split()[1:11])
    own = resource.getrusage(resource.RUSAGE_SELF)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - own.ru_utime - own.ru_stime


def rates(dtype: str, threads: int, device: str = "cpu", patience: float = 0.0) -> dict[str, float]:
    """The best of several: floating-point operations a second of a large matrix product, and exponentials a second."""
    measure = _large_of_torch(dtype, device) if device == "cuda" else _large_of_numpy(dtype, threads)
    work, runs = (
        {name: count for name, (count, _) in measure.items()},
        {name: run for name, (_, run) in measure.items()},
    )
    times, _ = rounds(runs, RATE_ROUNDS, synchronizer(device), patience)
    return {name: work[name] / min(times[name]) for name in work}


def _large_of_numpy(dtype: str, threads: int, n: int = 2048) -> dict[str, tuple[float, Callable[[], Any]]]:
    """How much work each is, and the work: a product on the threads of BLAS, exponentials in the caches of all cores."""
    a = np.random.default_rng(0).random((n, n), dtype=np.dtype(dtype).type)
    out = np.empty_like(a)
    block = np.linspace(-10, 0, 2**15, dtype=dtype)
    pool, own, times = ThreadPoolExecutor(threads), [np.empty_like(block) for _ in range(threads)], 200

    def exponentials(results: np.ndarray) -> None:
        for _ in range(times):
            np.exp(block, out=results)

    return {
        "flops": (2 * n**3, lambda: np.matmul(a, a, out=out)),
        "exponentials": (threads * times * block.size, lambda: list(pool.map(exponentials, own))),
    }


def _large_of_torch(dtype: str, device: str, n: int = 8192) -> dict[str, tuple[float, Callable[[], Any]]]:
    import torch

    torch.set_float32_matmul_precision("highest")
    a = torch.rand((n, n), dtype=getattr(torch, dtype), device=device)
    out = torch.empty_like(a)
    return {
        "flops": (2 * n**3, lambda: torch.mm(a, a, out=out)),
        "exponentials": (n**2, lambda: torch.exp(a, out=out)),
    }


def floor(size: tuple[int, int, int], rate: Mapping[str, float], products: int = 2) -> float:
    """Seconds of so many matrix products of N x M x D at that rate, and for two of them also of the N x M exponentials."""
    N, M, D = size
    return products * 2 * N * M * D / rate["flops"] + (N * M / rate["exponentials"] if products == 2 else 0)


def machine(threads: int, device: str) -> dict[str, Any]:
    """What a time is worth nothing without."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "platform": platform.platform(terse=True),
        "gpu": _gpu() if device == "cuda" else None,
        "versions": {"python": platform.python_version(), **{p: v for p in PACKAGES if (v := _version(p))}},
        "blas": _blas(),
        "git": git_state(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or platform.machine()


def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> list[str]:
    """The BLAS libraries that are loaded, each with the folder it was found in."""
    pools = [p for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"]
    names = [[str(p[key]) for key in ("internal_api", "version", "architecture") if p.get(key)] for p in pools]
    return sorted(f"{' '.join(n)} ({Path(p['filepath']).parent.name})" for n, p in zip(names, pools, strict=True))
