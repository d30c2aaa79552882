"""Tests of the tables of a page that a run of some predictions rewrites."""

from __future__ import annotations

import pytest

from validation.report.overview import merged

PAGE = """# Page
<!-- seen -->
| Claim | Sees |
|---|---|
| `a.one` | 1 % |
| `b.two` | 2 % |
| `gone` | 9 % |
<!-- end -->
"""


def test_what_was_run_is_new_and_the_rest_stays_in_the_order_declared():
    new = "| Claim | Sees errors of |\n|---|---|\n| `c.three` | 3 % |\n| `a.one` | 4 % |"
    found = merged(PAGE, "seen", new, ["c.three", "a.one", "b.two", "never"])
    assert found.splitlines() == [
        "| Claim | Sees errors of |",
        "|---|---|",
        "| `c.three` | 3 % |",
        "| `a.one` | 4 % |",
        "| `b.two` | 2 % |",
    ]


def test_a_page_without_the_table_is_refused():
    with pytest.raises(ValueError, match="expected <!-- other --> and <!-- end --> round a table"):
        merged(PAGE, "other", "| Claim |\n|---|", [])
