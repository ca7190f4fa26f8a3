import contextlib
import errno
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from graphs import ABSOLUTE, TENT

from sinrelu import formats
from sinrelu.errors import FileAccessError, FormatError, MissingExtraError, RequestError
from sinrelu.formats import check_suffix, check_writable, load, save, write_whole

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


def test_what_is_read_is_written_and_c_is_written_besides():
    assert {*formats.READERS, ".c"} == set(formats.WRITERS)


@pytest.mark.parametrize("name", ["sin.c", "sin.C", "sin.h"])
def test_c_files_are_never_read(tmp_path, name):
    file = tmp_path / name
    file.write_text("double sinrelu_sin(double x);")
    with pytest.raises(RequestError, match=rf"{name}: C files are only written, never read; .*npz"):
        load(file)


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


def test_a_name_as_long_as_the_system_allows(path):
    longest = path.with_name("n" * (255 - len(path.suffix)) + path.suffix)
    save(TENT, longest)
    assert load(longest) == TENT
    longer = longest.with_name(f"n{longest.name}")
    for write in (check_writable, partial(save, TENT)):
        with pytest.raises(FileAccessError, match="name too long"):
            write(longer)
    assert leftovers(longest) == []


@pytest.mark.parametrize("there", [True, False])
def test_what_a_link_leads_to_is_written_and_the_link_stays(path, there):
    (path.parent / "far").mkdir()
    end, middle = path.parent / "far" / path.name, path.with_name("middle")
    middle.symlink_to(Path("far", path.name))
    path.symlink_to(middle)
    if there:
        save(TENT, end)
        end.chmod(0o640)
    check_writable(path)
    assert end.exists() == there
    save(ABSOLUTE, path)
    assert path.is_symlink()
    assert middle.is_symlink()
    assert load(end) == load(path) == ABSOLUTE
    assert not there or end.stat().st_mode & 0o777 == 0o640
    assert leftovers(end) == []


def test_links_that_lead_nowhere(path):
    path.symlink_to(path)
    with pytest.raises(FileAccessError, match="symbolic links"):
        save(TENT, path)
    path.unlink()
    path.symlink_to(path.parent / "missing" / path.name)
    with pytest.raises(FileAccessError, match="No such file or directory"):
        check_writable(path)


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_writable(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        write_whole(pipe, b"content")
        assert read.result() == b"content"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert leftovers(pipe) == []


def test_a_device_is_written_to():
    null = Path(os.devnull)
    check_writable(null)
    write_whole(null, b"content")
    assert stat.S_ISCHR(null.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_device():
    with pytest.raises(FileAccessError, match="/dev/full: No space left on device"):
        write_whole(Path("/dev/full"), b"content")


STDOUT = """
import sys
from sinrelu import formats
print("first", flush=True)
try:
    formats.write_whole(formats.Path(sys.argv[1]), b"content\\n")
except formats.FileAccessError as error:
    print(error, flush=True)
"""


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no name for stdout")
def test_the_name_of_stdout(tmp_path):
    """A pipe is written to; a file that the shell writes to as well stays the one it writes to."""
    assert run(STDOUT, Path("/dev/stdout")).stdout == "first\ncontent\n"
    file = tmp_path / "out"
    for name in (Path("/dev/stdout"), file):
        with file.open("w") as stream:
            number = os.fstat(stream.fileno()).st_ino
            command = [sys.executable, "-c", STDOUT, str(name)]
            subprocess.run(command, stdout=stream, check=True)
        refused = f"{name}: what is printed goes to this file as well; name another"
        assert file.read_text() == f"first\n{refused}\n"
        assert file.stat().st_ino == number
        assert leftovers(file) == []


def test_a_trial_touches_nothing(path):
    check_writable(path)
    assert list(path.parent.iterdir()) == []
    save(TENT, path)
    before = path.read_bytes(), path.stat()
    check_writable(path)
    assert (path.read_bytes(), path.stat()) == before
    assert leftovers(path) == []


@pytest.mark.parametrize("write", [check_writable, partial(save, TENT)])
def test_a_file_that_may_not_be_written(path, write, monkeypatch):
    save(ABSOLUTE, path)
    path.chmod(0o444)
    monkeypatch.setattr(formats.os, "access", lambda *_, **__: False)  # root always may
    monkeypatch.setattr(formats.os, "supports_effective_ids", {formats.os.access})
    with pytest.raises(FileAccessError, match=f"{path.name}: Permission denied"):
        write(path)
    assert load(path) == ABSOLUTE


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_format_needs_is_asked_for_first(tmp_path, monkeypatch, suffix):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for act in (check_suffix, load):
        with (
            pytest.raises(MissingExtraError, match=r"sinrelu\[onnx\]")
            if suffix == ".onnx"
            else contextlib.suppress(FileAccessError)
        ):
            act(tmp_path / f"a{suffix}")


def test_meta_that_nests_too_deeply_is_refused(path, monkeypatch):
    """JSON reads it, but to copy it takes two calls a level."""
    nested = f'{{"a": {"[" * 500}{"]" * 500}}}'
    for module in (formats.json, formats.npz, formats.onnx):
        monkeypatch.setattr(module, "meta_text", lambda network: nested)
    save(TENT, path)
    with pytest.raises(FormatError, match=rf"{re.escape(str(path))}: meta: nested too deeply"):
        load(path)
