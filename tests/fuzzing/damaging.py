"""Damages JSON: at any place, in ways that editors, disks and other programs do."""

import json
from copy import deepcopy

DEEP = 100_000
WAYS = (
    "drop", "null", "retype", "nest", "empty", "zero", "one", "negative", "huge", "swap", "repeat", "foreign",
    "truncate",
)  # fmt: skip


def places(value, path=()):
    """Give the path of every field and item inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*path, key)
        yield from places(part, (*path, key))


def damaged(whole, random, most=None):
    """Give the text of the JSON, damaged once, and what was done to it."""
    spots = list(places(whole))
    path, way = spots[random.integers(len(spots))], WAYS[random.integers(len(WAYS))]
    told = f"{way} {'.'.join(map(str, path))}"
    if way == "truncate":
        text = json.dumps(whole)
        return text[: random.integers(len(text))], told
    changed = deepcopy(whole)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    key, old = path[-1], parent[path[-1]]
    if way == "drop":
        del parent[key]
    elif way == "nest":
        parent[key] = "@"
        return json.dumps(changed).replace('"@"', "[" * DEEP + "]" * DEEP), told
    elif way == "swap" and isinstance(parent, list):
        parent[key], parent[0] = parent[0], old
    elif way == "repeat" and isinstance(parent, list):
        parent.insert(key, old)
    elif way == "foreign" and isinstance(old, dict):
        old["Spiculated Petra"] = "Spiculated Petra"
    else:
        parent[key] = substitute(way, old)
    return json.dumps(changed), told


def substitute(way, old):
    """Give what stands in place of a value."""
    if way == "retype":
        return {str: 7, int: "Spiculated Petra", float: "Petra", bool: "Petra", list: {}, dict: []}.get(
            type(old), []
        )
    return {
        "null": None, "empty": type(old)() if isinstance(old, str | list | dict) else "", "zero": 0, "one": 1,
        "negative": -1, "huge": 10**300 if isinstance(old, float) else 2**62,
    }.get(way)  # fmt: skip
