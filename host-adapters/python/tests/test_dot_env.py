"""Dot-env files: the cases of ``tests/dot-env`` that hold for the command line, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchintory import SettingsError
from batchintory.dot_env import DotEnvError, read
from batchintory.settings import load

CASES = json.loads((Path(__file__).parents[3] / "tests" / "dot-env" / "cases.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["text"]))
def test_files_are_read_as_the_command_line_reads_them(case: dict[str, Any]) -> None:
    if "refused" not in case:
        assert read(case["text"]) == case["gives"]
        return
    with pytest.raises(DotEnvError) as caught:
        read(case["text"])
    assert str(caught.value).startswith(case["refused"] + " ")
    assert "hunter2" not in str(caught.value)


def test_a_file_s_fault_is_told_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_bytes(b"\xef\xbb\xbfBATCHINTORY_INVENTORY_CONN=postgres://me:pa$word@host/lake\n")
    assert load(file).inventory_conn == "postgres://me:pa$word@host/lake"
    file.write_text("BATCHINTORY_META_CONN=x\nhunter2\n")
    with pytest.raises(SettingsError, match=r"settings\.env': line 2 is not") as caught:
        load(file)
    assert "hunter2" not in str(caught.value)
    file.write_bytes(b"BATCHINTORY_META_CONN=\xff\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(file)
