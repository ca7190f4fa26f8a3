"""Bring the figures in README.md up to date: real output, the table of networks, the picture.

Usage: scripts/readme [--no-picture]

In every ``console`` block, the lines after "$ sinrelu ..." are replaced by what the command prints
in a folder with the default network, and the table after ``<!-- networks -->`` by one of all the
networks that can be built.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from sinrelu import CONSTRUCTIONS, build
from sinrelu.constructions import WIRINGS

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "error.png"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
TABLE = re.compile(r"(?<=<!-- networks -->\n).*?(?=\n\n)", re.DOTALL)


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


def table() -> str:
    """Return the table of all networks, counted on their graphs."""
    lines = [
        "| construction | wiring | connections | biases | units | depth |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name in CONSTRUCTIONS:
        for wiring in WIRINGS:
            n = build(name, wiring)
            lines.append(
                f"| {name} | {wiring} | {n.connections} | {n.biases} | {n.units} | {n.depth} |"
            )
    return "\n".join(lines)


def refreshed(text: str, folder: Path) -> str:
    """Return the README with every figure computed anew."""
    text = BLOCK.sub(lambda match: refreshed_block(match[0], folder), text)
    return TABLE.sub(lambda _: table(), text)


def main() -> None:
    """Rewrite the file, and the picture unless told not to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-picture", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output("sinrelu build", Path(folder))
        README.write_text(refreshed(README.read_text(), Path(folder)))
        if not options.no_picture:
            output(f"sinrelu plot {folder}/sin.npz -o {PICTURE}", ROOT)


if __name__ == "__main__":
    main()
