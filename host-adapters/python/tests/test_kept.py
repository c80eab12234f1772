"""Which statements are kept prepared: the cases that hold for all of batchintory's hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchintory.driver.kept import Kept

CASES = json.loads((Path(__file__).parents[3] / "tests" / "kept_statements.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_texts_that_repeat_are_kept(case: dict[str, Any]) -> None:
    kept: Kept[str] = Kept(case["most"])
    for number, step in enumerate(case["steps"]):
        for _ in range(step.get("times", 1)):
            sent, closes = kept.turn(step["text"])
            if sent == "prepare":
                closes = kept.keep(step["text"]) or closes
            assert (sent, closes) == (step["sent"], step.get("closes")), number
