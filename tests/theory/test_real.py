"""What people bring as numbers: its numbers, or a line that says what to do."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from scipy import sparse

from theory.real import brief, plain_array, real_array

TABLE = np.random.default_rng(1).standard_normal((5, 3))
BIG = 2**53 + 1  # the first integer that float64 does not have


class Frame:
    """A data frame as pandas has it: columns by name, each with a dtype of its own."""

    def __init__(self, **columns):
        self._columns = {name: Column(values) for name, values in columns.items()}
        self.columns = list(columns)

    def items(self):
        return self._columns.items()

    def __array__(self, dtype=None, copy=None):
        pytest.fail("together, columns are rounded")


class Column:
    def __init__(self, values, null_count=lambda: 0):
        self.values, self.null_count = values, null_count

    def to_numpy(self):
        return np.asarray(self.values)


class Tensor:
    """A tensor that requires a gradient: NumPy may not look at it until it is detached."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def detach(self):
        return SimpleNamespace(cpu=lambda: TABLE)


class Lazy:
    """A collection of dask, whose conversion by NumPy would forget masks."""

    dask = None

    def __init__(self, value):
        self.value = value

    def compute(self):
        return self.value


class Quantity(np.ndarray):
    unit = "m"


def masked(table, cell):
    mask = np.zeros(table.shape, dtype=bool)
    mask[cell] = True
    return np.ma.masked_array(table, mask)


SAME = {
    "array": TABLE,
    "mask of nothing": np.ma.masked_array(TABLE, mask=False),
    "no mask": np.ma.masked_array(TABLE),
    "matrix": TABLE.view(np.matrix),
    "lists": TABLE.tolist(),
    "tuples of arrays": tuple(TABLE),
    "objects": TABLE.astype(object),
    "long doubles of float64": TABLE.astype(np.longdouble),
    "frame": Frame(a=TABLE[:, 0], b=TABLE[:, 1], c=TABLE[:, 2]),
    "arrow": pyarrow.table({"a": TABLE[:, 0], "b": TABLE[:, 1], "c": TABLE[:, 2]}),
    "to_numpy": Column(TABLE),
    "tensor": Tensor(),
    "lazy": Lazy(TABLE),
    "lazy frame": SimpleNamespace(collect=lambda: Frame(a=TABLE[:, 0], b=TABLE[:, 1], c=TABLE[:, 2])),
}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME)
def test_what_means_numbers_is_taken(value):
    found = real_array(value, "data")
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    assert (found == TABLE).all()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TABLE > 0, TABLE > 0),
        ([[True, 2]], [[1, 2]]),
        ([[2**60, 0.5]], [[2.0**60, 0.5]]),
        ([np.array(1e30), np.array(0.5)], [1e30, 0.5]),
        ([[np.array(1e30), 2]], [[1e30, 2]]),
        (np.array([[2**63]], dtype=np.uint64), [[2.0**63]]),
        ([[Decimal("0.5"), Fraction(1, 4)]], [[0.5, 0.25]]),
        (Frame(a=[2**60], b=[0.5]), [[2.0**60, 0.5]]),
        (TABLE.astype(">f8"), TABLE),
    ],
)
def test_what_float64_holds_becomes_it(value, expected):
    assert (real_array(value, "data") == expected).all()


def test_narrow_floats_and_integers_keep_their_dtype_where_asked():
    for dtype in ("float16", "float32", "int8", "int64", "bool"):
        assert plain_array(np.ones((2, 2), dtype), "data").dtype == dtype
    assert real_array(np.ones((2, 2), "float32"), "data").dtype == np.float32
    array = np.ones((2, 2))
    assert real_array(array, "data") is array


