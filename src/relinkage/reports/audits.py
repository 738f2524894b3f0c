"""The audit as this room reads it: `audit.json`, and the few questions every part of a report asks of it."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from relinkage.errors import InputError
from relinkage.files import read_json

SCHEMA = "relinkage.audit/1"

Audit = dict[str, Any]
"""A parsed `audit.json`; `audit_schema` says what it holds."""

Row = dict[str, Any]
"""A row of one of its tables."""

ALL = "all"
"""The value of `negatives` where every eligible candidate is a distractor."""


@cache
def audit_schema() -> dict[str, Any]:
    """Give the published JSON Schema (draft 2020-12) of `audit.json`."""
    text = files("relinkage.reports").joinpath("schemas/audit-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_audit(path: Path) -> Audit:
    """Read an audit.

    Args:
        path: a run folder, or its `audit.json`.

    Raises:
        InputError: the file is missing or is no audit of the version this release reads.
    """
    file = path / "audit.json" if path.is_dir() else path
    audit = read_json(file, "an audit that `relinkage audit --out` wrote")
    found = audit.get("schema")
    if found != SCHEMA:
        raise InputError(
            f"{file} has the schema {_found(found)}, this release reads {SCHEMA}; run the audit with it."
        )
    missing = [key for key in audit_schema()["required"] if key not in audit]
    if missing:
        raise InputError(f"{file} lacks {', '.join(missing)}; run the audit again to write it whole.")
    if not audit["closed_set"]:
        raise InputError(f"{file} holds no closed-set rows; run the audit with a pool size that fits.")
    wrong = next(Draft202012Validator(audit_schema()).iter_errors(audit), None)
    if wrong is not None:
        raise InputError(f"{file} is damaged at {wrong.json_path}; run the audit again.")
    return audit


def _found(found: object) -> str:
    """Name a schema that was found, cut short where it is long, or say that there is none."""
    return "no name" if found is None else repr(str(found)[:60])


def groups(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Give each (direction, negatives) of the rows once, in order of appearance."""
    return list(dict.fromkeys((row["direction"], row["negatives"]) for row in rows))


def select(rows: Iterable[Row], **wanted: Any) -> list[Row]:
    """Give the rows that hold all the wanted values, in their order."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def first_k(rows: Sequence[Row]) -> int:
    """Give the smallest K of the rows: 1 in nearly every audit."""
    return min(int(row["k"]) for row in rows)


def stronger_attacker(audit: Audit) -> dict[str, Any] | None:
    """Give who scored, where it was not plain cosine."""
    attacker: dict[str, Any] | None = audit.get("attacker")
    return None if attacker is None or attacker["name"] == "cosine" else attacker


def beats_chance(row: Row) -> bool:
    """Say whether the row's interval lies above chance as a whole."""
    return bool(row["low"] > row["chance"])


def misses_chance(row: Row) -> bool:
    """Say whether the row's interval lies below chance as a whole."""
    return bool(row["high"] < row["chance"])
