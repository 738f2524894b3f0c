"""The page of figures keeps what was not measured again."""

import pytest
from bench.page import section_text, write_page
from bench.sections import SECTIONS, Section

FIRST, SECOND = SECTIONS[0].title, SECTIONS[1].title


def text(title, table):
    return section_text(title, "What is measured.", table, "One day, some machine.")


def test_sections_stand_in_their_order_whatever_was_measured_first(tmp_path):
    page = tmp_path / "page.md"
    write_page(page, {SECOND: text(SECOND, "second")})
    write_page(page, {FIRST: text(FIRST, "first")})
    written = page.read_text()
    assert written.index(f"## {FIRST}") < written.index(f"## {SECOND}")
    assert "What is measured.\n\nOne day, some machine.\n\n```text\nsecond\n```" in written


def test_a_section_measured_again_replaces_itself_alone(tmp_path):
    page = tmp_path / "page.md"
    write_page(page, {FIRST: text(FIRST, "first"), SECOND: text(SECOND, "old")})
    write_page(page, {SECOND: text(SECOND, "new")})
    written = page.read_text()
    assert "first" in written
    assert "new" in written
    assert "old" not in written
    write_page(page, {SECOND: text(SECOND, "new")})
    assert page.read_text() == written


def test_every_section_explains_what_it_measures():
    assert all(section.explanation() for section in SECTIONS if section.there)


def test_a_section_without_a_module_is_not_there():
    assert not Section("none", "Nothing", "bench.no_such_module").there


def test_a_section_that_fails_says_what_ran():
    with pytest.raises(RuntimeError, match=r"bench\.no_such_module --option ended"):
        Section("none", "Nothing", "bench.no_such_module", ("--option",)).run(quick=False)
