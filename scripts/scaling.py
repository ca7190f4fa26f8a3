"""Bring docs/scaling.csv and docs/scaling.png up to date, and print the growth laws.

Usage: scripts/scaling [--prove-cells N [--tol 1e-12]] [--counts]

Every construction is built for tolerances from 1e-2 on, as long as it can be. A bound is proved
where that takes at most 100000 cells (evidence `proved`); elsewhere the error is sampled
(`sampled`), and may turn out too large (`refuted`: left out of picture and laws). Both are taken
over from the table where the graph (its sha256) is still the same; with --prove-cells, what is only
sampled so far (for --tol) is tried again with so many. --counts computes neither anew (`counted`
where the graph is new).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from sinrelu.certify.certificate import PROVED
from sinrelu.compare import NAMES, Entry, built, judged, read_csv, sampled
from sinrelu.compare.growth import FIRST_DIGITS, law, series
from sinrelu.compare.networks import COUNTED, SAMPLED, candidates
from sinrelu.compare.tables import as_csv
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots import rendered, scaling_figure

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "scaling.csv"
PICTURE = ROOT / "docs" / "scaling.png"
TOLERANCES = tuple(float(f"1e-{digits}") for digits in range(2, 16))
LITERATURE = {
    "fold-reflect": "–",
    "chebyshev": "O(d²) for squarings of O(d) units each: Yarotsky, arXiv:1610.01145",
    "double-angle": "O(d²): Elbrächter, Perekrestenko, Grohs, Bölcskei, arXiv:1901.02220",
    "taylor": "O(d²) by products of O(d) units each: Yarotsky, arXiv:1610.01145",
    "huybrechs": "4L² + 36L − 14 for L ≈ 1.66 d levels: Huybrechs, arXiv:2506.19104, one output",
}
CELLS = 100_000
ERRORS = ("sampled_float64", "sampled_mpmath", "sup_error")


def networks() -> Iterator[tuple[Entry, Network]]:
    """Build and count everything that can be built."""
    for name, wiring in candidates(NAMES):
        for tol in TOLERANCES:
            try:
                yield built(name, wiring, tol)
            except RequestError as error:
                print(f"{name}, {wiring}: ends before {tol:g}: {error}", file=sys.stderr)
                break


def known(entry: Entry, table: Mapping[tuple[str, float], Entry]) -> Entry:
    """Return an entry with the errors of the same graph in the table, if it is there."""
    old = table.get((entry.sha256, entry.tol), entry)
    return replace(entry, **{name: getattr(old, name) for name in ERRORS})


def measured(entry: Entry, network: Network, cells: int) -> Entry:
    """Prove a network's bound if that takes few enough cells, else sample its error."""
    print(f"{entry.construction}, {entry.wiring}, {entry.tol:g}", file=sys.stderr, flush=True)
    tried = judged(entry, network, budget=cells)
    return tried if tried.evidence == PROVED else sampled(entry, network)


def laws(entries: list[Entry]) -> Iterator[str]:
    """Yield the growth laws, fitted from 3 digits on, beside those of the literature."""
    yield f"connections = a + b·d + c·d² for d ≥ {FIRST_DIGITS} digits, ± standard errors"
    yield ""
    yield "| construction | wiring | a | b | c | c / its error | literature |"
    yield "|---|---|--:|--:|--:|--:|---|"
    for (name, wiring), found in series(entries).items():
        fitted = law(found)
        if fitted is None:
            continue
        pairs = zip(fitted.coefficients, fitted.errors, strict=True)
        figures = " | ".join(f"{value:.2f} ± {error:.2f}" for value, error in pairs)
        yield f"| {name} | {wiring} | {figures} | {fitted.curved:.1f} | {LITERATURE[name]} |"


def main() -> None:
    """Rewrite the table after every network, then the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prove-cells", type=int, metavar="N")
    parser.add_argument("--tol", type=float)
    parser.add_argument("--counts", action="store_true")
    options = parser.parse_args()
    old = read_csv(TABLE) if TABLE.exists() else []
    table = {(entry.sha256, entry.tol): entry for entry in old}
    pairs = list(networks())
    entries = [known(entry, table) for entry, _ in pairs]
    wanting = {COUNTED, SAMPLED} if options.prove_cells else {COUNTED}
    for k, (_, network) in enumerate(pairs):
        asked = options.tol in (None, entries[k].tol) and not options.counts
        if entries[k].evidence in wanting and asked:
            entries[k] = measured(entries[k], network, options.prove_cells or CELLS)
            TABLE.write_text(as_csv(entries))
    TABLE.write_text(as_csv(entries))
    PICTURE.write_bytes(rendered(scaling_figure(entries), ".png"))
    print("\n".join(laws(entries)))


if __name__ == "__main__":
    main()
