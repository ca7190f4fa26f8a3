import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parent.parent / "scripts" / "fuzz.py"


def fuzz(tmp_path, *options) -> subprocess.CompletedProcess:
    command = [sys.executable, str(FUZZ), "--failures", str(tmp_path / "failures"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_thousands_of_broken_files_give_a_network_or_an_error(tmp_path):
    result = fuzz(tmp_path, "--inputs", "4000", "--seed", "3")
    assert (result.returncode, result.stderr) == (0, "")
    assert [line.split()[0] for line in result.stdout.splitlines()] == [".npz", ".json", ".onnx"]
    assert result.stdout.count(" 0 failures") == 3


def test_the_fuzzer_finds_a_reader_that_trusts_its_input(tmp_path):
    """The same script with a reader of plain numpy in place of ours must find failures."""
    careless = """
import io, runpy, sys
import numpy as np
from sinrelu import formats
from sinrelu.formats.npz import from_arrays

def loads(content):
    with np.load(io.BytesIO(content)) as entries:
        return from_arrays(entries)

formats.READERS[".npz"] = loads
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
    options = ["--inputs", "300", "--failures", str(tmp_path / "failures")]
    command = [sys.executable, "-c", careless, str(FUZZ), *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert list((tmp_path / "failures").glob("*.npz"))
