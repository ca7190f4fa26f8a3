"""What `sinrelu plot` writes: pictures, for ``folding`` moving ones, and for ``error`` a page."""

from pathlib import Path

from sinrelu.errors import RequestError
from sinrelu.plots import film, page, style

FOLDING, ERROR = "folding", "error"
KINDS_OF = {**dict.fromkeys(film.SUFFIXES, FOLDING), page.SUFFIX: ERROR}
"""Suffixes that are for one kind alone."""


def check_suffix(path: Path) -> None:
    """Refuse a path whose suffix names none of these forms.

    Raises RequestError, or MissingExtraError for .mp4 without ffmpeg.
    """
    suffix = path.suffix.lower()
    if suffix not in (*style.SUFFIXES, *KINDS_OF):
        pictures, moving = ", ".join(style.SUFFIXES), " or ".join(film.SUFFIXES)
        raise RequestError(
            f"{path}: unknown suffix; pictures end in {pictures}, moving ones in {moving}, "
            f"pages in {page.SUFFIX}"
        )
    if suffix == film.MP4:
        film.ffmpeg(path)


def check_kind(path: Path, kind: str) -> None:
    """Refuse a suffix that is not for the kind; ``folding`` has no other than its own."""
    wanted = KINDS_OF.get(path.suffix.lower(), kind)
    if wanted != kind:
        raise RequestError(f"{path}: only --kind {wanted} is written as {path.suffix}")
    if kind == FOLDING and path.suffix.lower() not in film.SUFFIXES:
        raise RequestError(f"{path}: --kind {FOLDING} is written as {' or '.join(film.SUFFIXES)}")
