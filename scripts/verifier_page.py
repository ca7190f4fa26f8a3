"""Tables and the picture of docs/verifiers.md: for ``scripts/verifiers``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from timing import ROOT, table
from verifier_answers import (
    NO_ANSWER,
    OUTCOMES,
    RIGHT,
    TIMEOUT,
    WRONG_POINT,
    WRONG_SAT,
    WRONG_UNSAT,
)
from verifier_results import Result

from sinrelu.plots.style import BAND, BLUE, ORANGE, PURPLE, page

PAGE, PICTURE = (ROOT / "docs" / f"verifiers.{suffix}" for suffix in ("md", "png"))
WRONG = (WRONG_UNSAT, WRONG_SAT, WRONG_POINT)
DOCUMENTED = {
    "maraboupy 2.0.0": 1e-5,
    **dict.fromkeys(("vibecheck 1.1.0", "NeuralSAT 0.2.17"), 2.0**-24),
}
"""The largest of a verifier's own tolerances, in absolute terms; docs/verifiers.md has sources."""
BELOW = " †"
"""Marks a margin below that."""
LOOKS = {
    RIGHT: (BLUE, "o", True),
    WRONG_UNSAT: (ORANGE, "X", True),
    WRONG_SAT: (PURPLE, "^", True),
    WRONG_POINT: (PURPLE, "^", False),
    TIMEOUT: ("0.45", "s", False),
    NO_ANSWER: ("0.45", "_", True),
}
"""Colour, marker, and whether it is filled: each outcome is told by shape alone too."""
A_LINE = 4
"""Instances side by side in a cell of the picture."""


def sections(results: Sequence[Result]) -> dict[str, str]:
    """Return the sections of the page by their marks."""
    return {
        "totals": totals(results),
        "margins": by_margin(results),
        "kinds": by_kind(results),
        "worst": worst(results),
    }


def names(results: Iterable[Result]) -> list[str]:
    """Return the verifiers, as they first come."""
    return list(dict.fromkeys(result.verifier for result in results))


def power(number: str) -> str:
    """Write a number as a power of ten, or nearly: 1e-3."""
    return re.sub(r"e([+-])0*(?=\d)", r"e\1", f"{float(number):.0e}")


def tolerance_of(result: Result) -> str:
    """Return the tolerance that a network was built for."""
    return power(result.tol)


def margin_of(result: Result) -> str:
    """Return the margin that was asked for."""
    return power(result.margin_asked)


def falling(results: Iterable[Result], of: Callable[[Result], str]) -> list[str]:
    """Return what numbers there are, the largest first."""
    return sorted({of(result) for result in results}, key=float, reverse=True)


def counts(results: Iterable[Result]) -> list[str]:
    """Return how often each outcome came."""
    counted = Counter(result.outcome for result in results)
    return [f"{counted[outcome]}" for outcome in OUTCOMES]


def totals(results: Sequence[Result]) -> str:
    """Return the table of outcomes, and with what they came about."""
    rows = []
    for name in names(results):
        own = [result for result in results if result.verifier == name]
        longest = max(float(result.seconds) for result in own)
        rows.append([name, f"{len(own)}", *counts(own), f"{longest:.1f}"])
    head = ("verifier", "instances", *OUTCOMES, "longest run, s")
    said = dict.fromkeys(
        f"- {r.verifier}: `{command}`, limit {r.limit} s; {r.machine}; {r.date}."
        for r in results
        for command in [" ".join(r.command.split())]
    )
    return "\n".join([table(head, rows), "", *said, ""])


def by_margin(results: Sequence[Result]) -> str:
    """Return a table of margins and tolerances for every verifier."""
    parts = []
    for name in names(results):
        own = [result for result in results if result.verifier == name]
        tolerances = falling(own, tolerance_of)
        rows = [
            [f"{margin}{mark(name, margin)}", *(cell(own, margin, column) for column in tolerances)]
            for margin in falling(own, margin_of)
        ]
        parts += [f"{name}:", "", table(["margin", *tolerances], rows), ""]
    return "\n".join(parts)


def mark(verifier: str, margin: str) -> str:
    """Return a mark for margins below what a verifier says its tolerance is."""
    return BELOW if float(margin) < DOCUMENTED.get(verifier, 0.0) else ""


def cell(results: Iterable[Result], margin: str, tolerance: str) -> str:
    """Return right / wrong unsat / wrong sat, with wrong points / timeout and no answer."""
    found = Counter(
        r.outcome for r in results if (margin_of(r), tolerance_of(r)) == (margin, tolerance)
    )
    wrong_sat = found[WRONG_SAT] + found[WRONG_POINT]
    number = [found[RIGHT], found[WRONG_UNSAT], wrong_sat, found[TIMEOUT] + found[NO_ANSWER]]
    if not any(number):
        return "–"
    bold = [
        f"**{count}**" if count and 1 <= k <= 2 else f"{count}" for k, count in enumerate(number)
    ]
    return " / ".join(bold)


