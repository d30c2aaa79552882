import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from numerics import data
from numerics.data import Mixture, Resampled, draw, load, log_density, noise, score
from tests.numerics.conftest import PROPERTY, Trap
from theory.setting import LinearManifold, Setting

# a test statistic beyond its quantile at this level fails: a false alarm in a million seeds, and there are ten of them
ALARM = 1e-6


def second_moments_fit(samples, covariance):
    """Whether 2 x the likelihood ratio of the covariance is a chi-square draw, means taken as zero."""
    n, D = samples.shape
    S = np.linalg.solve(covariance, samples.T @ samples / n)
    statistic = n * (np.trace(S) - np.linalg.slogdet(S)[1] - D)
    return statistic < stats.chi2.isf(ALARM, D * (D + 1) / 2)


def means_fit(samples, mean, covariance):
    away = samples.mean(axis=0) - mean
    return len(samples) * away @ np.linalg.solve(covariance, away) < stats.chi2.isf(ALARM, samples.shape[1])


# -- the ensembles


def test_gaussian_moments(rng):
    setting = Setting.of(LinearManifold(((2.0, 2), (0.1, 1)), 5))
    samples = draw(setting, 20000, rng)
    assert samples.shape == (20000, 5)
    assert (samples[:, 3:] == 0).all()
    covariance = np.diag([2.0, 2.0, 0.1])
    assert means_fit(samples[:, :3], np.zeros(3), covariance)
    assert second_moments_fit(samples[:, :3], covariance)
    assert not second_moments_fit(samples[:, :3], np.diag([2.2, 2.0, 0.1]))  # the test can fail
    for d, variance in enumerate((2.0, 2.0, 0.1)):
        assert stats.kstest(samples[:, d] / np.sqrt(variance), "norm").pvalue > ALARM


def test_sphere_moments(rng):
    setting = Setting.of(LinearManifold(((1.5, 4),), 6), ensemble="sphere")
    samples = draw(setting, 20000, rng)
    np.testing.assert_allclose(np.linalg.norm(samples, axis=1), np.sqrt(6.0), rtol=1e-14)
    assert (samples[:, 4:] == 0).all()
    assert means_fit(samples[:, :4], np.zeros(4), 1.5 * np.eye(4))
    # a component squared over the radius squared is Beta(1/2, 3/2)
    assert stats.kstest(samples[:, 0] ** 2 / 6, stats.beta(0.5, 1.5).cdf).pvalue > ALARM


def test_sphere_of_two_variances(rng):
    setting = Setting.of("1.0x3,0.01x5", ensemble="sphere")
    samples = draw(setting, 500, rng)
    np.testing.assert_allclose((samples**2).sum(axis=1), 3.05, rtol=1e-13)
    assert (samples[:, :3] ** 2).sum() > 20 * (samples[:, 3:] ** 2).sum()


def test_draws_are_their_generator(rng):
    setting = Setting.of("1.0x3")
    first = draw(setting, 4, np.random.default_rng(3))
    assert (first == draw(setting, 4, np.random.default_rng(3))).all()
    assert (first != draw(setting, 4, rng)).all()


MIXTURE = Mixture(
    weights=(0.3, 0.7), means=((2.0, 0.0), (-1.0, 1.0)), factors=(((1.0, 0.0), (0.5, 0.2)), ((0.3, 0.0), (0.0, 2.0)))
)


def test_mixture_moments(rng):
    parts = MIXTURE.parts()
    mean = parts["weights"] @ parts["means"]
    away = parts["means"] - mean
    covariance = np.einsum("a,aij->ij", parts["weights"], parts["covariances"] + away[:, :, None] * away[:, None, :])
    samples = MIXTURE(20000, rng)
    assert samples.shape == (20000, 2)
    assert means_fit(samples, mean, covariance)
    # second moments entry by entry: 3 at 5 sigma, a false alarm in 6e5
    products = np.einsum("ni,nj->nij", samples - mean, samples - mean)
    error = products.std(axis=0) / np.sqrt(len(samples))
    assert (np.abs(products.mean(axis=0) - covariance) < 5 * error).all()


