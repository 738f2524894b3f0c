"""Calls the command line as a person would, in this process."""

import io
import re
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

import msgspec

from relinkage.cli import main
from relinkage.linkage.result import AuditResult


@dataclass(frozen=True)
class Outcome:
    """What a person and a script see of a command: its exit status and its two streams."""

    status: int
    out: str
    err: str


def relinkage(*arguments):
    """Run `relinkage ARGUMENTS...`; whatever is no clean exit, a traceback above all, comes through."""
    out, err = io.StringIO(), io.StringIO()
    line = ["relinkage", *map(str, arguments)]
    with (
        patch.object(sys, "argv", line),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", UserWarning)  # a person would see it between the lines
        try:
            main()
        except SystemExit as end:
            return Outcome(end.code, out.getvalue(), err.getvalue())
    raise AssertionError("main() came back without an exit status")


def audits_of(text):
    """Give the audit, or the audits, that a command printed as JSON."""
    return msgspec.json.decode(text, type=AuditResult | list[AuditResult])


def done(*arguments):
    """Run a command that has to succeed; give its outcome."""
    outcome = relinkage(*arguments)
    assert outcome.status == 0, outcome.err
    return outcome


def refused(folder, *arguments):
    """Run a command that has to be refused in one sentence, with nothing written below `folder`; give it."""
    before = files(folder)
    outcome = relinkage(*arguments)
    assert (outcome.status, outcome.out) == (2, ""), outcome
    assert files(folder) == before
    sentence = re.fullmatch(r"relinkage: (\S[^\n]*\.)\n", outcome.err)
    assert sentence, f"not one line that ends in a full stop: {outcome.err!r}"
    assert not re.search(r"[.?!]\s+[A-Z]", sentence[1]), f"more than one sentence: {sentence[1]}"
    return sentence[1]


def files(folder):
    """Give everything below a folder, with sizes and times of change: what a refused command leaves alone."""
    states = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    return [(path, state.st_size, state.st_mtime_ns) for path, state in states]