def by_kind(results: Sequence[Result]) -> str:
    """Return the table of outcomes by what kind of question was asked, and what the truth is."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for r in results:
        groups.setdefault((r.verifier, r.kind, r.weights, r.expected), []).append(r)
    rows = [[*group, *counts(own)] for group, own in groups.items()]
    return table(("verifier", "kind", "weights", "truth", *OUTCOMES), rows, words=4) + "\n"


def worst(results: Sequence[Result]) -> str:
    """Return the farthest off of all wrong answers of a sort, for each tolerance, and its proof."""
    found: dict[tuple[str, str, str], Result] = {}
    for result in results:
        if result.outcome in WRONG:
            key = (result.verifier, result.outcome, tolerance_of(result))
            found[key] = max(found.get(key, result), result, key=off)
    if not found:
        return "There is none.\n"
    rows = [
        [*key, f"{r.kind}, {r.wiring}", margin_of(r), f"{r.x or r.counterexample or '–'}", proof(r)]
        for key, r in sorted(found.items(), key=lambda item: rank(results, item[1]))
    ]
    head = ("verifier", "answer", "tolerance", "network", "margin", "x", "what x shows")
    return table(head, rows, words=len(head)) + "\n"


def rank(results: Sequence[Result], result: Result) -> tuple[int, int, float]:
    """Return a place in the order of verifiers, outcomes, and falling tolerances."""
    place = names(results).index(result.verifier), OUTCOMES.index(result.outcome)
    return *place, -float(result.tol)


def off(result: Result) -> float:
    """Return how far off a wrong answer is: by the margin, or its point by what it misses."""
    if result.outcome == WRONG_POINT:
        return max(float(result.short or 0), float(result.outside or 0))
    return float(result.margin)


def proof(result: Result) -> str:
    """Say what is so at the x that is claimed, or at that of the truth."""
    if result.outcome == WRONG_UNSAT:
        return "is a counterexample"
    missing = [("N(x) misses the threshold", result.short), ("x the interval", result.outside)]
    return ", ".join(f"{what} by {by}" for what, by in missing if by) or "–"


def outcomes_figure(results: Sequence[Result]) -> Figure:
    """Draw every run in its place, margins against tolerances; a panel for each verifier."""
    found = names(results)
    margins, tolerances = falling(results, margin_of), falling(results, tolerance_of)
    lines = max(most(results) // A_LINE + 1, 1)
    with page(1.2 + 0.16 * lines * len(margins)) as figure:
        panels = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
        for axes, name in zip(panels, found, strict=True):
            own = [result for result in results if result.verifier == name]
            draw(axes, own, margins, tolerances, lines)
            axes.set_title(name)
        panels[0].set_ylabel("margin")
        seen = {result.outcome for result in results}
        handles = [legend_of(outcome) for outcome in OUTCOMES if outcome in seen]
        figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)
    return figure


def most(results: Iterable[Result]) -> int:
    """Return the most instances in one cell, less one."""
    return max(Counter((r.verifier, margin_of(r), tolerance_of(r)) for r in results).values()) - 1


def draw(
    axes: Axes,
    results: Sequence[Result],
    margins: Sequence[str],
    tolerances: Sequence[str],
    lines: int,
) -> None:
    """Draw a verifier's runs: those of a cell in lines, wrong ones last."""
    taken: Counter[tuple[str, str]] = Counter()
    for result in sorted(results, key=lambda r: OUTCOMES.index(r.outcome)):
        key = (margin_of(result), tolerance_of(result))
        line, place = divmod(taken[key], A_LINE)
        taken[key] += 1
        x = tolerances.index(key[1]) + (place - (A_LINE - 1) / 2) * 0.2
        y = margins.index(key[0]) + (line - (lines - 1) / 2) * 0.8 / lines
        axes.plot(x, y, **look(result.outcome))
    for row, margin in enumerate(margins):
        if mark(results[0].verifier, margin):
            axes.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=0)
    axes.set_xlim(-0.5, len(tolerances) - 0.5)
    axes.set_ylim(len(margins) - 0.5, -0.5)
    axes.set_xticks(range(len(tolerances)), tolerances)
    axes.set_yticks(range(len(margins)), margins)
    axes.set_xlabel("tolerance of the network")


def look(outcome: str) -> dict[str, Any]:
    """Return how an outcome is drawn."""
    colour, marker, filled = LOOKS[outcome]
    face = colour if filled else "none"
    return {
        **{"marker": marker, "color": colour, "markerfacecolor": face},
        **{"markersize": 5.0, "markeredgewidth": 0.9, "linestyle": "none"},
    }


def legend_of(outcome: str) -> Line2D:
    """Return an outcome's line of the legend."""
    return Line2D([], [], label=outcome, **look(outcome))