def test_mixture_components_are_gaussian(rng):
    one = Mixture((1.0,), ((1.0, 2.0, 3.0),), (((1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.1)),))
    covariance = one.parts()["covariances"][0]
    np.testing.assert_allclose(covariance, [[1, 1, 0], [1, 2, 0], [0, 0, 0.01]])
    assert second_moments_fit(one(20000, rng) - [1, 2, 3], covariance)


def test_resampling(rng):
    source = rng.standard_normal((7, 2))
    samples = Resampled(source)(7000, rng)
    which = (samples[:, None, :] == source).all(axis=2)
    assert (which.sum(axis=1) == 1).all()
    assert stats.chisquare(which.sum(axis=0)).pvalue > ALARM


def test_noise(rng):
    clean = np.full((20000, 2), 3.0)
    assert second_moments_fit(noise(clean, 0.25, rng) - 3, 0.25 * np.eye(2))
    assert (clean == 3).all()


@PROPERTY
@given(log_t=st.floats(-6, 6), seed=st.integers(0, 2**32 - 1))
def test_score_and_density_of_the_distribution(log_t, seed):
    manifold, t = LinearManifold(((2.0, 1), (0.01, 1)), 3), 10**log_t
    x = np.random.default_rng(seed).standard_normal((4, 3)) * np.sqrt(manifold.spectrum + t)
    expected = stats.multivariate_normal(np.zeros(3), np.diag(manifold.spectrum + t)).logpdf(x)
    np.testing.assert_allclose(log_density(x, t, manifold), expected, rtol=1e-9, atol=1e-9)
    for d in range(3):
        h = 1e-5 * np.sqrt(manifold.spectrum[d] + t) * np.eye(3)[d]
        slope = (log_density(x + h, t, manifold) - log_density(x - h, t, manifold)) / (2 * h[d])
        np.testing.assert_allclose(score(x, t, manifold)[:, d], slope, rtol=1e-5, atol=1e-5 / np.sqrt(t))


# -- data sets of users

TABLE = np.arange(12.0).reshape(4, 3) ** 2


def saved(folder, name, table=TABLE):
    path = folder / name
    match path.suffix:
        case ".npy":
            np.save(path, table)
        case ".npz":
            np.savez(path, table)
        case ".csv":
            np.savetxt(path, table, delimiter=",")
        case ".parquet":
            columns = {f"c{k}": column for k, column in enumerate(np.asarray(table).T)}
            pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


@pytest.mark.parametrize("suffix", data.FORMATS)
def test_every_format(tmp_path, suffix):
    name, samples = load(saved(tmp_path, f"my data{suffix}"))
    assert name == "my data"
    assert samples.dtype == np.float64
    assert (samples == TABLE).all()


def test_every_format_has_a_reader():
    assert tuple(data._READERS) == data.FORMATS


def test_suffixes_in_capitals(tmp_path):
    saved(tmp_path, "a.npy")
    (tmp_path / "a.npy").rename(tmp_path / "a.NPY")
    assert load(str(tmp_path / "a.NPY"))[1].shape == (4, 3)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint16", ">f8", "bool"])
def test_every_number_becomes_float64(tmp_path, dtype):
    table = (TABLE % 5).astype(dtype)
    samples = load(saved(tmp_path, "a.npy", table))[1]
    assert samples.dtype == np.float64
    assert (samples == table.astype(float)).all()


def test_images_are_flattened(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3), dtype=np.uint8)
    samples = load(saved(tmp_path, "a.npy", images))[1]
    assert (samples == images.reshape(5, 48)).all()


def test_fortran_order(tmp_path):
    assert (load(saved(tmp_path, "a.npy", np.asfortranarray(TABLE)))[1] == TABLE).all()


