"""Lines of this field's style, true and false, to judge the judge by: what it was shown, and what its authors wrote."""

from tests.theory.identities import own, shown

LINES = [*shown.LINES, *own.LINES]
