"""How long work says how far it is, and what it is about to do."""

from collections.abc import Callable

Progress = Callable[[float], None]
"""Told the fraction done, rising to 1."""
Message = Callable[[str], None]
"""Told, before a step that takes long, what is being done."""


def ignore(*_: object) -> None:
    """Tell nobody."""
