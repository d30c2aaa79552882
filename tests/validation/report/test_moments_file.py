import io

import numpy as np
import pytest

from numerics.gibbs import gibbs_moments
from numerics.storage.sources import open_source
from validation.report.moments_file import SCALARS, content, points, table

X, DATA = (np.random.default_rng(k).standard_normal((n, 2)) for k, n in enumerate((3, 40)))


@pytest.mark.parametrize("covariance", [None, "diagonal", "full"])
def test_the_file_is_read_by_numpy_without_pickles(covariance):
    found = gibbs_moments(X, DATA, [[0.1], [0.5]], covariance=covariance)
    with np.load(io.BytesIO(content(found)), allow_pickle=False) as archive:
        assert ("covariance" in archive) == (covariance is not None)
        for name in (*SCALARS, "mean", "score", *(["covariance"] if covariance else [])):
            assert (archive[name] == getattr(found, name)).all(), name
        assert archive["t"].tolist() == [0.1, 0.5]
        assert (archive["queries"] == X).all()
        assert archive["samples"] == 40


def test_the_table_has_medians_by_time():
    found = gibbs_moments(X, DATA, [[0.1], [0.5], [20.0]])
    heading, empty, names, *rows = table(found).splitlines()
    assert heading == "40 samples, 3 queries, 3 times; medians over the queries:"
    assert not empty
    assert len({len(line) for line in (names, *rows)}) == 1
    for k, row in enumerate(rows):
        numbers = dict(zip(names.split(), map(float, row.split()), strict=True))
        assert numbers["t"] == found.t[k, 0]
        for name in ("log_partition", "energy", "entropy", "participation"):
            assert numbers[name] == pytest.approx(sorted(getattr(found, name)[k])[1], rel=1e-5)


def test_points_are_all_rows(tmp_path):
    np.save(tmp_path / "x.npy", X.astype("float32"))
    found = points(open_source(tmp_path / "x.npy"))
    assert found.dtype == np.float32
    assert (found == X.astype("float32")).all()
