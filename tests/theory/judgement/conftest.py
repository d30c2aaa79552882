"""Verdicts alone: what is said beside a refuted line takes as long as the line, and has tests of its own."""

import pytest

from theory.judgement import judge


@pytest.fixture(autouse=True)
def _no_hint(request, monkeypatch):
    if "hint" not in request.node.name:
        monkeypatch.setattr(judge, "FOR_A_HINT", 0.0)
