"""The report in a real browser: it opens with no console error and asks for nothing outside the file."""

import pytest
from browsing import browser_tab, needs_browser
from synthetic_audit import synthetic_audit

from relinkage.pages import render_page

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.fixture(scope="module")
def page():
    names = (("general", 1.0), ("report", 1.9))
    return render_page(
        [synthetic_audit(name, gamma=g, queries=2_000, patients=700, complete=True) for name, g in names]
    )


@pytest.fixture
def tab(tmp_path):
    with browser_tab(tmp_path / "profile") as tab:
        yield tab


def test_it_opens_without_a_word_on_the_console_and_without_a_request(page, tab, tmp_path):
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    tab.open(tmp_path / "page.html")
    document = tab.run("document.documentElement.outerHTML")
    assert "An attacker holding" in document
    assert document.count("<figure") == page.count("<figure")
    assert tab.console == []
    assert tab.requests == [(tmp_path / "page.html").as_uri()]


def test_it_forbids_requests_and_the_console_would_tell(page, tab, tmp_path):
    reaching = page.replace("<main", '<img src="https://relinkage.invalid/x.png"><main', 1)
    (tmp_path / "page.html").write_text(reaching, encoding="utf-8")
    tab.open(tmp_path / "page.html")
    tab.run("0")  # what was logged comes before the answer
    assert any("relinkage.invalid" in line and "Content Security Policy" in line for line in tab.console)


@pytest.mark.parametrize(
    "added", ["<script>document.title = 1</script>", '<p onclick="document.title = 1">x</p>']
)
def test_no_other_script_runs(page, tab, tmp_path, added):
    (tmp_path / "page.html").write_text(page.replace("<main", f"{added}<main", 1), encoding="utf-8")
    tab.open(tmp_path / "page.html")
    tab.run("[...document.querySelectorAll('p')].forEach(one => one.click())")
    assert tab.run("document.title") == "2 models: general, report: linkage audit"
    assert any("Content Security Policy" in line for line in tab.console)
