"""Measure how fast networks are evaluated, proved and built, side by side with the alternatives.

Usage: scripts/bench [--only SECTION]... [--tol 1e-12]... [--quick] [--write]

Every section is a table in Markdown on stdout, and below it on what it was measured. With --write
those of docs/performance.md are brought up to date, and its picture with growth. All takes less
than ten minutes on two idle cores; --quick takes coarse networks and few points, to see that
everything runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

from growth import connections_table, grown, growth_figure, pieces_table
from proofs import command_table, construction_table, proof_table
from runtimes import evaluation_table
from timing import QUICK, ROOT, Scale, machine, refreshed

PAGE, PICTURE = (ROOT / "docs" / f"performance.{suffix}" for suffix in ("md", "png"))
SECTIONS: dict[str, Callable[[Scale], str]] = {
    "evaluation": evaluation_table,
    "proof": proof_table,
    "constructions": construction_table,
    "commands": command_table,
}
GROWTH = "growth"


def measure(section: str, scale: Scale, write: bool) -> dict[str, str]:
    """Return the tables of a section by their marks in the page, and write its picture."""
    if section in SECTIONS:
        return {section: SECTIONS[section](scale)}
    by_pieces, by_connections = grown(scale)
    if write:
        from sinrelu.plots import rendered

        PICTURE.write_bytes(rendered(growth_figure(by_pieces, by_connections), ".png"))
    return {
        "pieces": pieces_table(by_pieces),
        "connections": connections_table(by_connections),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure the sections asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sections = [*SECTIONS, GROWTH]
    parser.add_argument("--only", action="append", choices=sections, metavar="SECTION")
    parser.add_argument("--tol", action="append", type=float)
    parser.add_argument("--quick", action="store_true", help="see that everything runs")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    options = parser.parse_args(arguments)
    scale = QUICK if options.quick else Scale()
    scale = replace(scale, tolerances=tuple(options.tol or scale.tolerances))
    for section in options.only or sections:
        told = f"`{command(section, options)}`: {machine()}."
        for name, text in measure(section, scale, options.write).items():
            shown = f"{text}\n\n{told}\n"
            print(f"\n{name}\n\n{shown}", end="", flush=True)
            if options.write:
                PAGE.write_text(refreshed(PAGE.read_text(), {name: shown}))


def command(section: str, options: argparse.Namespace) -> str:
    """Return what measures a section again."""
    words = [f"scripts/bench --only {section}", *(f"--tol {tol:g}" for tol in options.tol or ())]
    return " ".join([*words, "--quick"] if options.quick else words)


if __name__ == "__main__":
    main()
