"""What was found is kept, by the code that it depends on: a run that was stopped goes on, and redoes what has changed."""

import hashlib
from functools import cache
from pathlib import Path

from tests.mutation.mutants import module
from theory.source import cache_directory, fingerprint, keep, kept
from validation.claims import PREDICTIONS

HERE = Path(__file__).parent
TESTS = HERE.parent / "theory"


def remembered(name, what, find):
    """What `find` returns of an observable, or what it returned before."""
    path = cache_directory() / "mutation" / f"{name}.{what}.{key(name.partition('.')[0], what)}.json"
    found = kept(path)
    if found is None:
        found = find()
        keep(path, found)
    return found


@cache
def key(prediction, what):
    """Changes with what mutants of a prediction, or what catches them in one way, depend on."""
    modules, files = DEPENDS[what](prediction)
    digest = hashlib.sha256(fingerprint(f"theory.predictions.{prediction}", *modules).encode())
    for file in (HERE / "mutants.py", *files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def test_file(prediction):
    """The tests of a prediction."""
    return TESTS / "predictions" / f"test_{prediction}.py"


def _named_in_laws(prediction):
    text = " ".join(module(f"{prediction}.").LAWS.values())
    return [f"theory.predictions.{other}" for other in PREDICTIONS if f"{other}." in text]


DEPENDS = {
    "mutants": lambda prediction: ([], []),
    "laws": lambda prediction: (["validation.properties", *_named_in_laws(prediction)], [HERE / "catching.py"]),
    "second route": lambda prediction: ([], [HERE / "second_route.py", TESTS / "conftest.py", test_file(prediction)]),
    "validate": lambda prediction: (["validation.claims", "validation.claim"], [HERE / "validating.py"]),
    "derivation": lambda prediction: (["theory.lines"], [HERE / "catching.py"]),
}
