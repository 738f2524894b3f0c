"""The report in a real browser: it opens with no console error and asks for nothing outside the file."""

import shutil
import subprocess

import pytest
from synthetic_audit import synthetic_audit

from relinkage.pages import render_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed; apt-get install chromium"),
]


def opened(page, profile):
    """Give the page's document as the browser sees it, and what it logged on its console."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
        "--no-first-run --enable-logging=stderr --dump-dom"
    )
    # No name resolves, so whatever a page asks for fails, and is logged.
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND"
    command = [BROWSER, *flags.split(), nowhere, f"--user-data-dir={profile}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page():
    names = (("general", 1.0), ("report", 1.9))
    return render_page(
        [synthetic_audit(name, gamma=g, queries=2_000, patients=700, complete=True) for name, g in names]
    )


def test_it_opens_without_a_word_on_the_console(page, tmp_path):
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    document, console = opened(tmp_path / "page.html", tmp_path / "profile")
    assert "An attacker holding" in document
    assert document.count("<figure") == page.count("<figure")
    assert console == []


def test_it_forbids_requests_and_the_console_would_tell(page, tmp_path):
    reaching = page.replace("<main", '<img src="https://relinkage.invalid/x.png"><main', 1)
    (tmp_path / "page.html").write_text(reaching, encoding="utf-8")
    _, console = opened(tmp_path / "page.html", tmp_path / "profile")
    assert any("relinkage.invalid" in line and "Content Security Policy" in line for line in console)
