import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import ABSOLUTE, TENT

from sinrelu import formats
from sinrelu.errors import FileAccessError, FormatError, RequestError
from sinrelu.formats import load, save

SUFFIXES = sorted(formats.READERS)


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path):
    return tmp_path / f"network{request.param}"


def leftovers(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if p != path)


def test_save_and_load(path):
    save(TENT, path)
    assert load(path) == TENT
    assert load(str(path)) == TENT
    save(ABSOLUTE, path)
    assert load(path) == ABSOLUTE
    assert leftovers(path) == []


def test_readers_and_writers_go_by_the_same_suffixes():
    assert set(formats.READERS) == set(formats.WRITERS)


def test_formats_agree(tmp_path):
    for first in SUFFIXES:
        for second in SUFFIXES:
            save(TENT.with_meta(remark="σ"), tmp_path / f"a{first}")
            save(load(tmp_path / f"a{first}"), tmp_path / f"b{second}")
            again = load(tmp_path / f"b{second}")
            assert again.sha256 == TENT.sha256
            assert again.meta == {"remark": "σ"}


def test_the_suffix_may_be_in_capitals(tmp_path):
    save(TENT, tmp_path / "T.NPZ")
    assert load(tmp_path / "T.NPZ") == TENT


@pytest.mark.parametrize("name", ["network.txt", "network", "network.npy", ".npz", ""])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    with pytest.raises(RequestError, match=r"unknown suffix; network files end in \.npz, \.json"):
        load(tmp_path / name)
    with pytest.raises(RequestError, match="unknown suffix"):
        save(TENT, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(path):
    with pytest.raises(FileAccessError, match=f"{path.name}: No such file"):
        load(path)


def test_a_missing_directory(path):
    with pytest.raises(FileAccessError, match="No such file or directory"):
        save(TENT, path.parent / "nowhere" / path.name)


def test_a_directory(path):
    path.mkdir()
    with pytest.raises(FileAccessError, match=r"[Ii]s a directory"):
        load(path)
    with pytest.raises(FileAccessError, match=r"[Ii]s a directory"):
        save(TENT, path)
    assert leftovers(path) == []


def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(FileAccessError, match="not a regular file"):
        load(path)


def test_a_name_that_no_system_has(path):
    with pytest.raises(FileAccessError, match="null"):
        load(f"a\0b{path.suffix}")
    with pytest.raises(FileAccessError, match="null"):
        save(TENT, f"a\0b{path.suffix}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_no_permission(path):
    save(TENT, path)
    path.chmod(0)
    with pytest.raises(FileAccessError, match="Permission denied"):
        load(path)
    path.parent.chmod(0o500)
    with pytest.raises(FileAccessError, match="Permission denied"):
        save(ABSOLUTE, path)
    path.parent.chmod(0o700)


def test_permission_denied_by_the_system(path, monkeypatch):
    save(TENT, path)

    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(FileAccessError, match=f"{path.name}: Permission denied"):
            load(path)
    monkeypatch.setattr(formats.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(FileAccessError, match=f"{path.name}: Permission denied"):
        save(ABSOLUTE, path)
    assert load(path) == TENT


def test_a_file_too_large_is_not_read_whole(path):
    with path.open("wb") as stream:
        stream.truncate(2**40)  # sparse: no room is taken
    with pytest.raises(FileAccessError, match="larger than 16 MiB"):
        load(path)


def test_a_malformed_file_is_named(path):
    path.write_bytes(b"\x80 nonsense")
    with pytest.raises(FormatError, match=f"{path.name}: "):
        load(path)


@pytest.mark.parametrize("step", ["fsync", "write", "replace"])
def test_a_failing_write_leaves_the_old_file(path, monkeypatch, step):
    save(TENT, path)
    old = path.read_bytes()

    def fail(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(formats.os, "fsync", fail)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(FileAccessError, match=f"{path.name}: No space left on device"):
        save(ABSOLUTE, path)
    monkeypatch.undo()
    assert path.read_bytes() == old
    assert leftovers(path) == []


def test_an_interrupt_leaves_the_old_file(path, monkeypatch):
    save(TENT, path)

    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(formats.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(ABSOLUTE, path)
    assert load(path) == TENT
    assert leftovers(path) == []


KILLED = """
import os, signal, sys
from sinrelu import formats
formats.os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
formats.write_whole(formats.Path(sys.argv[1]), b"new")
"""
FULL = """
import resource, signal, sys
from sinrelu import formats
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    formats.write_whole(formats.Path(sys.argv[1]), bytes(5000))
except formats.FileAccessError as error:
    sys.exit(str(error))
"""


def run(program: str, path: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_killed_half_way_the_old_file_is_intact(tmp_path):
    path = tmp_path / "network.npz"
    save(TENT, path)
    assert run(KILLED, path).returncode == -9
    assert load(path) == TENT


def test_no_room_left_for_real(tmp_path):
    path = tmp_path / "network.npz"
    save(TENT, path)
    result = run(FULL, path)
    assert (result.returncode, result.stderr) == (1, f"{path}: File too large\n")
    assert load(path) == TENT
    assert leftovers(path) == []


@pytest.mark.parametrize("entry", [float("nan"), float("inf"), object(), {1: 2, "a": 3}])
def test_meta_that_no_reader_would_take_is_not_written(path, entry):
    save(TENT, path)
    with pytest.raises(FormatError, match="meta: does not fit in JSON"):
        save(ABSOLUTE.with_meta(entry=entry), path)
    assert load(path) == TENT


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_permissions_are_kept_and_new_files_follow_the_umask(path, mode):
    save(TENT, path)
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    path.chmod(mode)
    save(ABSOLUTE, path)
    assert path.stat().st_mode & 0o777 == mode
