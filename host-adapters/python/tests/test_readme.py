"""What the README shows runs as printed, in one folder, from the top to the end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
#: Programs, each with what it is said to print, if that is said.
SHOWN: list[tuple[str, str]] = re.findall(
    r"^```python\n(.*?)^```(?:\n\nIt prints `(.*?)`\.)?", README.read_text(), re.DOTALL | re.MULTILINE
)


def run(program: str, folder: Path) -> str:
    # In a file: other processes may have to read it.
    (folder / "shown.py").write_text(program)
    ran = subprocess.run([sys.executable, "shown.py"], cwd=folder, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_first_example_has_ten_lines_at_most() -> None:
    assert len(SHOWN[0][0].splitlines()) <= 10


def test_all_examples_run_and_print_what_is_said(tmp_path: Path) -> None:
    assert len(SHOWN) > 5
    assert sum(bool(said) for _, said in SHOWN) == README.read_text().count("It prints `") == 3
    for program, said in SHOWN:
        printed = run(program, tmp_path)
        if said:
            assert printed.strip() == said
