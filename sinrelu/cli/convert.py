"""``sinrelu convert``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared
from sinrelu.errors import RequestError

if TYPE_CHECKING:
    from sinrelu.certify import Certificate
    from sinrelu.network import Network

HELP = """\b
Examples:
  sinrelu convert sin.npz sin.onnx
  sinrelu convert sin.npz single.onnx --float32
  sinrelu convert sin.npz sin.c
  cc -O3 -march=native -ffp-contract=off -c sin.c

sin.c has sinrelu_sin(x) and sinrelu_sin_array(x, y, n) and needs no library. A comment at its head
has what is proved: the bound of the error for every real x of the domain that FROM names, or else
[−π, π], and that of what rounding adds; it takes some seconds at 1e-12. Where no proof is
found, it says so. A file for cos has sinrelu_cos."""


@click.command(epilog=HELP)
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@shared.output_argument("sinrelu.formats", "target", metavar="TO")
@click.option("--float32", is_flag=True, help="Round every weight and bias to float32.")
def command(source: Path, target: Path, float32: bool) -> None:
    """Write the network of one file to another, .npz, .json or .onnx, or as a program, .c.

    The graph stays the same, and so does its sha256, unless its numbers are rounded: with --float32
    an .onnx file computes in float32, and `verify --float32` says how well; a .c file computes in
    double in any case. An .onnx file may also come from elsewhere, for instance from PyTorch, if it
    is made of affine layers and ReLU, or what two ReLU make, from one number to one number. A .c
    file is only written, never read.
    """
    from sinrelu.formats import c, save, write_whole
    from sinrelu.precision import in_float32
    from sinrelu.verification.report import count_lines, line

    network = shared.network_of(source)
    network = in_float32(network) if float32 else network
    shown: list[str] = []
    if target.suffix.lower() == ".c":
        certificate = _certificate(network, target)
        write_whole(target, c.dumps(network, certificate))
        shown = ["", *_findings(certificate)]
    else:
        save(network, target)
    click.echo("\n".join([line("file", str(target)), *count_lines(network), *shown]))


def _certificate(network: Network, file: Path) -> Certificate:
    """Judge what a network claims to equal, for a file that computes it in double."""
    from sinrelu.certify import certify
    from sinrelu.precision import FLOAT64, says_float32
    from sinrelu.target import DEFAULT, Target

    network.require_float64(f"{file}")
    if says_float32(network):
        shared.message(f"{file} computes in double, whatever the weights, and is judged so")
    target = Target.claimed(network.meta) or DEFAULT
    with shared.progress_bar("proving") as progress:
        return certify(
            network,
            _tolerance(network),
            domain=target.cover,
            witness_domain=target.inner,
            function=target.function,
            evaluation=FLOAT64,
            progress=progress,
        )


def _tolerance(network: Network) -> Fraction:
    """Return the tolerance that a file names, or else the usual one.

    It decides how closely is looked and whether a remark is due; the bound is one in any case.
    """
    from sinrelu.target import tolerance

    try:
        return tolerance(network.meta.get("tol"))
    except RequestError:
        return Fraction(shared.TOL)


def _findings(certificate: Certificate) -> Iterator[str]:
    """Say what the file says to be proved, one line each."""
    from sinrelu.arithmetic.rounding import decimal_above
    from sinrelu.verification.report import line

    low, high = certificate.domain
    yield line("function", certificate.function)
    yield line("domain", f"[{low!r}, {high!r}]")
    if math.isfinite(certificate.sup_error):
        bound = decimal_above(certificate.sup_error, limit=certificate.tol)
        yield line("sup error", f"{bound:<12} shown to hold for every real x of the domain")
    else:
        yield line("sup error", "none shown")
    if math.isfinite(certificate.evaluation_error):
        bound = f"≤ {decimal_above(certificate.evaluation_error, 3)}"
        yield line("float64 error", f"{bound:<12} of evaluation, in any order, with or without fma")
    if certificate.remark:
        yield line("remark", certificate.remark)
