import inspect
import pickle
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.theory.conftest import PREDICTIONS, observe, prediction
from theory.observable import KINDS, Observable, gaussian_only, observable, observables
from theory.setting import Setting

DECLARED = [(name, about) for name in PREDICTIONS for about in observables(prediction(name)).values()]
NAMES = {(name, about.name): about for name, about in DECLARED}
each = pytest.mark.parametrize(("name", "about"), DECLARED, ids=[f"{name}.{about.name}" for name, about in DECLARED])
SUFFIXES = {
    "limit": ("asymptotic",),
    "leading": ("leading", "annealed", "typical"),
    "published": ("published",),
    "model": ("gaussian", "kernel"),
}
SMALL = Setting.of("1x2,0.25x2", samples=20, times=np.array([0.1, 0.6]))
SMALLER = Setting.of("1x4", samples=20, times=np.array([0.3]))  # for what takes seconds where subspaces are two


@each
def test_what_is_declared_is_at_the_function(name, about):
    function = getattr(prediction(name), about.name)
    assert function.observable is about
    assert pickle.loads(pickle.dumps(function)) is function
    assert list(inspect.signature(function).parameters) == ["setting"]
    assert about.name in prediction(name).__all__
    assert about.symbol
    letters = {"time": "T", "training": "S", "subspace": "K", "sample": "N", "bulk": "3", "place": "3"}
    shape = "shape " + f"({', '.join(letters[d] for d in about.dims)})" if about.dims else "a number"
    shape = shape.replace(")", ",)") if len(about.dims) == 1 else shape
    assert f"\nReturns:\n    {shape}, " in function.__doc__


def test_observables_come_in_the_order_of_definition():
    source = inspect.getsource(prediction("condensation"))
    found = list(observables(prediction("condensation")))
    assert found == sorted(found, key=lambda name: source.index(f"def {name}("))
    assert "collapse_time" not in observables(prediction("condensation"))


@each
def test_an_approximation_is_named_after_what_it_approximates(name, about):
    if about.of is None:
        return
    exact = NAMES[name, about.of]
    assert about.name in {f"{exact.name.removesuffix('_exact')}_{suffix}" for suffix in SUFFIXES[about.kind]}
    assert about.dims == exact.dims
    assert about.scaling == exact.scaling
    assert exact.kind == "exact" or about.kind in ("model", "published")


@each
def test_a_name_says_no_other_kind(name, about):
    said = [kind for kind, suffixes in SUFFIXES.items() if about.name.endswith(suffixes)]
    assert said in ([], [about.kind])
    if said and about.kind != "leading":  # of the orders in 1/N some approximate what has no exact value here
        assert about.of


@each
def test_it_scales_as_declared(name, about):
    """Cheap observables all over their domain in test_collapse; here all of them, at one setting."""
    c, setting = 3.0, SMALLER if about.slow else SMALL
    parts = [(c**2 * s.variance, s.dimension) for s in setting.manifold.subspaces]
    scaled = Setting.of(parts, samples=setting.samples, times=c**2 * setting.times)
    plain, found = observe(name, about.name, setting), observe(name, about.name, scaled)
    if about.scaling is None:
        assert not np.allclose(found, plain)
        return
    np.testing.assert_allclose(found, c**about.scaling * plain, rtol=1e-5 if "generalization" in about.name else 1e-8)


def remedied(about, setting):
    """With a kernel, of a mixture, where that is followed: without either some observables are the same at every x."""
    if "bandwidth" in about.follows:
        setting = setting.at(bandwidth=0.02)
    return setting.at(ensemble="mixture", separation=2.0) if "mixture" in about.ensembles else setting


@each
def test_what_follows_x_is_declared_to(name, about):
    setting = SMALLER if about.slow else SMALL
    everywhere = remedied(about, SMALL.at(times=setting.times))
    own = observe(name, about.name, setting.at(query="trajectory"))
    if about.anywhere:
        near, far = (observe(name, about.name, everywhere.at(point=(r, 1.0, 0.5, r / 2))) for r in (1.2, 1.5))
        counts = {"time": setting.t.size, "subspace": 1 if about.directions else 2}
        shape = tuple(counts.get(dim, 2) for dim in about.dims)
        assert near.shape == shape
        assert (near != far).any()
        assert not np.isnan(own).any()
    else:
        np.testing.assert_array_equal(own, observe(name, about.name, setting))


@each
def test_other_ensembles_are_refused(name, about):
    sphere = SMALL.at(ensemble="sphere")
    if "sphere" in about.ensembles:
        assert np.isfinite(observe(name, about.name, sphere)).all()
    else:
        with pytest.raises(
            ValueError,
            match=f"{about.name} is derived for the {' and '.join(about.ensembles)} ensemble, got 'sphere'; geomem",
        ):
            observe(name, about.name, sphere)


@each
def test_a_temperature_or_a_bandwidth_that_is_not_followed_is_refused(name, about):
    for remedy, value in (("temperature", 2.0), ("bandwidth", 0.1)):
        if remedy not in about.follows:
            with pytest.raises(ValueError, match=f"{about.name} is of the empirical score itself, with {remedy} "):
                observe(name, about.name, SMALL.at(**{remedy: value}))


def test_the_gaussian_ensemble_alone():
    with pytest.raises(ValueError, match="it is derived for the gaussian ensemble, got 'sphere'; geomem simulate"):
        gaussian_only(Setting.of("1x2", ensemble="sphere"), "it")
    gaussian_only(Setting.of("1x2"), "it")


def test_a_declaration_is_checked():
    with pytest.raises(
        ValueError, match=r"dims of f must be from time, training, .*, sample, in that order, got .'space',."
    ):
        Observable("f", ("space",), "exact", "f")
    with pytest.raises(ValueError, match=r"must be one of exact, limit, .* got 'true'"):
        Observable("f", (), "true", "f")
    assert set(KINDS) >= set(SUFFIXES)


def test_a_module_has_the_observables_it_defines():
    @observable("time", "subspace", kind="exact", symbol="f")
    def f(setting):
        """F."""
        return setting.samples

    module = ModuleType(__name__)
    module.g = f
    assert observables(module) == {"g": f.observable}
    assert f.observable.shape == "(T, K)"
    assert f(SMALL) == 20
    assert inspect.getdoc(f).startswith("F.\n\nReturns:\n    shape (T, K), at every N and D.\n\nRaises:")
    module.__name__ = "another"
    assert observables(module) == {}


@pytest.mark.parametrize("slow", [True, False])
def test_what_takes_seconds_has_one_thread_of_the_blas(slow):
    def threads(*_):
        """How many."""
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    import_module("scipy.linalg.cython_blas")  # with a BLAS of its own
    with threadpool_limits(3, user_api="blas"):
        before = threads()
        found = observable(kind="exact", symbol="n", scaling=0, slow=slow)(threads)(Setting.of("1x1"))
        assert threads() == before
    assert found == ({1} if slow and before else before)
