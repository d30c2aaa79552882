"""geomem: the front door to theory, numerics and validation. What it names is imported when it is asked for.

>>> import geomem
>>> moments = geomem.gibbs_moments(x, data, t=0.1)
>>> found = geomem.audit("digits", geomem.load("digits")[1])
"""

# no imports here: what is imported first decides where from, and `python -m geomem` begins in the working folder

_WHERE = {
    "EmpiricalDensity": "numerics.estimator",
    "GibbsMoments": "numerics.gibbs",
    "LinearManifold": "theory.setting",
    "Setting": "theory.setting",
    "audit": "validation.audit",
    "compare": "validation.compare",
    "gibbs_moments": "numerics.gibbs",
    "gibbs_moments_of": "numerics.partitions",
    "load": "numerics.data",
}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> object:
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("geomem")
    if name not in _WHERE:
        raise AttributeError(f"geomem has no {name!r}; it has {', '.join(_WHERE)}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
