"""What README quotes is what the demonstration prints."""

from pathlib import Path

import pytest

from relinkage import studies
from relinkage.pages import read_audit
from relinkage.pages.headlines import strongest
from relinkage.studies.demo_settings import DemoSettings

ROOT = Path(__file__).parents[1]


def test_the_share_of_similar_cases_is_that_of_the_table():
    """Precision of the pretrained heads and of all three parts."""
    readme, table = ((ROOT / name).read_text() for name in ("README.md", "docs/alignment.md"))
    rows = {cells[1].strip(): cells for line in table.splitlines() if len(cells := line.split("|")) > 4}
    for row in ("pretrained", "all three"):
        assert rows[row][3].replace("*", "").strip() in " ".join(readme.split())


@pytest.mark.slow
def test_a_fresh_demonstration_says_what_readme_quotes(tmp_path):
    audits = [read_audit(run) for run in studies.demo(tmp_path / "demo", DemoSettings())]
    _, found = strongest(audits)
    readme = (ROOT / "README.md").read_text()
    quoted = " ".join(line[1:].strip() for line in readme.splitlines() if line.startswith("> "))
    assert quoted == f"{found.sentence} {found.detail}".replace("\N{NO-BREAK SPACE}", " ")