def test_digits():
    name, samples = load("digits")
    assert name == "digits"
    assert samples.shape == (1797, 64)


def test_an_archive_of_several_with_data_among_them(tmp_path):
    np.savez(tmp_path / "a.npz", data=TABLE, labels=np.arange(4), names=np.array([None, {}], dtype=object))
    assert (load(str(tmp_path / "a.npz"))[1] == TABLE).all()


def test_an_archive_of_several(tmp_path):
    np.savez(tmp_path / "a.npz", train=TABLE, test=TABLE)
    with pytest.raises(ValueError, match=r"it holds 2 arrays \(train, test\) and none is called data"):
        load(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n5,6\n",
        "a,b\n1,2\n3,4\n5,6\n",
        '"a b","c,d"\n1,2\n3,4\n5,6\n',
        '"1","2"\n"3","4"\n"5","6"\n',
        "a,0\n1,2\n3,4\n5,6\n",
        "1,2\r\n3,4\r\n5,6\r\n",
        "\ufeff1,2\n3,4\n5,6\n",
        "\ufeffa,b\n1,2\n3,4\n5,6\n",
        "1,2\n\n3,4\n5,6",
        " 1, 2\n 3, 4\n5e0,+6\n",
    ],
)
def test_tables_in_text(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert load(str(path))[1].tolist() == [[1, 2], [3, 4], [5, 6]]


def test_pickles_are_refused_and_not_opened(tmp_path):
    trap = tmp_path / "sprung"
    objects = np.empty((4, 3), dtype=object)
    objects[...] = Trap(trap)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", data=objects)
    for name in ("c.npy", "c.npz"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap(trap)))
    for name in ("a.npy", "b.npz", "c.npy", "c.npz"):
        with pytest.raises(ValueError, match="cannot read"):
            load(str(tmp_path / name))
    assert not trap.exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert trap.exists()  # the trap works


def refused(source, message, **options):
    with pytest.raises(ValueError, match=message) as caught:
        load(str(source), **options)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize("source", ["", "data", "data.txt", "data.xlsx", "data.npy.gz", "Digits", "/", "."])
def test_unknown_formats(source):
    refused(source, r"data must be one of .npy, .npz, .csv, .parquet or the word digits, got '")


@pytest.mark.parametrize("suffix", data.FORMATS)
def test_files_that_are_none(tmp_path, suffix):
    missing = refused(tmp_path / f"a{suffix}", "data file not found: '")
    assert f"a{suffix}" in missing
    (tmp_path / f"b{suffix}").mkdir()
    refused(tmp_path / f"b{suffix}", "data file not found: '")
    refused(tmp_path / f"a\0{suffix}", "data file not found: '")
    refused(tmp_path / ("a" * 300 + suffix), "cannot read .*: File name too long")


@pytest.mark.parametrize("suffix", data.FORMATS)
@pytest.mark.parametrize("content", [b"", b"garbage\n" * 20, bytes(range(256)) * 4, b"\0" * 100])
def test_files_of_garbage(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    refused(path, f"cannot read .* as {suffix}: .|must hold at least 3 samples")


@pytest.mark.parametrize("suffix", data.FORMATS)
def test_files_cut_short(tmp_path, suffix):
    path = Path(saved(tmp_path, f"a{suffix}", np.random.default_rng(0).standard_normal((500, 3))))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + (0 if suffix != ".csv" else 5)])
    if suffix != ".csv":
        refused(path, "cannot read")


