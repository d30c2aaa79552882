"""Rules and verdicts, without hints where a test is not about them."""

import pytest

from theory.judgement.patience import unhurried


@pytest.fixture(autouse=True)
def _verdicts(request):
    if "hint" not in request.node.name:
        request.getfixturevalue("no_hint")


@pytest.fixture
def as_users_ask():
    """To find that there is no proof takes all the time there is."""
    with unhurried(1.0):
        yield
