"""The card: Markdown that reads the same everywhere, and figures that machines read."""

import re
import shlex

import pytest
from synthetic_audit import changed, synthetic_audit

from relinkage.linkage.result import AuditedHeads
from relinkage.pages import headline, render_card
from relinkage.pages.card import escape_markdown, reproduce
from relinkage.pages.findings import finding_lines
from relinkage.pages.wording import percent


def front_matter(card):
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the card's front matter")
    start, matter, _ = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(matter)


@pytest.mark.parametrize("name", ["report-level encoder", 'a: "b" #c\n- d', "中文 {x}", "---"])
def test_the_front_matter_is_a_model_index_with_every_row(name):
    audit = synthetic_audit(name, queries=200_000)
    (entry,) = front_matter(render_card([audit]))["model-index"]
    assert entry["name"] == " ".join(name.split())
    (result,) = entry["results"]
    assert result["dataset"] == {"type": "phantom-9-000-patients", "name": "phantom, 9,000 patients"}
    assert len(result["metrics"]) == len(audit.closed_set)
    for metric, row in zip(result["metrics"], audit.closed_set, strict=True):
        assert metric["type"] == f"recall_at_{row.k}"
        assert metric["value"] == row.recall
        # 1 / 200,000 is 5e-06, which YAML 1.1 would take for text.
        named = ("pool", "k", "low", "high", "chance", "lift")
        assert all(metric["args"][key] == getattr(row, key) for key in named)


def test_it_says_what_the_report_says():
    audit = synthetic_audit(queries=5_000, patients=137)
    card = render_card([audit])
    found = headline(audit)
    for text in (found.sentence, found.detail, *found.caveats):
        assert escape_markdown(text) in card
    for section in (
        "Auditor",
        "Scope",
        "Access",
        "Method",
        "Results",
        "Controls",
        "Limits",
        "How to reproduce",
    ):
        assert f"## {section}\n" in card
    for row in audit.closed_set:
        assert f"| {percent(row.recall)} |".replace("\N{NO-BREAK SPACE}", " ") in card


def test_the_open_set_and_other_targets_have_a_line_each_where_they_were_measured():
    bare, whole = (synthetic_audit(queries=5_000, patients=2_000, complete=c) for c in (False, True))
    card = render_card([whole])
    lines = [
        line for line in card.splitlines() if line.startswith(("- Open set:", "- By text:", "- By patient:"))
    ]
    assert lines == [f"- {escape_markdown(line)}" for line in finding_lines(whole)]
    assert len(lines) == 3
    assert "The mate is always in the pool" not in card
    assert "Open set:" not in render_card([bare])
    assert "The mate is always in the pool" in render_card([bare])


def test_the_command_names_a_temperature_that_is_not_the_default_and_the_patient_level():
    audit = synthetic_audit(queries=300, patients=200, complete=True)
    assert "--patient-level" not in reproduce(audit)
    audit = changed(audit, settings__patient_level=True)
    assert "--patient-level" in reproduce(audit)
    assert "--open-set 0.003,0.01,0.1" in reproduce(audit)
    audit = changed(audit, settings__temperature=0.07)
    assert "--temperature" not in reproduce(audit)
    audit = changed(audit, settings__temperature=0.5)
    assert "--temperature 0.5 " in reproduce(audit)


def test_tables_keep_their_columns():
    card = render_card([synthetic_audit("a | b", queries=500, patients=300)])
    for table in re.findall(r"(?:^\|.*\n)+", card, re.M):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1


def test_names_cannot_write_markup():
    card = render_card(
        [synthetic_audit("# <script>x</script> [a](http://b) `c` *d*", queries=300, patients=200)]
    )
    body = card.split("---\n", 2)[2]
    assert "<script" not in body
    assert r"\# &lt;script\>x&lt;/script\> \[a\](http://b) \`c\` \*d\*" in body


def test_several_models_share_a_card():
    audits = [synthetic_audit(name, queries=300, patients=200) for name in ("one", "two")]
    card = render_card(audits)
    assert [entry["name"] for entry in front_matter(card)["model-index"]] == ["one", "two"]
    assert "# Linkage audit of one\n" in card
    assert "# Linkage audit of two\n" in card


def test_the_command_survives_the_shell():
    audit = synthetic_audit(queries=300, patients=200, kind="arrays")
    audit = changed(audit, inputs__images__file="my images; rm.npy")
    words = shlex.split(reproduce(audit))
    assert words[:6] == [
        "relinkage",
        "audit",
        "--images",
        "my images; rm.npy",
        "--reports",
        "text.safetensors",
    ]
    assert words[words.index("--pool") + 1] == "100,1000,10000,full"
    assert "--seed" not in words
    assert "--seed 9 " in reproduce(changed(audit, settings__seed=9))


def test_embeddings_are_audited_again_with_their_split_and_heads():
    audit = synthetic_audit(queries=300, patients=200)
    assert reproduce(audit).startswith("relinkage audit EMB --split test --pool")
    audit = changed(audit, inputs__heads=AuditedHeads(file="heads.safetensors", manifest=None))
    assert reproduce(audit).startswith("relinkage audit EMB --heads HEADS --split test")
