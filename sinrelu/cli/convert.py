"""``sinrelu convert``."""

from pathlib import Path

import click

from sinrelu.cli import shared

HELP = """\b
Example:
  sinrelu convert sin.npz sin.onnx
  sinrelu convert sin.npz single.onnx --float32"""


@click.command(epilog=HELP)
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@shared.output_argument("sinrelu.formats", "target", metavar="TO")
@click.option("--float32", is_flag=True, help="Round every weight and bias to float32.")
def command(source: Path, target: Path, float32: bool) -> None:
    """Write the network of one file to another, .npz, .json or .onnx.

    The graph stays the same, and so does its sha256, unless its numbers are rounded: with --float32
    an .onnx file computes in float32, and `verify --float32` says how well. An .onnx file may also
    come from elsewhere, for instance from PyTorch, if it is made of affine layers and ReLU, or what
    two ReLU make, from one number to one number.
    """
    from sinrelu.formats import save
    from sinrelu.precision import in_float32
    from sinrelu.verification.report import count_lines, line

    network = shared.network_of(source)
    network = in_float32(network) if float32 else network
    save(network, target)
    click.echo("\n".join([line("file", str(target)), *count_lines(network)]))
