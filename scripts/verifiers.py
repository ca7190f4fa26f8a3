"""Run network verifiers on a benchmark whose answers are known, and say where each is right.

Usage: scripts/verifiers [DIR] [--verifier VERIFIER]... [--limit 20] [--jobs 2] [--write]

DIR is what `sinrelu benchmark DIR` wrote. VERIFIER is `marabou` (the default; it gets an
environment of its own, .venv-marabou) or NAME='COMMAND with {onnx} {vnnlib} {timeout}', whose
command prints sat, unsat, unknown, timeout or error on a line, and after sat its point, as
((X_0 0.5) (Y_0 1.5)) or as VNN-LIB 2.0 has it. Each run is killed 5 seconds after its limit.

Answers are held against truth.csv, and points that are claimed to be counterexamples against the
network in exact arithmetic. Every run is a line of DIR/results.csv (--results), and what is there
already is not run again; what is there of other benchmarks or verifiers stays. With --write
docs/verifiers.md, .png and .csv are brought up to date; without DIR, from the .csv.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from timing import ROOT, processor, refreshed, told
from verifier_answers import GRACE, Instance, TruthError, ask, instances
from verifier_page import PAGE, PICTURE, outcomes_figure, sections
from verifier_results import Result, read_results, table_of

from sinrelu.errors import FileAccessError, FormatError, RequestError, SinreluError
from sinrelu.formats import check_writable, write_whole

TABLE = PAGE.with_suffix(".csv")
LIMIT = 20.0
"""Seconds: a default benchmark takes at most a quarter of an hour, two at a time, on two cores."""
MARABOU = "marabou"
MARABOU_VENV = ROOT / ".venv-marabou"
MARABOU_PYTHON = MARABOU_VENV / "bin" / "python"
READERS = ("numpy<2", "onnx==1.16.2", "onnxruntime<2", "vnnlib==0.0.1.post1")
MARABOU_PACKAGES = ("maraboupy==2.0.0", *READERS)
MARABOU_COMMAND = "scripts/verifier_marabou.py {onnx} {vnnlib} {timeout}"
MARABOU_PYTHONS = ("3.11", "3.10", "3.9")
"""Those that the index has wheels of maraboupy 2.0.0 for."""


@dataclass(frozen=True)
class Verifier:
    """What is run: its name and version, and a command with places for files and time limit."""

    name: str
    template: str

    def command(self, instance: Instance, limit: float) -> list[str]:
        """Return the words of the command for an instance."""
        folder = instance.folder.resolve()
        places = {"onnx": folder / instance.onnx, "vnnlib": folder / instance.vnnlib}
        words = [anchored(word) for word in shlex.split(self.template)]
        return [word.format(**places, timeout=f"{limit:g}") for word in words]


def anchored(word: str) -> str:
    """Name a file from here, or of the repository, from everywhere: verifiers run elsewhere."""
    places = (place / word for place in (Path.cwd(), ROOT))
    return next((f"{place}" for place in places if place.is_file()), word)


def verifier(text: str) -> Verifier:
    """Read --verifier; raise RequestError if it is neither known nor a command with its places."""
    if text == MARABOU:
        template = f"{MARABOU_PYTHON.relative_to(ROOT)} {MARABOU_COMMAND}"
        return Verifier(MARABOU_PACKAGES[0].replace("==", " "), template)
    name, sign, template = text.partition("=")
    found = Verifier(name.strip(), template)
    try:
        words = [
            word.format(onnx="{onnx}", vnnlib="{vnnlib}", timeout="")
            for word in shlex.split(template)
        ]
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise RequestError(f"--verifier {text!r}: {error!r}") from error
    if not (sign and found.name and words):
        raise RequestError(f"--verifier {text!r}: expected marabou or NAME='COMMAND'")
    if not all(place in " ".join(words) for place in ("{onnx}", "{vnnlib}")):
        raise RequestError(f"--verifier {text!r}: the command must hold {{onnx}} and {{vnnlib}}")
    return found


def set_up_marabou() -> None:
    """Make the environment of Marabou, unless it is there; raise RequestError if it cannot be."""
    stamp = MARABOU_VENV / "installed"
    if stamp.exists() and stamp.read_text() == "\n".join(MARABOU_PACKAGES):
        return
    names = (f"python{version}" for version in MARABOU_PYTHONS)
    python = next(filter(None, map(shutil.which, names)), None)
    if python is None:
        raise RequestError(f"marabou needs Python {', '.join(MARABOU_PYTHONS)}; none is in PATH")
    told(f"setting up {MARABOU_VENV.name}")
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    for command in (
        [python, "-m", "venv", f"{MARABOU_VENV}"],
        [f"{MARABOU_PYTHON}", *install, *MARABOU_PACKAGES],
    ):
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            raise RequestError(f"marabou cannot be installed: {shlex.join(command)}")
    stamp.write_text("\n".join(MARABOU_PACKAGES))


def read_by_others(folder: Path) -> str:
    """Return what other tools say that they read; raise FormatError if one does not read all."""
    command = [f"{MARABOU_PYTHON}", f"{ROOT / 'scripts' / 'verifier_readers.py'}", f"{folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FormatError(f"{folder}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def run(verifier: Verifier, instance: Instance, limit: float, grace: float) -> Result:
    """Run a verifier on an instance and judge what it says."""
    answer = ask(verifier.command(instance, limit), limit, grace)
    return Result(
        verifier=verifier.name,
        command=verifier.template,
        limit=f"{limit:g}",
        machine=machine(),
        date=datetime.now(UTC).date().isoformat(),
        sha256=instance.sha256,
        onnx=instance.onnx,
        vnnlib=instance.vnnlib,
        verdict=answer.verdict,
        x=answer.x or "",
        seconds=f"{answer.seconds:.2f}",
        message=answer.message,
    ).held_against(instance)


def machine() -> str:
    """Say what runs: processor, cores, system."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{processor()}, {os.cpu_count()} cores, {system}"


