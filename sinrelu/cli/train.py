"""``sinrelu train``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared

if TYPE_CHECKING:
    from sinrelu.layers.training import Training

HELP = """The network that results is like any other: `sinrelu verify` recounts and judges it.

\b
Examples:
  sinrelu train --connections 300 -o trained.npz     about as many as `sinrelu build` needs
  sinrelu train --hidden-layers 1 --plot loss.png    a flatter one, and its loss drawn
  sinrelu verify trained.npz --tol 1e-2"""


@click.command(epilog=HELP)
@shared.count_option("--connections", "Most connections allowed.", 500)
@shared.count_option("--hidden-layers", "Layers of units, all of the same width.", 2, most=100)
@shared.count_option("--steps", "Steps of the optimiser.", 10_000)
@shared.count_option(
    "--seed", "Start of the random numbers; the same seed gives the same network.", 0, least=0
)
@shared.network_option("trained.npz", "trained.npz")
@shared.picture_option("the loss")
def command(
    connections: int, hidden_layers: int, steps: int, seed: int, output: Path, picture: Path | None
) -> None:
    """Fit sin by gradient descent, to compare with what is built.

    A dense network of random weights learns sin on [−π, π]: Adam lowers the mean squared error. No
    tolerance can be asked for; the error that results is what it is.
    """
    from sinrelu.formats import save
    from sinrelu.layers.training import train
    from sinrelu.verification.report import count_lines, line

    interval = max(1, steps // 10)  # ten reports in the course of a training

    def progress(step: int, loss: float) -> None:
        if step % interval == 0:
            shared.message(f"step {step} of {steps}: loss {loss:.3e}")

    training = train(connections, steps, seed, hidden_layers, progress)
    loss = f"{training.losses[-1]:<12.4g} mean squared error at the points"
    counts = count_lines(training.network, connections)
    report = "\n".join([line("file", str(output)), *counts, line("last loss", loss)])
    drawn = [] if picture is None else [partial(_draw, training, picture)]
    shared.finish(report, partial(save, training.network, output), *drawn)


def _draw(training: Training, file: Path) -> None:
    from sinrelu import plots

    plots.write(plots.loss_figure(training.losses), file)
