"""One thread of the BLAS: where matrices are small its threads wait for one another, beside other work ten times as long."""

from __future__ import annotations

import functools
import threading
from importlib import import_module
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["OneThreadEach", "controller"]

_lock = threading.Lock()
_users = 0
_limiter: Any = None


@functools.cache
def controller() -> ThreadpoolController:
    """Of every BLAS there is."""
    import_module("scipy.linalg.cython_blas")  # the BLAS of compiled loops: it is to be loaded before it can be found
    return ThreadpoolController()


class OneThreadEach:
    """The BLAS of the whole process on one thread, until the last user is done: its setting knows no nesting."""

    def __enter__(self) -> None:
        global _users, _limiter
        with _lock:
            if _users == 0:
                _limiter = controller().limit(limits=1, user_api="blas")
            _users += 1

    def __exit__(self, *error: object) -> None:
        global _users, _limiter
        with _lock:
            _users -= 1
            if _users == 0 and _limiter is not None:
                _limiter.restore_original_limits()
                _limiter = None
