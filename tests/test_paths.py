"""Paths are names and nothing else: every sign that a file may have, for reading and for writing."""

import os
import shutil

import pytest

from calling import relinkage
from every_command import lines

pytestmark = pytest.mark.slow

SIGNS = [chr(code) for code in range(1, 128) if chr(code) != "/"]
ODD = ["é", "日本", "\u202egnp", "a\u200db", "\u2028", "\u0085", "{{7*7}}", "$\\frac{$b", "<img src=x>",
    "%s%n", "~", "~root", "-rf", "..x", "x:y", "a::b", "s3:", "key=value", "**", "[1]", "a" * 200,
    os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xff\xfe")]  # fmt: skip
QUICK = ("cohort", "heads", "retrieve", "cohort to csv")
ALL = (
    *QUICK,
    "align",
    "page",
    "embed",
    "audit",
    "audit arrays",
    "attack",
    "compare",
    "utility",
    "map",
    "phantom",
    "schema",
)
STEERING = set(map(chr, range(32))) - {"\n"} | {"\x7f", "\x85", "\u202e", "\u2028", "\u200d"}


def check(line, folder, out_name):
    """Run a command that has to succeed or to be refused in a sentence; give whether it succeeded."""
    before = {path.name for path in folder.iterdir()}
    outcome = relinkage(*line)
    assert outcome.status in (0, 2), outcome.err
    assert not STEERING & set(outcome.out + outcome.err)
    assert "Traceback" not in outcome.err
    new = {path.name for path in folder.iterdir()} - before
    if outcome.status == 2:
        assert outcome.err.splitlines()[-1].startswith("relinkage: ")
        assert new == set()
    else:
        assert new == {out_name}
        assert all(written.startswith("relinkage: ") is False for written in outcome.err.splitlines())
    return outcome.status == 0


@pytest.mark.parametrize("name", ["cohort", "heads"])
def test_every_sign_may_stand_in_the_name_of_what_is_written(room, tmp_path, name):
    unfit = []
    for sign in SIGNS:
        out = tmp_path / f"a{sign}1{sign}"
        line = lines(room, out)[name]
        ending = str(line[-1]).removeprefix(str(out))
        if not check(line, tmp_path, f"{out.name}{ending}"):
            unfit.append(sign)
    assert unfit == []


@pytest.mark.parametrize("name", ALL)
def test_odd_names_are_written_literally_or_refused(room, tmp_path, name):
    for odd in ODD if name in QUICK else ODD[::5]:  # the others take a second each
        out = tmp_path / odd
        line = lines(room, out)[name]
        where = line[1] if name == "phantom" else line[line.index("--out") + 1]
        check(line, tmp_path, str(where).removeprefix(f"{tmp_path}/"))


@pytest.mark.parametrize("odd", [*ODD[:-3:2], *(f"x{sign}" for sign in "*?[~:#%{")])
def test_everything_is_read_from_a_folder_of_any_name(room, tmp_path, odd):
    """A link to the room, so that all inputs lie below an odd name."""
    if len(odd) > 100:
        pytest.skip("a long name is no odd one")
    (tmp_path / odd).symlink_to(room)
    (tmp_path / "plain").symlink_to(room)
    for name in QUICK:
        outs = []
        for folder in (odd, "plain"):
            out = tmp_path / "outs" / str(len(outs)) / "out"
            out.parent.mkdir(parents=True)
            outcome = relinkage(*lines(tmp_path / folder, out)[name])
            assert outcome.status == 0, outcome.err
            assert not STEERING & set(outcome.out + outcome.err)
            outs.append(
                {str(p.relative_to(out.parent)): p.read_bytes() for p in out.parent.rglob("*") if p.is_file()}
            )
        assert outs[0].keys() == outs[1].keys()
        if name.startswith("cohort"):
            assert outs[0] == outs[1]
        shutil.rmtree(tmp_path / "outs")
