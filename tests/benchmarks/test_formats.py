import pytest

from benchmarks import formats


def test_every_format_is_timed_and_nothing_is_left(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(formats, "BLOCK", 700)
    formats.main(["--samples", "2000", "--dimension", "3", "--repeats", "1", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2,000 x 3 float32, 16 queries, 3 times"
    assert [line.split("  ")[0] for line in lines[2:6]] == ["in memory", ".npy", "Parquet", "Zarr"]
    assert not list(tmp_path.iterdir())


def test_a_format_with_another_answer_is_found(tmp_path, monkeypatch):
    written = formats._written

    def one_longer(folder, samples, dimension):
        sources = written(folder, samples, dimension)
        return sources | {"in memory": sources["in memory"] + 1}

    monkeypatch.setattr(formats, "_written", one_longer)
    with pytest.raises(AssertionError, match="in memory"):
        formats.main(["--samples", "500", "--dimension", "3", "--repeats", "1", "--folder", str(tmp_path)])
