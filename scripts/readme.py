"""Bring README.md and docs/ up to date: real output, every table, every picture.

Usage: scripts/readme [--no-pictures]

In every ``console`` block, the lines after "$ sinrelu ..." are replaced by what the command prints
in a folder with the default network, as scripts/demo leaves it; the table after
``<!-- networks -->`` by one of all networks for 1e-12, that after ``<!-- laws -->`` by the growth
laws, those after ``<!-- ranges -->`` and ``<!-- digits -->`` by what is built for wider ranges
and more digits, those after ``<!-- evaluation -->`` and ``<!-- float32 -->`` by what is computed.
The scaling study is brought up to date first; it measures only what is not in
docs/scaling.csv.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
from scaling import PICTURE, TABLE, known, laws

from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.certify import Certificate, certify
from sinrelu.certify.certificate import PROVED
from sinrelu.compare import NAMES, Entry, built, read_csv
from sinrelu.compare.networks import candidates
from sinrelu.compare.tables import bound_text
from sinrelu.constructions import WIRINGS, build
from sinrelu.constructions.fold_reflect.induction import prove
from sinrelu.evaluate import evaluate_float32
from sinrelu.network import SKIP, Network
from sinrelu.precision import FLOAT32, FLOAT64, in_float32
from sinrelu.target import DEFAULT, Target

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "growth.md", ROOT / "docs" / "float64.md")
TOL, COARSE = 1e-12, 1e-4
NETWORK_PICTURES = {
    "error": "sin.npz",
    "network": "small.npz",
    "units": "coarse.npz",
    "pieces": "small.npz",
}
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
MARKED = re.compile(r"(?P<mark><!-- (?P<name>\w+) -->\n)(?P<table>\|.*?)(?=\n\n)", re.DOTALL)
RANGES = (("0", "pi/2"), ("0", "pi"), ("-pi", "pi"), ("-100", "100"), ("-1000pi", "1000pi"))
RANGES = (*RANGES, ("-1e6", "1e6"))
TOLERANCES = ("1e-15", "1e-30", "1e-100")
BUDGETS = (1000, 10_000)
COMPUTED = (1e-3, 1e-6, 1e-9, 1e-12)
SINGLE = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
SEED, POINTS = 20180601, 10**6


def output(command: str, folder: Path) -> str:
    """Return what a command prints on stdout."""
    arguments = [sys.executable, "-m", *shlex.split(command)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, check=False
    )
    return done.stdout.decode()


def commands(block: str) -> list[str]:
    """Return the commands of a console block."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ sinrelu ")]


def refreshed_block(block: str, folder: Path) -> str:
    """Return a console block with the output of its commands; others are left alone."""
    if not commands(block):
        return block
    return "\n".join(f"$ {command}\n{output(command, folder)}" for command in commands(block))


