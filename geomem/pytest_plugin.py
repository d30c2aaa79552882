"""What pytest runs: the marker `laws`, one test for each law of a formula, and the fixture `assert_laws`.

@pytest.mark.laws(my_kl, like="kl_bound.kl_exact")
def test_my_kl(law):
    law()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["assert_laws", "pytest_configure", "pytest_generate_tests"]

MARKER = (
    "laws(function, *, dims=None, laws=None, like=None, accuracy=1e-9): a test `law()` for each law (validation.laws)"
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each law, where a test has the marker and takes `law`."""
    marker = metafunc.definition.get_closest_marker("laws")
    if marker is None or "law" not in metafunc.fixturenames:
        return
    from validation.laws import each_law

    tests = each_law(*marker.args, **marker.kwargs)
    metafunc.parametrize("law", tests.values(), ids=tests)


@pytest.fixture(name="assert_laws")
def assert_laws() -> Callable[..., Any]:
    """`validation.laws.assert_laws`."""
    from validation.laws import assert_laws

    return assert_laws
