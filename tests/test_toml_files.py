"""TOML that people write: every mistake at once, each with its line."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from relinkage.errors import InputError, SeveralFaultsError
from relinkage.options import Settings
from relinkage.toml_files import TomlFile


class Garden(Settings, frozen=True):
    beds: Annotated[int, Meta(ge=1)]
    trees: int = 0
    share: float = 0.5


def faults(text, kind=Garden):
    file = TomlFile(text, "garden.toml")
    assert file.settings(kind, file.content, ()) is None
    with pytest.raises(SeveralFaultsError) as told:
        file.check()
    return told.value.faults


def test_a_table_becomes_settings():
    file = TomlFile("beds = 2\nshare = 1", "garden.toml")
    assert file.settings(Garden, file.content, ()) == Garden(beds=2, share=1.0)
    file.check()


def test_all_mistakes_are_told_with_their_lines():
    assert faults('# a garden\ntress = 1\nbeds = 0\n\nshare = "half"') == (
        "garden.toml, line 2: tress is not a valid key; did you mean trees?",
        "garden.toml, line 3: beds 0 is not a valid beds; give a whole number from 1 up.",
        "garden.toml, line 5: share half is not a valid share; give a number.",
    )


def test_what_is_missing_is_told_of_the_table_that_lacks_it():
    assert faults("trees = 1") == ("garden.toml: beds is missing; give a whole number from 1 up.",)


def test_what_stands_in_a_text_of_several_lines_is_no_key():
    file = TomlFile('# """\ntext = """\nbeds = 1\n[house]\n"""\n[house]\nbeds = 0', "garden.toml")
    file.settings(Garden, file.content["house"], ("house",))
    with pytest.raises(InputError, match="line 7: beds 0"):
        file.check()


def test_tables_in_arrays_have_lines_of_their_own():
    file = TomlFile("[[bed]]\nbeds = 1\n[[bed]]\n[bed.house]\nbeds = 0\n[[bed]]\nbeds = -1", "garden.toml")
    file.settings(Garden, file.content["bed"][1]["house"], ("bed", 1, "house"))
    file.settings(Garden, file.content["bed"][2], ("bed", 2))
    with pytest.raises(SeveralFaultsError) as told:
        file.check()
    assert [fault.split(":")[0][-6:] for fault in told.value.faults] == ["line 5", "line 7"]


@pytest.mark.parametrize("text", ["beds = ", "beds = 1\nbeds = 2", "x" * 10, "a = " + "[" * 5000])
def test_broken_toml_is_one_sentence(text):
    with pytest.raises(InputError, match=r"garden.toml is not valid TOML"):
        TomlFile(text, "garden.toml")


def test_a_file_is_read_or_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        TomlFile.read(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        TomlFile.read(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'beds = "\xe9"')
    with pytest.raises(InputError, match="UTF-8"):
        TomlFile.read(tmp_path / "latin.toml")


@given(st.lists(st.sampled_from(["beds = 0", "trees = 1.5", "share = true", "", "# beds"]), unique=True))
def test_every_line_told_holds_the_key_it_speaks_of(lines):
    file = TomlFile("\n".join(["other = 1", *lines]), "garden.toml")
    file.settings(Garden, file.content, (), also=("other",))
    try:
        file.check()
    except SeveralFaultsError as error:
        told = [fault for fault in error.faults if ", line " in fault]
        for fault in told:
            number = int(fault.split(", line ")[1].split(":")[0])
            assert ["other = 1", *lines][number - 1].split(" ")[0] == fault.split(": ")[1].split(" ")[0]
        assert len(told) == len([line for line in lines if line and line[0] != "#"])
