"""The error as a page to zoom in: it holds the network, and evaluates it wherever one looks."""

import base64
import hashlib
import html
import json
from fractions import Fraction
from importlib.resources import files
from string import Template

from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots import style
from sinrelu.steps import Computed
from sinrelu.target import DEFAULT, Target

SUFFIX = ".html"
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MOST_TERMS = 8
SCRIPTS = ("network.js", "axes.js", "view.js", "plot.js", "page.js")
MOST_CONNECTIONS = 20_000
"""More would be slow to zoom in."""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "script-src {script}; style-src {style}"
)
"""Nothing is loaded, and nothing is run but the page's own script, known by its hash."""


def error_page(
    network: Network, target: Target = DEFAULT, tol: Fraction | float | None = None
) -> bytes:
    """Return an HTML page that draws N(x) − f(x) over a domain, and zooms in to single pieces.

    It is complete in itself: nothing is loaded from elsewhere. It evaluates the network with the
    bits of ``evaluate_float64``. The same network gives the same bytes, and what its ``meta`` says
    is text there, never markup.

    Raises RequestError for multiprecision weights, more than ``MOST_CONNECTIONS``, or too narrow
    a domain.
    """
    network.require_float64("page")
    style.check_domain(target.cover)
    if network.connections > MOST_CONNECTIONS:
        raise RequestError(
            f"a page holds at most {MOST_CONNECTIONS} connections, not {network.connections}"
        )
    look, script = asset("page.css"), "".join(map(asset, SCRIPTS))
    words = {
        "title": f"N(x) − {target.function} x: {style.headline(network)}",
        "function": target.function,
        "domain": target.interval,
        "headline": style.headline(network),
        "tolerance": "not named" if tol is None else style.exact(tol),
        "policy": POLICY.format(script=fingerprint(script), style=fingerprint(look)),
    }
    parts = {"data": data_of(network, target, tol), "script": script, "style": look}
    escaped = {name: html.escape(text, quote=False) for name, text in words.items()}
    return Template(asset("page.html")).substitute(escaped, **parts).encode()


def data_of(network: Network, target: Target, tol: Fraction | float | None) -> str:
    """Return what the script reads, as JSON; every number is exact, and no text is the file's."""
    document = {
        "function": target.function,
        "domain": target.cover,
        "tolerance": float(tol or 0),
        "rows": described(network),
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def described(network: Network) -> list[dict[str, object]]:
    """Return the rows that the output depends on, its own last, and what to say of each.

    Wire 0 holds x, wire i what the i-th of these rows computes.
    """
    wires = {0: 0} | {row.number: wire for wire, row in enumerate(network.computed, start=1)}
    return [
        {
            "name": name_of(network, row.number),
            "title": f"Unit {row.number} of {network.units}"
            if row.number <= network.units
            else "The output",
            "text": f"{name_of(network, row.number)} = {formula(network, row)}",
            "bias": row.bias,
            "terms": [(wires[source], weight) for weight, source in row.terms],
        }
        for row in network.computed
    ]


def name_of(network: Network, number: int) -> str:
    """Return the name of a source or, beyond the last unit, of the output."""
    if number > network.units:
        return "N(x)"
    return f"u{number}".translate(SUBSCRIPTS) if number else "x"


def formula(network: Network, row: Computed) -> str:
    """Write what a row computes, of its numbers a few digits: relu(2·u₃ − u₄ + 0.5)."""
    terms = [(weight, name_of(network, source)) for weight, source in row.terms]
    if row.bias or not terms:
        terms.append((row.bias, ""))
    shown = [signed(weight, name) for weight, name in terms[:MOST_TERMS]]
    if len(terms) > MOST_TERMS:
        shown.append(f"+ … ({len(terms)} terms)")
    form = " ".join(shown).removeprefix("+ ")
    form = form.replace("− ", "−", 1) if form.startswith("−") else form
    return f"relu({form})" if row.number <= network.units else form


def signed(weight: float, name: str) -> str:
    """Write a term with its sign; a number alone is one without a name."""
    size = abs(weight)
    factor = "" if size == 1 and name else style.short(size, 4) + "·" * bool(name)
    return f"{'−' if weight < 0 else '+'} {factor}{name}"


def asset(name: str) -> str:
    """Return a text that the page is made of."""
    return (files("sinrelu.plots") / "web" / name).read_text("utf-8")


def fingerprint(text: str) -> str:
    """Return how a Content-Security-Policy names a script or a style of this text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
