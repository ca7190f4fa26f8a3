"""What all pictures share: size, type, colours, and how they become a file."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context as style_context
from matplotlib.ticker import FuncFormatter

from sinrelu.arithmetic.rounding import exact_text
from sinrelu.errors import RequestError
from sinrelu.formats import write_whole
from sinrelu.network import Network

SUFFIXES = (".png", ".svg", ".pdf")
FONT_SIZE = 8.5
STYLE = {
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.titlelocation": "left",
    "axes.labelsize": FONT_SIZE,
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "axes.edgecolor": "0.4",
    "axes.linewidth": 0.7,
    **dict.fromkeys(("xtick.color", "ytick.color"), "0.3"),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), FONT_SIZE - 0.5),
    **dict.fromkeys(("xtick.major.width", "ytick.major.width"), 0.7),
    "svg.hashsalt": "sinrelu",
}
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#B04D00", "#01502C", "#6C1E6C"
"""Okabe and Ito's hues, dark enough to write in: at least 4.5:1 against ``BAND``, and apart for
protan and deutan eyes as well, from each other and from ``GREY``."""
GREY = "0.42"
PALE_BLUE, PALE_GREEN, BAND = "#9CC9E3", "#6CC49A", "0.955"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NARROWEST = 2.0**-32
WIDTH, DPI = 6.5, 200
"""Inches, the text width of a page; at this size the type is that of a caption."""


def check_suffix(path: Path) -> None:
    """Refuse a path whose suffix names no picture format."""
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{path}: unknown suffix; pictures end in {', '.join(SUFFIXES)}")


def narrowest(domain: tuple[float, float]) -> float:
    """Return the least width at which float64 tells places in a domain apart as a picture must."""
    return NARROWEST * max(1.0, *map(abs, domain))


def check_domain(domain: tuple[float, float]) -> None:
    """Refuse a domain that is too narrow for a picture."""
    low, high = domain
    if high - low < narrowest(domain):
        raise RequestError(f"domain: [{low!r}, {high!r}] is too narrow for a picture")


@contextmanager
def page(height: float) -> Iterator[Figure]:
    """Give a figure to draw on in the style of this package, whatever the user's own is."""
    with style_context(["default", STYLE]):
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def rendered(figure: Figure, suffix: str) -> bytes:
    """Return a figure as a file's content, the same bytes for the same figure."""
    kind = suffix.lower().lstrip(".")
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    stream = io.BytesIO()
    with style_context(["default", STYLE]):
        figure.savefig(stream, format=kind, dpi=DPI, metadata=undated)
    return stream.getvalue()


def write(figure: Figure, file: Path) -> None:
    """Write a figure to a file, whole or not at all.

    Raises RequestError if the suffix names no picture format, FileAccessError as ``write_whole``.
    """
    check_suffix(file)
    write_whole(file, rendered(figure, file.suffix))


def headline(network: Network) -> str:
    """Return one line about a network; its construction is what its file says."""
    method = network.meta.get("construction")
    built = f"{method}, " if isinstance(method, str) and method.isprintable() else ""
    size = f"{counted(network.connections, 'connection')}, {counted(network.units, 'unit')}"
    return f"{built}{network.wiring} wiring: {size}"


def label_point(axes: Axes, x: float, y: float, text: str, colour: str, left: bool = False) -> None:
    """Write beside a point what ends there, on its left or right."""
    shift, side = ((-6, 0), "right") if left else ((6, 0), "left")
    beside = axes.annotate(text, (x, y), xytext=shift, textcoords="offset points")
    beside.set(ha=side, va="center", color=colour)


def in_quarters(domain: tuple[float, float]) -> bool:
    """Whether both ends of a domain are multiples of π/4."""
    quarters = [end / (math.pi / 4) for end in domain]
    return all(abs(number - round(number)) <= 1e-9 for number in quarters)


def label_domain(axes: Axes) -> None:
    """Mark multiples of π on the x axis if its ends are multiples of π/4, else plain numbers."""
    low, high = axes.get_xlim()
    quarter = math.pi / 4
    if not in_quarters((low, high)):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: plain(x)))
        axes.locator_params(axis="x", nbins=6 if max(-low, high) > 10**4 else 9)
        return
    first, last = round(low / quarter), round(high / quarter)
    wholes = (size * 10**power for power in range(7) for size in (4, 8, 20))
    step = next(step for step in (1, 2, *wholes) if last - first <= 8 * step)
    marks = range(-(-first // step) * step, last + 1, step)
    axes.set_xticks([k * quarter for k in marks], [quarters_of_pi(k) for k in marks])


def quarters_of_pi(count: int) -> str:
    """Write a multiple of π/4: 0, −¾π, π, 1½π, 250π."""
    whole, part = divmod(abs(count), 4)
    number = f"{whole or ''}{['', '¼', '½', '¾'][part]}"
    sign = "−" if count < 0 else ""
    return f"{sign}{'' if number == '1' else number}π" if count else "0"


def decade(number: float) -> int:
    """Return the power of ten at or below a positive number, up to rounding."""
    return math.floor(math.log10(number) + 1e-9)


def power(exponent: int) -> str:
    """Write a power of ten."""
    return f"10$^{{{exponent}}}$"


def times_power(exponent: int) -> str:
    """Say in which power of ten an axis is, unless it is 1."""
    return f",  in {power(exponent)}" if exponent else ""


def exact(tol: Fraction | float) -> str:
    """Write a tolerance as what it is."""
    return f"±{exact_text(Fraction(tol))}"


def short(number: float, digits: int = 6) -> str:
    """Write a number with few digits: 0.25, −3, 9.6·10⁻⁵."""
    size, _, exponent = f"{abs(number):.{digits}g}".partition("e")
    if exponent:
        size = f"{size}·10{str(int(exponent)).translate(RAISED)}".removeprefix("1·")
    return f"−{size}" if number < 0 else size


def plain(number: float) -> str:
    """Write a number of few digits without a power of ten, if it has a place on an axis."""
    size = abs(number)
    whole = size == round(size) and 10**4 < size < 10**9
    sign = "−" if number < 0 else ""
    return f"{sign}{grouped(round(size))}" if whole else short(number)


def grouped(count: int) -> str:
    """Write a count with thin spaces between groups of three digits, if it has over four."""
    return f"{count:,}".replace(",", "\u2009") if abs(count) > 9999 else f"{count}"


def counted(count: int, noun: str) -> str:
    """Write so many of what has a plural in s."""
    return f"{grouped(count)} {noun}{'' if count == 1 else 's'}"
