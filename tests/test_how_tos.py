"""The pages that walk a reader through commands: every command is one, and all of them run in their order."""

import re
import runpy
import shlex
from pathlib import Path

import click
import pytest

from calling import relinkage
from relinkage.cli import cli

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]
BLOCK = re.compile(r'^```(sh|python|toml)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SMALLER = {
    "--pairs 6000": "--pairs 1200",
    "demo --out": "demo --pairs 600 --out",
    ",1000,": ",",
    "--attackers all": "--attackers cosine,ensemble",
    "--open-set 0.01": "--open-set 0.1",
    "--risk-pool 1000": "--risk-pool 100",
    "--population 4000": "--population 1000 --batch 128 --steps 20",
    "--delta 1e-5": "--delta 1e-4",
}
"""What is asked for on a page, and what a test asks for."""


def blocks(page):
    """Give what a reader does, in order: the language, the name of a file, and the text."""
    return [found.groups() for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def commands(page):
    """Give the command lines of a page, each as its arguments without the program."""
    lines = "".join(text for language, _, text in blocks(page) if language == "sh").splitlines()
    assert all(line.startswith("relinkage ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_walk_has_at_most_ten_commands_and_each_is_one(page):
    assert 0 < len(commands(page)) <= 10
    for name, *arguments in commands(page):
        command = cli.get_command(click.Context(cli), name)
        with click.Context(command) as context:
            command.make_parser(context).parse_args(arguments)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_walk_runs_as_it_stands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for language, title, text in blocks(page):
        if language == "sh":
            for asked, small in SMALLER.items():
                text = text.replace(asked, small)
            for line in text.splitlines():
                outcome = relinkage(*shlex.split(line)[1:])
                assert outcome.status in ((0, 1) if " check " in line else (0,)), (line, outcome.err)
        elif title:
            Path(title).write_text(text, encoding="utf-8")
            if language == "python":
                runpy.run_path(title, run_name="__main__")
