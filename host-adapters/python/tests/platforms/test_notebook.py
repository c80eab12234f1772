"""The notebook of the examples, run cell by cell by Jupyter's kernel: what it shows is what it gives.

``SNAPSHOTS=overwrite`` writes what it gives into it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from text_files import EXAMPLES

NOTEBOOK = EXAMPLES / "notebook.ipynb"

#: What is another each time.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


def steady(output: Any) -> Any:
    """An output as it is each time."""
    if isinstance(output, str):
        return TIME.sub("2026-05-17T10:00:00.000000Z", output)
    if isinstance(output, dict):
        return {name: steady(value) for name, value in output.items()}
    return [steady(element) for element in output] if isinstance(output, list) else output


def outputs(notebook: Any) -> list[Any]:
    """What each cell has given, but for what goes to its log."""
    return [
        [steady(dict(output)) for output in cell.outputs if output.get("name") != "stderr"]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook_shows_what_it_gives(tmp_path: Path) -> None:
    kept = nbformat.read(NOTEBOOK, as_version=4)
    ran = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(ran, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    given = outputs(ran)
    if os.environ.get("SNAPSHOTS") == "overwrite":
        for cell, shown in zip((each for each in ran.cells if each.cell_type == "code"), given, strict=True):
            cell.outputs = [nbformat.from_dict(output) for output in shown]
            cell.metadata = {}
        ran.metadata = kept.metadata
        nbformat.write(ran, NOTEBOOK)
        return
    assert given == outputs(kept)
    shown = [output["data"] for cell in given for output in cell if "data" in output]
    # Plans, items and histories by themselves; pandas and polars have tables of their own.
    assert len([data for data in shown if "text/html" in data]) == 6
