"""Dtype policies as configs state them (keras/src/dtype_policies): by name, as objects, as maps from paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kconvert_schemas.dtypes import DTYPES
from kconvert_schemas.errors import ModelFileError, show

from .spec import Policy, PolicyMap, Quantization

MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
DEFAULT = "float32"
"""What stands for Keras' global policy, which files do not record."""
_QUANTIZED = re.compile(
    r"(?P<mode>int8|float8|int4(?:/(?P<block>-1|[1-9]\d*))?|gptq/(?P<bits>[2348])/(?P<group>-1|[1-9]\d*)"
    r"|awq/4/(?P<size>-1|[1-9]\d*))_from_(?P<source>\w+)"
)
_BITS = {"int8": 8, "float8": 8, "int4": 4, "awq": 4}


def read_policy(value: Any, path: str) -> Policy | PolicyMap:
    """Return what a layer's `dtype` stands for; one that Keras does not know has a `problem`.

    Raises ModelFileError for a policy object without a config.
    """
    if not isinstance(value, Mapping):
        return named_policy(DEFAULT if value is None else str(value))
    inner = value.get("config")
    if not isinstance(inner, Mapping):
        raise ModelFileError(f"config.json: layer {show(path)} has a dtype policy without a config.")
    if value.get("class_name") == "DTypePolicyMap":
        return _map(inner, path)
    if inner.get("mode"):
        return named_policy(f"{inner['mode']}_from_{inner.get('source_name') or DEFAULT}")
    known = value.get("class_name") in ("DTypePolicy", "FloatDTypePolicy")
    return named_policy(str(inner.get("name") or (DEFAULT if known else value.get("class_name"))))


def named_policy(name: str) -> Policy:
    """Return the policy of a name such as 'mixed_float16' or 'int4/64_from_float32'."""
    found = _QUANTIZED.fullmatch(name)
    source = found["source"] if found else name
    compute = MIXED.get(source, source)
    variable = "float32" if source in MIXED else compute
    if compute not in DTYPES or (found and found["mode"] == "int8" and compute == "float16"):
        return Policy(name, compute, variable, problem=f"its dtype policy {show(name)} is not one that Keras has")
    return Policy(name, compute, variable, _quantization(found) if found else None)


def _quantization(found: re.Match[str]) -> Quantization:
    mode = found["mode"].partition("/")[0]
    group = int(found["block"] or found["group"] or found["size"] or -1)
    return Quantization(mode, int(found["bits"] or 0) or _BITS[mode], None if group == -1 else group)


def _map(config: Mapping[str, Any], path: str) -> PolicyMap:
    entries = config.get("policy_map") or {}
    if not isinstance(entries, Mapping):
        raise ModelFileError(f"config.json: layer {show(path)} has a map of dtype policies without entries.")
    found = {str(key): read_policy(value, path) for key, value in entries.items()}
    default = read_policy(config.get("default_policy"), path)
    if any(isinstance(policy, PolicyMap) for policy in (default, *found.values())):
        raise ModelFileError(f"config.json: layer {show(path)} has a map of dtype policies within another.")
    return PolicyMap(default, found)  # type: ignore[arg-type]