@pytest.mark.parametrize(
    ("inside", "outside"), [(".npz", ".npy"), (".npy", ".npz"), (".csv", ".npy"), (".npy", ".csv")]
)
def test_files_under_the_wrong_suffix(tmp_path, inside, outside):
    path = Path(saved(tmp_path, f"a{inside}")).rename(tmp_path / f"a{outside}")
    refused(path, f"cannot read .* as {outside}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_files_that_may_not_be_read(tmp_path):
    path = Path(saved(tmp_path, "a.npy"))
    path.chmod(0)
    refused(path, "cannot read .*[Pp]ermission denied")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,x\n5,6\n", "could not convert string 'x'"),
        ("a,b\n1,2\n3,\n5,6\n", "could not convert string ''"),
        ("1,,3\n4,5,6\n7,8,9\n1,2,3\n", "could not convert string ''"),
        ("1,2\n3,4,5\n6,7\n", "number of columns changed"),
        ("1;2\n3;4\n5;6\n", "could not convert string"),
        ("a,b\n", "must hold at least 3 samples"),
        ("a,b\n1,2\n3,4\n", r"must hold at least 3 samples, got shape \(2, 2\)"),
        ("1,2\n3,nan\n5,6\n", "must be finite, got NaN or infinite entries; drop or impute them first"),
        ("1,2\n3,-inf\n5,6\n", "must be finite"),
        ("1,2\n3,1e999\n5,6\n", "must be finite"),
        ("1,2\n3,1+2j\n5,6\n", "could not convert string"),
        ("1,2\n1,2\n1,2\n", "must vary, got a constant data set"),
    ],
)
def test_bad_tables_in_text(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(path, message)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.float64(3), r"must hold a table \(samples, dimensions\), got shape \(\)"),
        (np.arange(5.0), r"must hold a table \(samples, dimensions\), got shape \(5,\)"),
        (np.ones((2, 3)), r"must hold at least 3 samples, got shape \(2, 3\)"),
        (np.ones((0, 3)), r"must hold at least 3 samples, got shape \(0, 3\)"),
        (np.ones((5, 0)), r"must hold at least 3 samples, got shape \(5, 0\)"),
        (np.ones((5, 2)), "must vary, got a constant data set: every sample is the same point"),
        (TABLE * 1j, "must hold real numbers, got dtype complex128"),
        (TABLE.astype(str), "must hold real numbers, got dtype <U"),
        (TABLE.astype("M8[s]"), "must hold real numbers, got dtype datetime64"),
        (np.zeros((4, 3), dtype=[("a", float)]), "must hold real numbers, got dtype"),
        (np.where(TABLE == 4, np.nan, TABLE), "must be finite, got NaN or infinite entries"),
        (np.where(TABLE == 4, np.inf, TABLE), "must be finite, got NaN or infinite entries"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_bad_arrays(tmp_path, suffix, table, message):
    refused(saved(tmp_path, f"a{suffix}", table), message)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x", "y", "z"]}, "must hold real numbers, got dtype object"),
        ({"a": [[1, 2], [3, 4], [5, 6]]}, "must hold real numbers, got dtype object"),
        ({"a": [1, None, 3]}, "must be finite"),
        ({"a": [1, 2, 3], "b": ["x", "y", "z"]}, "must hold real numbers, got dtype object"),
        ({}, "cannot read"),
    ],
)
def test_bad_columns(tmp_path, columns, message):
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", message)


@pytest.mark.parametrize("suffix", data.FORMATS)
def test_more_than_memory(tmp_path, suffix):
    path = saved(tmp_path, f"a{suffix}")
    load(path, largest=8 * TABLE.size)
    refused(path, "takes .* GiB in float64; audit a subsample of it", largest=8 * TABLE.size - 1)


def test_more_than_memory_before_it_is_read(tmp_path):
    # the file is a hole in the disk, a GiB wide
    path = tmp_path / "a.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype="float64", shape=(2**14, 2**13))
    refused(path, "takes 1.0 GiB in float64", largest=2**20)


def test_out_of_memory(tmp_path, monkeypatch):
    def fail(path):
        raise MemoryError

    monkeypatch.setitem(data._READERS, ".npz", fail)
    refused(saved(tmp_path, "a.npz"), "does not fit into memory; audit a subsample of it")