REFUSED = {
    "mask": (masked(TABLE, (3, 2)), r"masked cells, the first at data\[3, 2\]; drop these rows .* or impute them"),
    "rows with masks": (list(masked(TABLE, (3, 2))), r"data\[3\] must not be masked"),
    "lazy mask": (Lazy(masked(TABLE, (3, 2))), r"the first at data\[3, 2\]"),
    "sparse": (sparse.csr_array(TABLE), r"must be a dense array, got the sparse .*csr_array; give its .toarray\(\)"),
    "unit": (TABLE.view(Quantity), "must be numbers without a unit, got .*Quantity; give its value in a unit"),
    "complex": (TABLE + 0j, "must be a numeric array, got dtype complex128; give its real part"),
    "text": (TABLE.astype(str), r"must be a numeric array, got dtype <U.*; convert it with .astype\(float\)"),
    "dates": (np.zeros((2, 2), "M8[s]"), "got dtype datetime64.*; leave dates out"),
    "fields": (np.zeros(3, [("a", float)]), "got dtype .*; numpy.lib.recfunctions.structured_to_unstructured"),
    "ragged": ([[1, 2], [3]], "must be a numeric array, got rows of different lengths"),
    "ragged arrays": ([np.ones(2), np.ones(3)], "got rows of different lengths"),
    "nothing": (None, "must be an array of numbers, got NoneType"),
    "mapping": ({"a": 1}, "must be an array of numbers, got dict; convert it with numpy.asarray"),
    "generator": ((row for row in TABLE), "must be an array of numbers, got generator"),
    "none in objects": (np.array([[1.0, None]], dtype=object), r"data\[0, 1\] is missing \(None\)"),
    "text in objects": (np.array([[1, "a"]], dtype=object), r"got dtype object with str at data\[0, 1\]"),
    "complex in objects": (np.array([[1, 1j]], dtype=object), r"got dtype object with complex at data\[0, 1\]"),
    "arrays in objects": (np.array([[np.ones(2), 1]], dtype=object), r"object with numpy.ndarray at data\[0, 0\]"),
    "nulls": (Column([1.0], lambda: 2), "must be finite, got 2 empty cells"),
    "arrow nulls": (pyarrow.table({"a": [1, None]}), "column 'a' of data must be finite, got 1 empty cells"),
    "text in a frame": (Frame(a=[1.0], b=["x"]), "column 'b' of data must be a numeric array, got dtype <U1"),
    "index in a frame": (Frame(**{"Unnamed: 0": [0, 1], "a": [0.5, 0.1]}), "an index as the column 'Unnamed: 0'"),
    "empty frame": (Frame(), "must not be empty"),
    "integer": (np.array([[1, 2], [3, -BIG]]), r"data\[1, 1\] is -9007199254740993, which float64 cannot hold exactly"),
    "last integer": (np.array([[2**63 - 1]]), r"data\[0, 0\] is 9223372036854775807"),
    "last unsigned": (np.array([[2**64 - 1]], dtype=np.uint64), r"data\[0, 0\] is 18446744073709551615"),
    "integer beside floats": ([[0.5, BIG]], r"data\[0, 1\] is 9007199254740993"),
    "integer column beside floats": (Frame(a=[0.5], b=[BIG]), r"column 'b' of data\[0\] is 9007199254740993"),
    "huge integer": ([[10**400, 1]], r"data\[0, 0\] is 1000000000000000000000000000000000000000, which"),
    "fraction": ([[Fraction(1, 3)]], r"data\[0, 0\] is 1/3, which float64 cannot hold exactly"),
    "long double": (TABLE + np.longdouble(1) / 3, r"data\[0, 0\] is .*, which float64 cannot hold exactly"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_is_refused_in_a_line(value, message):
    with pytest.raises(ValueError, match=message) as caught:
        real_array(value, "data")
    assert "\n" not in str(caught.value)


def test_missing_floats_are_left_to_those_who_look_for_them():
    found = real_array(np.array([[1.0, np.nan]], dtype=np.longdouble), "data")
    assert np.isnan(found[0, 1])


def test_rows_are_numbered_from_the_first():
    with pytest.raises(ValueError, match=r"data\[41, 0\] is 9007199254740993"):
        plain_array(np.array([[1], [BIG]]), "data", first=40)


@pytest.mark.skipif(np.finfo(np.longdouble).eps == np.finfo(np.float64).eps, reason="long double is float64 here")
def test_long_doubles_beyond_the_range_of_float64_are_refused():
    with pytest.raises(ValueError, match=r"data\[0, 0\] is 1e\+400, which float64"):
        real_array(np.array([[np.longdouble("1e400")]]), "data")


def test_one_number_of_any_kind_is_an_array_without_axes():
    for value in (2, 2.0, Fraction(1, 2), Decimal("0.25"), np.float16(2)):
        assert float(real_array(value, "t")) == float(value)
    with pytest.raises(ValueError, match="which float64 cannot hold exactly"):
        real_array(10**400, "t")


def test_values_are_shown_in_a_line():
    assert "\n" not in brief(np.eye(3))
    assert brief("a" * 200) == "'" + "a" * 79 + "..."