def all_runs(
    verifiers: Sequence[Verifier],
    found: Sequence[Instance],
    known: Sequence[Result],
    limit: float,
    jobs: int,
    grace: float = GRACE,
) -> Iterator[list[Result]]:
    """Yield all results there are, in the order of the instances, again after every run.

    What is ``known`` is judged again, but not run; of others it stays as it is, before the rest.
    """
    pairs = [(by, instance) for by in verifiers for instance in found]
    asked = {(by.name, instance.sha256) for by, instance in pairs}
    others = [result for result in known if (result.verifier, result.sha256) not in asked]
    key = {(by, i): (by.name, by.template, f"{limit:g}", i.sha256) for by, i in pairs}
    earlier = {result.run: result for result in known}
    done = {
        pair: earlier[key[pair]].held_against(pair[1]) for pair in pairs if key[pair] in earlier
    }
    yield [*others, *(done[pair] for pair in pairs if pair in done)]
    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures = {
                pool.submit(run, *pair, limit, grace): pair for pair in pairs if pair not in done
            }
            for future in as_completed(futures):
                pair = futures[future]
                done[pair] = result = future.result()
                told(f"{len(done)}/{len(pairs)} {told_of(result)}")
                yield [*others, *(done[pair] for pair in pairs if pair in done)]
        finally:
            pool.shutdown(cancel_futures=True)


def told_of(result: Result) -> str:
    """Say what came of a run."""
    place = f"{result.verifier}: {result.vnnlib}, margin {result.margin_asked}"
    says = f"{result.verdict} in {result.seconds} s, {result.outcome}"
    return " ".join(filter(None, [f"{place}: {says}", result.message]))


def write(results: Sequence[Result], shown: dict[str, str]) -> None:
    """Bring the page, its picture and its table up to date."""
    from sinrelu.plots import rendered

    text = refreshed(PAGE.read_text(), shown)
    write_whole(PAGE, text.encode())
    write_whole(PICTURE, rendered(outcomes_figure(results), ".png"))
    write_whole(TABLE, table_of(results))


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR")
    parser.add_argument("--verifier", action="append", metavar="VERIFIER")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--results", type=Path, help="where runs are kept (DIR/results.csv)")
    parser.add_argument("--write", action="store_true", help="bring docs/verifiers.* up to date")
    options = parser.parse_args(arguments)
    if not (0 < options.limit < 1e6 and 0 < options.jobs < 1000):
        parser.error("--limit and --jobs must be above 0")
    return options


def results_of(options: argparse.Namespace) -> tuple[list[Result], dict[str, str]]:
    """Run what is asked for and not yet known; keep every result as soon as it is there.

    Also return the section of the page about what else reads the benchmark, if it was tried.
    """
    if options.folder is None:
        return read_results(options.results or TABLE), {}
    names = options.verifier or [MARABOU]
    asked = [verifier(text) for text in dict.fromkeys(names)]
    if len({by.name for by in asked}) < len(asked):
        raise RequestError("--verifier: two have the same name")
    found = instances(options.folder)
    file = options.results or options.folder / "results.csv"
    known = read_results(file)
    check_writable(file)
    read = {}
    if MARABOU in names:
        set_up_marabou()
        read["read"] = read_by_others(options.folder)
    for results in all_runs(asked, found, known, options.limit, options.jobs):
        write_whole(file, table_of(results))
    return results, read


def main(arguments: list[str] | None = None) -> None:
    """Run verifiers; print what came of it."""
    options = parsed(arguments)
    try:
        results, read = results_of(options)
        if not results:
            raise FileAccessError(f"{options.results or TABLE}: no results; name a benchmark")
        shown = read | sections(results)
        for name, text in shown.items():
            print(f"\n{name}\n\n{text}", end="", flush=True)
        if options.write:
            write(results, shown)
    except SinreluError as error:
        print(f"scripts/verifiers: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit("scripts/verifiers: interrupted; what was run is kept") from None
    except TruthError as error:
        raise SystemExit(f"scripts/verifiers: the truth is wrong: {error}") from None


if __name__ == "__main__":
    main()
