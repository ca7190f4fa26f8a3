"""Where the repository is, its scripts, and the table of the scaling study that is committed."""

from importlib import import_module
from pathlib import Path

import pytest

from sinrelu.compare import read_csv

ROOT = Path(__file__).resolve().parent.parent
TABLE = read_csv(ROOT / "docs" / "scaling.csv")


def load_script(name):
    """Import a file of scripts/, which is no package; it may import its neighbours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        return import_module(name)
