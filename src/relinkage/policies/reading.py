"""Policies by name or from a file, with all mistakes of a file at once."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from relinkage.errors import InputError
from relinkage.policies.rules import RULES, AnyRule, Policy, PolicyHead
from relinkage.toml_files import TomlFile, near

PUBLISHED = ("publisher", "hospital", "research")
"""The policies that come along."""


def policy_text(name: str) -> str:
    """Return the file of a policy that comes along, with the reasoning behind each number."""
    return (files("relinkage.policies") / "published" / f"{name}.toml").read_text(encoding="utf-8")


def read_policy(name: str) -> Policy:
    """Read a policy.

    Args:
        name: one that comes along, or a TOML file.

    Raises:
        InputError: there is none, or its file is not valid; all mistakes are told.
    """
    if name in PUBLISHED:
        return policy_of(TomlFile(policy_text(name), name))
    path = Path(name)
    if not path.suffix and not path.exists():
        raise InputError(
            f"--policy {name[:60]} is not a policy that comes along; {near(name, PUBLISHED).rstrip('.?')}, "
            "or name a TOML file."
        )
    return policy_of(TomlFile.read(path))


def policy_of(file: TomlFile) -> Policy:
    """Return the policy that a TOML file holds.

    Raises:
        InputError: it is not valid; all mistakes are told.
    """
    head = file.settings(PolicyHead, file.content, (), also=("rule",))
    rules = _rules(file)
    file.check()
    assert head is not None
    return Policy(head=head, rules=tuple(rules))


def _rules(file: TomlFile) -> list[AnyRule]:
    tables = file.content.get("rule")
    if not isinstance(tables, list) or not tables:
        file.fault(("rule",), "the policy has no rules; write each as a table under [[rule]].")
        return []
    made = [_rule(file, table, number) for number, table in enumerate(tables)]
    return [rule for rule in made if rule is not None]


def _rule(file: TomlFile, table: Any, number: int) -> AnyRule | None:
    place = ("rule", number)
    if not isinstance(table, Mapping):
        file.fault(place, "a rule is not a table; write it under [[rule]].")
        return None
    figure = table.get("figure")
    if figure is None:
        file.fault(place, f"figure is missing; give {', '.join(RULES)}.")
        return None
    if not isinstance(figure, str) or figure not in RULES:
        file.fault(
            (*place, "figure"), f"{str(figure)[:60]} is not a valid figure; {near(str(figure), RULES)}"
        )
        return None
    kind = RULES[figure]
    return file.settings(kind, table, place, also=("figure",))
