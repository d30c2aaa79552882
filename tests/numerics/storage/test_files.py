import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from numerics.storage import files
from numerics.storage.files import check_directory, check_sum, same_file, write_atomic


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


def test_a_full_disk_names_the_file_and_the_remedy(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"^cannot write .*sum.npz: No space left on device; free space there") as caught:
        write_atomic(tmp_path / "sum.npz", b"x")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from numerics.storage import files
files.os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
files.write_atomic(Path(sys.argv[1]), b"half")
"""


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path):
    path = tmp_path / "sum [1].npz"  # with characters that mean something to glob
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == -9
        assert len(list(tmp_path.iterdir())) == 1
    write_atomic(path, b"whole")
    assert list(tmp_path.iterdir()) == [path]


def test_what_others_may_still_write_stays(tmp_path):
    path = tmp_path / "file"
    mine = tmp_path / f".file.{files._here()}-{os.getpid()}-abcd.tmp"
    elsewhere, foreign, old = (tmp_path / f".file.{part}.tmp" for part in ("zzzzzz-1-abcd", "x", "zzzzzz-1-old"))
    for other in (mine, elsewhere, foreign, old):
        other.write_bytes(b"")
    os.utime(old, (time.time() - 2 * files.ABANDONED,) * 2)
    write_atomic(path, b"x")
    assert set(tmp_path.iterdir()) == {path, mine, elsewhere, foreign}


def test_one_file_by_many_names(tmp_path):
    there, other = tmp_path / "x.npy", tmp_path / "y.npy"
    there.write_bytes(b"x")
    other.write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    (tmp_path / "soft.npy").symlink_to(there)
    (tmp_path / "hard.npy").hardlink_to(there)
    spellings = ("sub/../x.npy", "link/../x.npy", "soft.npy", "hard.npy", "./x.npy", "../" + tmp_path.name + "/x.npy")
    for spelling in spellings:
        assert same_file(tmp_path / spelling, there)
        assert not same_file(tmp_path / spelling, other)
    assert same_file(tmp_path / "link" / "to_come", tmp_path / "sub" / "to_come")
    assert not same_file(tmp_path / "to_come", tmp_path / "sub" / "to_come")


def test_a_check_sum_knows_how_its_parts_are_parted():
    sums = {check_sum(*parts) for parts in ((), (b"",), (b"ab",), (b"a", b"b"), (b"", b"ab"), (b"ac",))}
    assert len(sums) == 6
    assert {len(one) for one in sums} == {32}


def test_a_file_system_that_takes_no_file_is_refused_whatever_its_permissions_say():
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc")
    with pytest.raises(ValueError, match="/proc is not writable; name another directory"):
        check_directory(Path("/proc/geomem-output"))