def networks() -> str:
    """Return the table of all networks, counted on their graphs; errors from the scaling study."""
    measured = {(entry.sha256, entry.tol): entry for entry in read_csv(TABLE)}
    lines = [
        "| construction | wiring | connections | biases | units | depth | error |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for name, wiring in candidates(NAMES):
        n = known(built(name, wiring, TOL)[0], measured)
        counts = f"{n.connections} | {n.biases} | {n.units} | {n.depth}"
        lines.append(f"| {name} | {wiring} | {counts} | {error(n)} |")
    return "\n".join(lines)


def error(entry: Entry) -> str:
    """Return a proven bound or a sampled error, and which it is."""
    if entry.evidence == PROVED and entry.sup_error is not None:
        return f"{bound_text(entry.sup_error, entry.tol)} {PROVED}"
    seen = entry.sampled_mpmath
    return f"{'–' if seen is None else bound_text(seen, entry.tol, 3)} {entry.evidence}"


def law_table() -> str:
    """Return the table of growth laws."""
    return "\n".join(line for line in laws(read_csv(TABLE)) if line.startswith("|"))


def range_table() -> str:
    """Return the table of connections for ever wider domains."""
    lines = ["| domain | " + " | ".join(WIRINGS) + " |", "|---|--:|--:|"]
    for ends in RANGES:
        target = Target.parse("sin", ends)
        counts = [build(target, wiring, TOL).connections for wiring in WIRINGS]
        lines.append(f"| {target.interval} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def digit_table() -> str:
    """Return the table of bounds proved for weights of more than 53 bits, with skip wiring."""
    lines = ["| option | connections | bound proved |", "|---|--:|--:|"]
    asked = [(f"`--tol {tol}`", build(wiring=SKIP, tol=tol)) for tol in TOLERANCES]
    asked += [
        (f"`--max-connections {budget}`", build(wiring=SKIP, max_connections=budget))
        for budget in BUDGETS
    ]
    for request, network in asked:
        lines.append(f"| {request} | {network.connections} | {proven_text(network)} |")
    return "\n".join(lines)


def proven_text(network: Network) -> str:
    """Return the bound that is proved for weights of more than 53 bits, rounded up."""
    proof = prove(network)
    if proof is None or not proof.covers(DEFAULT):
        raise SystemExit(f"no proof for {network.connections} connections")
    return decimal_above(proof.sup_error, 3)


def evaluation_table() -> str:
    """Return the table of what float64 evaluation adds to the error, at most."""
    lines = [
        "| tolerance | wiring | connections | sup error | float64 error | computed error |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for tol, wiring in product(COMPUTED, WIRINGS):
        network = build(wiring=wiring, tol=tol)
        figures = bounds(certify(network, tol, evaluation=FLOAT64), tol)
        lines.append(f"| {tol:g} | {wiring} | {network.connections} | {figures} |")
    return "\n".join(lines)


def float32_table() -> str:
    """Return the table of what float32 makes of networks for ever smaller tolerances."""
    lines = [
        "| built for | wiring | sup error, rounded | float32 error | computed error | seen |",
        "|---|---|--:|--:|--:|--:|",
    ]
    x = np.random.default_rng(SEED).uniform(-np.pi, np.pi, POINTS).astype(np.float32)
    for tol, wiring in product(SINGLE, WIRINGS):
        network = in_float32(build(wiring=wiring, tol=tol))
        figures = bounds(certify(network, 0.5, evaluation=FLOAT32))
        off = evaluate_float32(network, x).astype(np.float64) - np.sin(x.astype(np.float64))
        lines.append(f"| {tol:g} | {wiring} | {figures} | {np.max(np.abs(off)):.3g} |")
    return "\n".join(lines)


def bounds(found: Certificate, tol: float | None = None) -> str:
    """Return what is proved of the error, of evaluation, and of both, rounded up."""
    sup, rounding = Fraction(found.sup_error), Fraction(found.evaluation_error)
    limit = None if tol is None else Fraction(tol)
    shown = (decimal_above(sup, 4, limit), decimal_above(rounding, 3))
    return " | ".join((*shown, decimal_above(sup + rounding, 4, limit)))


TABLES = {
    "evaluation": evaluation_table,
    "float32": float32_table,
    "networks": networks,
    "laws": law_table,
    "ranges": range_table,
    "digits": digit_table,
}


def refreshed(text: str, folder: Path) -> str:
    """Return a page with every figure computed anew."""
    text = BLOCK.sub(lambda match: refreshed_block(match[0], folder), text)
    return MARKED.sub(lambda match: match["mark"] + TABLES[match["name"]](), text)


def draw(folder: Path) -> None:
    """Draw every picture but that of the scaling study."""
    for kind, file in NETWORK_PICTURES.items():
        tol = COARSE if file == "coarse.npz" else TOL
        picture = PICTURE.with_name(f"{kind}.png")
        output(f"sinrelu plot {folder / file} --kind {kind} --tol {tol:g} -o {picture}", ROOT)


def main() -> None:
    """Rewrite the file and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-pictures", action="store_true")
    options = parser.parse_args()
    study = [sys.executable, str(ROOT / "scripts" / "scaling.py")]
    subprocess.run(study, check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output("sinrelu build", folder)
        output("sinrelu build --wiring skip -o small.npz", folder)
        output(f"sinrelu build --wiring skip --tol {COARSE:g} -o coarse.npz", folder)
        for page in PAGES:
            page.write_text(refreshed(page.read_text(), folder))
        if not options.no_pictures:
            draw(folder)


if __name__ == "__main__":
    main()
