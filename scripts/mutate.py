"""Put one-line faults into the trusted code, one at a time, and see that a test notices each.

The package and its tests are copied to a temporary directory; the fault is applied there and the
tests named beside it are run there, up to the first failure. Exit status: 0 if every fault is
caught, 1 if one survives, 2 if a line to be changed is no longer in the code exactly once, or if
the tests fail without any fault.

Usage: scripts/mutate [WORD]... [--list] [--jobs N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600
"""After which a fault counts as caught: the tests hang."""


def main() -> int:
    """Run the faults asked for and report each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="WORD", help="only faults with a word in name or file"
    )
    parser.add_argument("--list", action="store_true", help="list the faults and stop")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time")
    options = parser.parse_args()
    faults = [f for f in FAULTS if named(f, options.names)]
    if options.list:
        for fault in faults:
            print(f"{fault.file}: {fault.name}: {fault.line!r} -> {fault.wrong!r}")
        return 0
    unfit = [fault for fault in faults if is_stale(fault)]
    for fault in unfit:
        print(f"stale     {fault.file}: {fault.name}: {fault.line!r} is not there exactly once")
    if unfit:
        return 2
    tests = " ".join(sorted({name for fault in faults for name in fault.tests.split()}))
    failure = first_failure(None, tests)
    if failure:
        print(f"the tests fail without any fault: {failure}")
        return 2
    with ThreadPoolExecutor(options.jobs) as pool:
        failures = pool.map(lambda fault: first_failure(fault, fault.tests), faults)
        survivors = sum(report(*pair) for pair in zip(faults, failures, strict=True))
    print(f"{len(faults) - survivors} of {len(faults)} faults caught")
    return 1 if survivors else 0


def named(fault: Fault, words: list[str]) -> bool:
    """Whether a fault is asked for: all are, if there are no words."""
    return not words or any(word in f"{fault.file}: {fault.name}" for word in words)


def is_stale(fault: Fault) -> bool:
    """Whether the line to be changed is not in the code exactly once."""
    return (ROOT / "sinrelu" / fault.file).read_text().count(fault.line) != 1


def report(fault: Fault, failure: str) -> bool:
    """Print what became of a fault; return whether it survived."""
    print(
        f"{'caught' if failure else 'SURVIVED'}  {fault.file}: {fault.name}  {failure}", flush=True
    )
    return not failure


def first_failure(fault: Fault | None, tests: str) -> str:
    """Run tests on a copy of the package with a fault; return the first to fail, or nothing."""
    with tempfile.TemporaryDirectory(prefix="sinrelu-mutate-") as directory:
        copy = Path(directory)
        for name in ("sinrelu", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if fault:
            file = copy / "sinrelu" / fault.file
            file.write_text(file.read_text().replace(fault.line, fault.wrong))
        places = (name.rpartition("/") for name in tests.split())
        found = (next((copy / "tests" / at).rglob(f"test_{name}.py")) for at, _, name in places)
        return run(copy, [str(path) for path in found])


def run(directory: Path, files: list[str]) -> str:
    """Run test files in a directory up to the first failure; return its name, or nothing."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--hypothesis-seed=1"]
    command += ["-k", "not record_network", *files]
    environment = os.environ | {"PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        result = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    if result.returncode == 0:
        return ""
    lines = result.stdout.splitlines()
    failed = [line.split()[1] for line in lines if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else "".join(lines[-1:]) or result.stderr[-200:]


if __name__ == "__main__":
    sys.exit(main())
