"""What commands write: refused before the work if it cannot be written, and never lost together."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sinrelu import build, formats
from sinrelu.cli import run
from sinrelu.errors import FileAccessError
from sinrelu.formats import save
from sinrelu.verification import sampling

WORK = (
    "constructions.build",
    "verification.verify",
    "layers.training.train",
    "compare.compare_all",
    "formats.load",
)
OUTPUTS = {
    "build -o": ("a.npz", "build", "-o"),
    "convert": ("a.json", "convert", "in.npz"),
    "train -o": ("a.npz", "train", "-o"),
    "train --plot": ("a.svg", "train", "--plot"),
    "compare --plot": ("a.pdf", "compare", "--plot"),
    "verify --plot": ("a.png", "verify", "in.npz", "--plot"),
    "verify --certificate": ("a.proof", "verify", "in.npz", "--certificate"),
    "plot -o": ("a.png", "plot", "in.npz", "-o"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run every test in a folder with one network in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sampling, "RANDOM_POINTS", 1000)
    save(build(tol=0.1), tmp_path / "in.npz")
    return tmp_path


@pytest.fixture
def no_work(monkeypatch):
    """Let all work fail that would come before the output."""

    def work(*_, **__):
        raise AssertionError("this should not have begun")

    for name in WORK:
        monkeypatch.setattr(f"sinrelu.{name}", work)


@pytest.fixture(params=OUTPUTS)
def command(request):
    """Return the usual name of an output, and a function that asks for another."""
    name, *arguments = OUTPUTS[request.param]
    return name, lambda other: run([*arguments, str(other)])


def refused(status, capsys, name):
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith(f"sinrelu: {name}: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.usefixtures("no_work")
class TestBeforeTheWork:
    @pytest.mark.parametrize(
        ("place", "reason"),
        [
            ("missing/{}", "No such file or directory"),
            ("in.npz/{}", "Not a directory"),
            ("n" * 300 + "{}", "File name too long"),
            ("directory{}", "Is a directory"),
        ],
    )
    def test_a_place_where_nothing_can_be(self, command, capsys, place, reason):
        name, ask = command
        wrong = Path(place.format(name))
        if place.startswith("directory"):
            wrong.mkdir()
        before = sorted(Path().iterdir())
        assert reason in refused(ask(wrong), capsys, wrong)
        assert sorted(Path().iterdir()) == before

    def test_a_suffix_of_no_format(self, command, capsys):
        name, ask = command
        if not name.endswith(".proof"):
            assert "unknown suffix" in refused(ask("a.txt"), capsys, "a.txt")

    @pytest.mark.parametrize("step", ["fsync", "access"])
    def test_a_full_disk_and_a_file_that_may_not_be_written(
        self, command, capsys, monkeypatch, step
    ):
        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        name, ask = command
        Path(name).write_text("old")
        replaced = full if step == "fsync" else lambda _, mode, **__: mode != os.W_OK
        monkeypatch.setattr(formats.os, step, replaced)
        monkeypatch.setattr(formats.os, "supports_effective_ids", {os.access})
        reason = "No space left" if step == "fsync" else "Permission denied"
        assert reason in refused(ask(name), capsys, name)
        assert Path(name).read_text() == "old"
        assert sorted(path.name for path in Path().iterdir()) == sorted(["in.npz", name])

    @pytest.mark.parametrize(
        ("options", "name"), [((), "sin.npz"), (("--tol", "1e-40"), "sin.json")]
    )
    def test_a_default_name(self, capsys, options, name):
        Path(name).mkdir()
        assert "Is a directory" in refused(run(["build", *options]), capsys, name)

    def test_weights_that_a_format_does_not_hold(self, capsys):
        status = run(["build", "--tol", "1e-300", "-o", "a.npz"])
        assert "go to .json only" in refused(status, capsys, "a.npz")

    def test_one_name_for_two_files(self, capsys):
        twice = ("--certificate", "a.png", "--plot", "./a.png")
        over = ("--certificate", "in.npz")
        for options in (twice, over):
            status = run(["verify", "in.npz", *options])
            assert "one file cannot be two" in refused(
                status, capsys, f"in.npz, {options[1]}" + (", a.png" if options is twice else "")
            )
        Path("a.png").symlink_to("in.npz")
        status = run(["plot", "in.npz", "-o", "a.png"])
        assert "one file cannot be two" in refused(status, capsys, "in.npz, a.png")


def failing(name):
    def write(file, _):
        raise FileAccessError(f"{file}: {name}")

    return write


@pytest.mark.parametrize("failed", [["c.proof"], ["a.svg"], ["c.proof", "a.svg"]])
def test_one_file_that_cannot_be_written_costs_nothing_else(capsys, monkeypatch, failed):
    places = {"c.proof": "sinrelu.formats.write_whole", "a.svg": "sinrelu.plots.style.write_whole"}
    for name in failed:
        monkeypatch.setattr(places[name], failing("broken"))
    status = run(
        ["verify", "in.npz", "--tol", "0.5", "--certificate", "c.proof", "--plot", "a.svg"]
    )
    out, err = capsys.readouterr()
    assert (status, out.count("\nverdict ")) == (2, 1)
    assert err == f"sinrelu: {'; '.join(f'{name}: broken' for name in failed)}\n"
    assert [name for name in places if not Path(name).exists()] == failed


def test_a_training_is_not_lost_with_its_file(capsys, monkeypatch):
    monkeypatch.setattr("sinrelu.formats.write_whole", failing("broken"))
    status = run(["train", "--steps", "1", "--connections", "9", "--plot", "a.svg"])
    out, err = capsys.readouterr()
    assert (status, err.splitlines()[-1]) == (2, "sinrelu: trained.npz: broken")
    assert "last loss" in out
    assert Path("a.svg").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_report_that_cannot_be_printed_costs_no_file():
    command = [sys.executable, "-m", "sinrelu", "verify", "in.npz", "--tol", "0.1", "--json"]
    command += ["--certificate", "c.proof"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert Path("c.proof").exists()


def test_a_certificate_is_written_to_a_pipe():
    line = "$S verify in.npz --tol 0.1 --certificate /dev/stdout | cat"
    environment = {**os.environ, "S": f"{sys.executable} -m sinrelu"}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=False)
    assert done.stdout.index(b"\nverdict ") < done.stdout.index(b'"verdict": "proved"')
    assert done.stderr == b""
