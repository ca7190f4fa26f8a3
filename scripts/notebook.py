"""Execute the notebooks beside this file afresh and store them with their output.

    scripts/notebook [NAME ...]

All of them unless some are named: ``assignment``, ``layers``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("assignment", "layers")
SECONDS = 600
"""For one cell, on a busy machine."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Small matrices are multiplied faster so, and training gives the same numbers every time."""


def place(name: str) -> Path:
    """Return where a notebook is."""
    return ROOT / "scripts" / f"{name}.ipynb"


def stored(name: str) -> NotebookNode:
    """Return a notebook as it is."""
    return nbformat.read(place(name), as_version=4)


def executed(name: str) -> NotebookNode:
    """Return a notebook with fresh output, without times and counters of the machine."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": paths}
    client = NotebookClient(
        stored(name), timeout=SECONDS, kernel_name="python3", record_timing=False
    )
    return client.execute(cwd=ROOT, env=environment)


def texts(notebook: NotebookNode) -> list[str]:
    """Return what each cell printed or showed as text, in however many pieces it came."""
    return ["".join(map(_text, cell.get("outputs", ()))) for cell in notebook.cells]


def _text(output: NotebookNode) -> str:
    data = output.get("data", {})
    return output.get("text", "") + data.get("text/markdown", data.get("text/plain", ""))


def main(names: list[str]) -> None:
    """Rewrite the notebooks."""
    for name in names or NAMES:
        notebook = executed(name)
        notebook.metadata.pop("widgets", None)
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, place(name))


if __name__ == "__main__":
    main(sys.argv[1:])
