"""Limits are named in messages and raised by name."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import kconvert
from kconvert.json_text import parse_json
from kconvert.limits import DEFAULT, Limits, current, in_force, parse_limits
from kconvert_schemas import ModelFileError
from kconvert_schemas.errors import InputError
from tests.helpers import dense_file, layer_config, sequential_config, write_keras

PAGE = Path(__file__).parents[2] / "docs" / "safety.md"


def test_parse() -> None:
    limits = parse_limits(["json_depth=500", "file_size=none"])
    assert limits.json_depth == 500
    assert limits.file_size > 1 << 60
    assert limits.calls == DEFAULT.calls
    for wrong in ("json_depth", "json_depth=", "json_depth=-1", "json_depth=1e3", "depth=3", "json_depth=" + "9" * 30):
        with pytest.raises(InputError):
            parse_limits([wrong])


def test_in_force() -> None:
    with in_force(Limits(json_depth=2)):
        assert current().json_depth == 2
        with pytest.raises(ValueError, match="limit json_depth"):
            parse_json("[[[[]]]]")
    assert current() is DEFAULT
    assert parse_json("[[[[]]]]") == [[[[]]]]


def test_a_limit_is_raised(tmp_path: Path) -> None:
    config = sequential_config(layer_config("ReLU", "n" * 1200))
    file = write_keras(tmp_path / "m.keras", config, {})
    with pytest.raises(ModelFileError, match="limit name_length"):
        kconvert.convert(file, None, dry_run=True)
    kconvert.convert(file, None, dry_run=True, limits=Limits(name_length=2000))


@pytest.mark.parametrize("name", ["file_size", "zip_members", "config_size", "calls"])
def test_limits_hold(name: str, tmp_path: Path) -> None:
    file = dense_file(tmp_path / "m.keras")
    changed: dict[str, Any] = {name: 0}
    with pytest.raises(kconvert.KconvertError, match=f"limit {name}"):
        kconvert.convert(file, None, dry_run=True, limits=Limits(**changed))


def test_numbers_that_keras_writes() -> None:
    assert parse_json('{"a": Infinity, "b": -1e30, "c": 18446744073709551615}')["c"] == (1 << 64) - 1
    assert parse_json(json.dumps("düns 層 😀")) == "düns 層 😀"


def test_every_limit_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.read_text(), flags=re.MULTILINE))
    assert {name: int(value.replace(",", "")) for name, value in rows.items()} == asdict(DEFAULT)
