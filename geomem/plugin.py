"""What hypothesis runs when it is imported: whoever has geomem can draw its types by `from_type` and by annotation.

Everybody's tests pay for this, so it imports nothing: a type is registered once its module has been imported, and the
strategies are imported when the first is asked for.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["STRATEGIES", "register"]

STRATEGIES = {
    "theory.network": {"Network": "networks"},
    "theory.setting": {
        "LinearManifold": "manifolds",
        "Schedule": "schedules",
        "Setting": "settings",
        "Subspace": "subspaces",
    },
    "numerics.data": {"Mixture": "mixtures"},
}
"""By module and type, what draws it in `validation.strategies`."""
HOME = Path(__file__).parents[1]


def register() -> None:
    """Register the types of the modules that there are, and those of the others when they come."""
    for module in STRATEGIES:
        if module in sys.modules:
            _register(sys.modules[module])
        else:
            sys.meta_path.insert(0, _Awaited(module))


def _register(module: ModuleType) -> None:
    from hypothesis import strategies as st

    if Path(str(module.__file__)).parent.parent != HOME:  # another project's, of that name
        return
    for name, strategy in STRATEGIES[module.__name__].items():
        st.register_type_strategy(getattr(module, name), partial(_strategy, strategy))


def _strategy(name: str, _: type) -> Any:
    return getattr(import_module("validation.strategies"), name)()


class _Awaited(MetaPathFinder):
    """Finds a module as others do, and registers its types once it has been loaded."""

    def __init__(self, module: str) -> None:
        self.module = module

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of the module that is awaited, and of no other."""
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """Another loader, and the types registered after it."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the other."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the other, which is its loader from then on."""
        module.__loader__ = self.loader
        if module.__spec__:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        _register(module)
