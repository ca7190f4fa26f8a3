"""How proofs grow with pieces and with connections, for ``scripts/bench``.

Usage: python scripts/growth.py BACKEND REPEATS DIGITS/COPIES...

Proves networks for so many digits, of so many copies, one after the other in this process, and
prints for each what ``Grown`` has.
"""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from timing import MEGABYTE, ROOT, Scale, exponent, figure, least_of_each, spent, table, told

from sinrelu import Network, build
from sinrelu.certify import certify
from sinrelu.kernels import NUMBA, NUMPY, is_installed
from sinrelu.network import Row
from sinrelu.precision import FLOAT64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY = 50_000
"""Laws are fitted from so many pieces on; with fewer, what a pass over a network costs counts."""
FEWER_DIGITS = 1
"""numpy is followed so many digits less far: it takes a minute there."""

HEIGHT = 2.3


class Grown(NamedTuple):
    """A proof: its network, its seconds, and the most memory that the process had so far, in MB."""

    backend: str
    digits: int
    copies: int
    connections: int
    pieces: int
    cells: int
    seconds: float
    megabytes: float


def copied(network: Network, count: int) -> Network:
    """Return a network of the same function: the mean of so many copies, a power of two."""
    units, rows = network.units, list[Row]()
    for shift in range(0, count * units, units):
        for row in network.rows[:-1]:
            moved = ((source and source + shift, weight) for source, weight in row.edges)
            rows.append(Row.of(moved, row.bias))
    last = network.rows[-1]
    read = [
        (source and source + shift, weight / count)
        for shift in range(0, count * units, units)
        for source, weight in last.edges
    ]
    return Network((*rows, Row.of(read, last.bias)))


def proved(backend: str, repeats: int, digits: int, count: int) -> Grown:
    """Prove the network for so many digits, or copies of it."""
    tol = 10.0**-digits
    network = copied(build(tol=tol), count)
    judged = partial(certify, network, tol, evaluation=FLOAT64, backend=backend)
    found = judged()
    time = least_of_each({"": judged}, repeats)[""]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
    counts = (digits, count, network.connections, found.pieces, found.cells)
    return Grown(backend, *counts, time, most)


def in_turn(backend: str, repeats: int, asked: Iterable[str]) -> list[Grown]:
    """Prove some networks in one process of their own, in this order."""
    words = ["scripts/growth.py", backend, str(repeats), *asked]
    told(" ".join(words))
    lines = spent(words, ROOT).output.splitlines()
    return [
        Grown(name, *map(int, counts), float(time), float(most))
        for name, *counts, time, most in map(str.split, lines)
    ]


def grown(scale: Scale) -> tuple[list[Grown], list[Grown]]:
    """Follow proofs by pieces, on every machine, and by connections on the faster one."""
    best = NUMBA if is_installed() and not scale.quick else NUMPY
    repeats = min(scale.repeats, 2)
    digits = [f"{count}/1" for count in scale.digits]
    by_pieces = in_turn(best, repeats, digits)
    if best == NUMBA:
        by_pieces += in_turn(NUMPY, repeats, digits[:-FEWER_DIGITS])
    copies = [f"{scale.copied}/{count}" for count in scale.copies]
    return by_pieces, in_turn(best, repeats, copies)


def pieces_table(found: Sequence[Grown]) -> str:
    """Return seconds and memory by pieces, and the law."""
    rows = [
        (f"1e-{g.digits}", g.backend, f"{g.pieces}", f"{g.cells}", *map(figure, measured))
        for g in found
        for measured in [(g.seconds, 1e6 * g.seconds / g.cells, g.megabytes)]
    ]
    head = ("tolerance", "by", "pieces", "cells", "s", "µs a cell", "MB so far")
    return f"{table(head, rows, words=2)}\n\n{pieces_law(found)}"


def pieces_law(found: Sequence[Grown]) -> str:
    """Say how seconds grow with pieces."""
    laws = []
    for backend in dict.fromkeys(g.backend for g in found):
        x, y = many([g for g in found if g.backend == backend])
        laws.append(f"by {backend} like pieces^{exponent(x, y):.2f}")
    return f"Seconds grow {', '.join(laws)}, fitted from {MANY} pieces on."


def many(found: Sequence[Grown]) -> tuple[list[float], list[float]]:
    """Return pieces and seconds where pieces are most of the work, if they ever are."""
    kept = [g for g in found if g.pieces >= MANY]
    kept = kept if len(kept) > 1 else list(found)
    return [g.pieces for g in kept], [g.seconds for g in kept]


def connections_table(found: Sequence[Grown]) -> str:
    """Return seconds by connections, and the law."""
    rows = [
        (f"{g.copies}", f"{g.connections}", f"{g.cells}", *map(figure, measured))
        for g in found
        for measured in [(g.seconds, 1e9 * g.seconds / g.cells / g.connections)]
    ]
    head = ("copies", "connections", "cells", "s", "ns a cell and connection")
    law = exponent([g.connections for g in found], [g.seconds for g in found])
    text = f"Seconds grow by {found[0].backend} like connections^{law:.2f}."
    return f"{table(head, rows, words=0)}\n\n{text}"


def growth_figure(by_pieces: Sequence[Grown], by_connections: Sequence[Grown]) -> Figure:
    """Draw seconds against pieces and against connections, and memory against pieces."""
    from sinrelu.plots.style import BLUE, ORANGE, page

    colours = {NUMPY: ORANGE, NUMBA: BLUE}
    with page(HEIGHT) as drawn:
        left, middle, right = drawn.subplots(1, 3)
        for backend, colour in colours.items():
            own = [g for g in by_pieces if g.backend == backend]
            draw(left, [(g.pieces, g.seconds) for g in own], colour, backend)
            draw(right, [(g.pieces, g.megabytes) for g in own], colour, backend)
        counts = [(g.connections, g.seconds) for g in by_connections]
        draw(middle, counts, colours[by_connections[0].backend])
        middle.set_xticks([count for count, _ in counts], [f"{count}" for count, _ in counts])
        middle.minorticks_off()
        for axes, found in ((left, by_pieces), (middle, by_connections)):
            logarithmic(axes, [g.seconds for g in found])
        right.set_ylim(0, 1.15 * max(g.megabytes for g in by_pieces))
        left.set(title="a proof, in seconds", xlabel="pieces")
        middle.set(title="in seconds, pieces alike", xlabel="connections")
        right.set(title="most memory, in MB", xlabel="pieces")
    return drawn


def draw(axes: Axes, points: Sequence[tuple[float, float]], colour: str, label: str = "") -> None:
    """Draw one series on a logarithmic axis of x; its name stands below its middle."""
    if points:
        axes.set_xscale("log")
        axes.plot(*zip(*points, strict=True), "o-", color=colour, markersize=3.2, linewidth=0.9)
        below = {"xytext": (2, -12), "textcoords": "offset points"}
        axes.annotate(label, points[len(points) // 2], color=colour, **below)


def logarithmic(axes: Axes, values: Sequence[float]) -> None:
    """Show whole decades of y."""
    low, high = (math.log10(end) for end in (min(values), max(values)))
    axes.set_yscale("log")
    axes.set_ylim(10.0 ** math.floor(low), 10.0 ** math.ceil(high))


def main() -> None:
    """Print one line for each network."""
    backend, repeats, *asked = sys.argv[1:]
    for digits, count in (map(int, words.split("/")) for words in asked):
        print(*proved(backend, int(repeats), digits, count), flush=True)


if __name__ == "__main__":
    main()
