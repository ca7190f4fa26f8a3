"""The command ``train``; like ``cli``, it loads numerics only when it runs."""

from __future__ import annotations

from pathlib import Path

import click

EPILOG = """The network that results is like any other: `sinrelu verify` recounts and judges it.

\b
Examples:
  sinrelu train --connections 664 -o trained.npz     the size of the default network
  sinrelu train --hidden-layers 1 --plot loss.png    a flatter one, and its loss drawn
  sinrelu verify trained.npz --tol 1e-2"""

REPORTS = 10
"""Lines on stderr in the course of a training."""


@click.command(epilog=EPILOG)
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    metavar="N",
    default=500,
    show_default=True,
    help="Most connections allowed.",
)
@click.option(
    "--hidden-layers",
    type=click.IntRange(1, 100),
    metavar="N",
    default=2,
    show_default=True,
    help="Layers of units, all of the same width.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    default=10_000,
    show_default=True,
    help="Steps of the optimiser.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Start of the random numbers; the same seed gives the same network.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="trained.npz",
    show_default=True,
    help="Network file, .npz, .json or .onnx.",
)
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path),
    help="Also draw the loss, as .png, .svg or .pdf.",
)
def train(
    connections: int,
    hidden_layers: int,
    steps: int,
    seed: int,
    output: Path,
    picture: Path | None,
) -> None:
    """Fit sin by gradient descent, to compare with what is built.

    A dense network of random weights learns sin on [−π, π]: Adam lowers the mean squared error. No
    tolerance can be asked for; the error that results is what it is.
    """
    from sinrelu.formats import check_suffix, save, write_whole
    from sinrelu.layers.training import train as learn
    from sinrelu.verification.report import count_lines, line

    check_suffix(output)
    if picture is not None:
        from sinrelu.plots import check_suffix as check_picture

        check_picture(picture)
    interval = max(1, steps // REPORTS)

    def progress(step: int, loss: float) -> None:
        if step % interval == 0:
            click.echo(f"step {step} of {steps}: loss {loss:.3e}", err=True)

    training = learn(connections, steps, seed, hidden_layers, progress)
    save(training.network, output)
    if picture is not None:
        from sinrelu.plots import loss_figure, rendered

        write_whole(picture, rendered(loss_figure(training.losses), picture.suffix))
    click.echo(line("file", str(output)))
    click.echo("\n".join(count_lines(training.network, connections)))
    click.echo(line("last loss", f"{training.losses[-1]:<12.4g} mean squared error at the points"))
