"""Rules and verdicts, without hints where a test is not about them."""

import pytest


@pytest.fixture(autouse=True)
def _verdicts(request):
    if "hint" not in request.node.name:
        request.getfixturevalue("no_hint")
