"""What all tests share: beside other workers each has one thread of the BLAS, or threads wait for those of the others."""

import gc
import os
from importlib import import_module

import pytest
from threadpoolctl import threadpool_limits


def pytest_collection_finish():
    """Fifteen thousand tests are no garbage: no collection of it needs to look at them."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _one_thread_beside_other_workers():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    import_module("scipy.linalg.cython_blas")  # the BLAS of compiled loops: it is to be loaded before it can be found
    with threadpool_limits(1, user_api="blas"):
        yield
