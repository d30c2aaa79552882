"""Lines of this field's style, true and false, to judge the judge by: what it was shown, and what was written against it."""

from tests.theory.identities import adversarial, foreign, own, shown

LISTS = {"shown": shown.LINES, "own": own.LINES, "adversarial": adversarial.LINES, "foreign": foreign.LINES}
LINES = [line for lines in LISTS.values() for line in lines]
