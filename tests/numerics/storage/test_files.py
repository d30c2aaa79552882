import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from numerics.storage import files
from numerics.storage.files import check_directory, write_atomic


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_writing_leaves_one_file_and_replaces_it(tmp_path):
    path = tmp_path / "file"
    for content in (b"old", b"", b"new" * 1000):
        write_atomic(path, content)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


def test_writing_where_it_cannot_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="missing"):
        write_atomic(tmp_path / "missing" / "file", b"x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomic(tmp_path / "taken", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_permissions_of_any_other(tmp_path):
    write_atomic(tmp_path / "atomic", b"x")
    (tmp_path / "plain").write_bytes(b"x")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_two_writers_never_mix(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([k]) * 50_000 for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write_atomic, path, c) for c in contents * 4]
        while not all(w.done() for w in writes):
            assert not path.exists() or path.read_bytes() in contents
    assert all(w.exception() is None for w in writes)
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_there_or_to_come_is_accepted_and_not_made(tmp_path):
    check_directory(tmp_path)
    check_directory(tmp_path / "a" / "b")
    check_directory((tmp_path / "a").relative_to(tmp_path))  # the working directory is tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_directory(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    for directory in (path, path / "below", path / "far" / "below"):
        with pytest.raises(ValueError, match=r"file is not a directory; name another directory"):
            check_directory(directory)


@pytest.mark.skipif(os.access("/", os.W_OK), reason="this user ignores permissions")
def test_a_directory_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    try:
        for directory in (tmp_path, tmp_path / "below"):
            with pytest.raises(ValueError, match="is not writable"):
                check_directory(directory)
    finally:
        tmp_path.chmod(0o700)


def test_a_dangling_link_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at" / "all")
    with pytest.raises(ValueError, match="name another directory"):
        check_directory(tmp_path / "link")
