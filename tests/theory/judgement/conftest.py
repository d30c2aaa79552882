"""What tests of the judge share."""

import pytest

from theory.judgement.patience import unhurried


@pytest.fixture
def no_hurry():
    """Limits four times as long: what is judged, and not how fast this machine is."""
    with unhurried(4.0):
        yield
