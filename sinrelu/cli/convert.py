"""``sinrelu convert``."""

from pathlib import Path

import click

from sinrelu.cli import shared

HELP = """\b
Example:
  sinrelu convert sin.npz sin.onnx"""


@click.command(epilog=HELP)
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@shared.output_argument("sinrelu.formats", "target", metavar="TO")
def command(source: Path, target: Path) -> None:
    """Write the network of one file to another, .npz, .json or .onnx.

    The graph stays the same, and so does its sha256. An .onnx file may also come from elsewhere,
    for instance from PyTorch, if it is made of affine layers and ReLU, or what two ReLU make, from
    one number to one number.
    """
    from sinrelu.formats import save
    from sinrelu.verification.report import count_lines, line

    network = shared.network_of(source)
    save(network, target)
    click.echo("\n".join([line("file", str(target)), *count_lines(network)]))
