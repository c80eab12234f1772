"""What the README shows runs as printed, in one folder, from the top to the end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
SHOWN = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def run(program: str, folder: Path) -> str:
    ran = subprocess.run([sys.executable, "-c", program], cwd=folder, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_first_example_has_ten_lines_at_most() -> None:
    assert len(SHOWN[0].splitlines()) <= 10


def test_all_examples_run_and_print_what_is_said(tmp_path: Path) -> None:
    first = run(SHOWN[0], tmp_path)
    (said,) = re.findall(r"^It prints `(.*)`\.$", README.read_text(), re.MULTILINE)
    assert first.strip() == said
    assert len(SHOWN) > 4
    for program in SHOWN[1:]:
        run(program, tmp_path)
