"""``sinrelu recheck``."""

from pathlib import Path

import click

from sinrelu.cli import shared
from sinrelu.errors import FormatError

HELP = """\b
Example:
  sinrelu verify sin.npz --certificate sin.proof
  sinrelu recheck sin.proof sin.npz
  sinrelu recheck sin.proof sin.npz --backend numpy

\b
Exit status: 0 the certificate stands, 1 it does not, 2 bad usage or file."""


@click.command(epilog=HELP)
@click.argument("certificate", type=click.Path(path_type=Path))
@shared.file_argument
@shared.backend_option()
def command(certificate: Path, file: Path, backend: str | None) -> int:
    """Compute a certificate of FILE again, on another partition of the domain.

    Nothing in the certificate is believed; what differs is listed. --backend numpy does without
    compiled code, which takes longer.
    """
    from sinrelu.certify import Certificate, recheck
    from sinrelu.formats import load, read_text
    from sinrelu.verification.report import agreement_text

    text = read_text(certificate, "a certificate of `sinrelu verify --certificate`")
    try:
        old = Certificate.from_json(text)
    except FormatError as error:
        raise FormatError(f"{certificate}: {error}") from error
    network = load(file)
    with shared.progress_bar("proving") as progress:
        new, differences = recheck(old, network, backend=backend, progress=progress)
    click.echo(agreement_text(old, new, differences))
    return 1 if differences else 0
