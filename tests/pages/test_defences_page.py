"""The page and the terminal's table about hardened heads and their baselines."""

import json

import jsonschema
import pytest
from msgspec.structs import replace
from synthetic_defences import ROWS, defences_json, synthetic_defences
from test_audit_page import HOSTILE, Page

from encoders.trained.sketched import ALIGNED, STATEMENT
from relinkage.defences.result import DefencesResult
from relinkage.errors import InputError
from relinkage.pages.defences_findings import findings
from relinkage.pages.defences_page import render_defences
from relinkage.pages.defences_table import defences_table
from relinkage.pages.figures.frontier import frontier_figures
from relinkage.pages.wording import percent
from relinkage.records import json_schema, plain, read_record, write_record


@pytest.fixture(scope="module")
def result():
    return synthetic_defences(("city", "county"))


@pytest.fixture(scope="module")
def page(result):
    return render_defences(result)


READ = (DefencesResult, "a table of defences", "make it again")


def test_the_result_made_by_hand_is_written_and_read_back_as_it_was(result, tmp_path):
    write_record(tmp_path / "defences.json", result)
    assert read_record(tmp_path / "defences.json", *READ) == result
    jsonschema.Draft202012Validator(json_schema(DefencesResult)).validate(plain(result))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "relinkage.defences/2"),
        (("rows", 0, "applies"), "yes"),
        (("rows", 4, "matched", "measure"), "beauty"),
        (("cohorts",), []),
        (("cohorts", 0, "searches", 0, "pool"), 1),
        (("cohorts", 0, "searches"), []),
        (("cohorts", 0, "figures", "hardened", "linkage", 0, "trainings"), []),
        (("cohorts", 0, "figures", "hardened", "linkage", 0, "negatives"), "views"),
        (("cohorts", 0, "figures", "hardened", "linkage", 0, "recall", "value"), 1.2),
        (("cohorts", 0, "figures", "hardened", "linkage", 0, "relative", "low"), -1.1),
        (("cohorts", 0, "figures", "hardened", "use", 0, "difference", "value"), 2),
        (("settings", "seeds"), 0),
    ],
)
def test_what_a_table_cannot_hold_is_refused(path, value, tmp_path):
    result = defences_json()
    *parents, last = path
    place = result
    for key in parents:
        place = place[key]
    place[last] = value
    assert not jsonschema.Draft202012Validator(json_schema(DefencesResult)).is_valid(result)
    (tmp_path / "defences.json").write_text(json.dumps(result))
    with pytest.raises(InputError, match="make it again"):
        read_record(tmp_path / "defences.json", *READ)


def test_the_page_is_whole_loads_nothing_and_runs_no_script(page):
    parsed = Page(page)  # asserts that every element is closed
    names = [name for name, _ in parsed.elements]
    assert "script" not in names
    fetched = [
        value for _, held in parsed.elements for key, value in held.items() if key in ("src", "srcset")
    ]
    assert fetched == []
    ids = [held["id"] for _, held in parsed.elements if "id" in held]
    assert len(ids) == len(set(ids))
    links = [held["href"] for name, held in parsed.elements if name == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_the_page_states_every_row_under_every_attacker(page, result):
    words = Page(page).words
    for title, recall, *_ in ROWS.values():
        assert title in words
        for value in (recall or {}).values():
            assert " ".join(percent(value).split()) in words
    for said in (
        "Carried over to county",
        "7,122 patients",
        "Image to report, among 10,000 reports; chance 0.01 %",
        "Image to report, among 100 reports with the same labels; chance 1 %",
        "Report to image, among 10,000 images; chance 0.01 %",
        STATEMENT.sentence.partition(",")[0],
        "Does not apply: there is no norm.",
        "Matched from report to image alone at amount 0.5: label precision 62.0 % / 66.0 % (image to "
        "report / report to image), hardened 66.0 % / 66.0 %.",
        "Label precision of report to image",
        "ε does not bound these figures.",
        "The rotation is no defence.",
    ):
        assert said in words, said


def said(result, start):
    """Give the finding that begins with some words, with plain spaces."""
    return next(text for text in sentences(result) if text.startswith(start))


def sentences(result):
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in findings(result, result.cohorts[0])]


def test_the_headline_is_by_the_strongest_attacker_and_names_both_pools(page, result):
    first = sentences(result)[0]
    assert first.startswith(
        "Hardening changes Recall@1 from image to report by −86.7 % at 10,000 reports (from"
    )
    assert "and −86.7 % at 100 (from 30.0 % to 4.00 %; interval" in first
    assert (
        "the strongest of the 2 attackers tried on the released vectors (cca); chance is 0.01 % and 1 %"
        in first
    )
    words = " ".join(Page(page).words.split())
    assert (
        "Recall@1 from image to report: −86.7 % at 10,000 reports and −86.7 % at 100, by the "
        "strongest of the 2 attackers tried on the released vectors (cca). Label precision: +2.00 points "
        "from image to report "
    ) in words
    assert "and −8.00 points from report to image." in words


def test_a_row_that_trains_says_how_far_trainings_lie_apart_and_one_training_says_that_it_is_one(result):
    # 0.4 % of 3 %, and trainings at 0.36 and 0.42 %
    assert "3 trainings −88.0 % to −86.0 %" in sentences(result)[0]
    (cohort,) = synthetic_defences().cohorts
    hardened = cohort.figures["hardened"]
    alone = replace(
        hardened,
        linkage=tuple(replace(row, trainings=row.trainings[:1]) for row in hardened.linkage),
        use=tuple(replace(row, trainings=row.trainings[:1]) for row in hardened.use),
    )
    one = replace(result, cohorts=(replace(cohort, figures={**cohort.figures, "hardened": alone}),))
    assert "; one training)" in sentences(one)[0]
    assert not any(" trainings " in text for text in sentences(one))


def test_use_is_said_in_both_directions_and_a_probe_is_said_to_see_one_side(result):
    use = said(result, "Label precision@10 goes")
    assert "from 64.0 % to 66.0 % from image to report (+2.00 points" in use
    assert "from 74.0 % to 66.0 % from report to image (−8.00 points" in use
    probe = said(result, "The macro AUROC of a linear probe")
    assert "says nothing of use across modalities: a random image head has 80.7 %" in probe


def test_what_is_left_above_chance_inside_the_own_labels_is_said(result):
    inside = said(result, "Among 100 reports with the image's own labels, where chance is 1 %")
    # 4 times 3 and 0.4 %, less 1 %
    assert "from +11.00 to +0.60 by the strongest (cca)" in inside
    assert "from +7.00 to −0.20 by plain cosine" in inside
    assert "9,000 of 15,705 images have so many" in inside


def test_who_holds_the_images_is_said_to_link_as_before(result):
    held = said(result, "An attacker who holds images and the public encoder")
    assert "links 3.50 % at 10,000 reports (cca), whatever the heads" in held


def test_a_sentence_stands_only_where_its_row_does(result):
    (cohort,) = synthetic_defences().cohorts
    gone = ("features", "without-noise", "random-image-head")
    kept = {key: value for key, value in cohort.figures.items() if key not in gone}
    searches = cohort.searches[:1]
    told = sentences(replace(result, cohorts=(replace(cohort, figures=kept, searches=searches),)))
    for words in ("public encoder", "without DP", "random image head", "own labels", "report to image by"):
        assert not any(words in text for text in told), words
    assert any("ε does not bound these figures" in text for text in told)
    inputs = replace(result.inputs, hardened=ALIGNED)
    assert not any("ε" in text for text in sentences(replace(result, inputs=inputs)))


def test_names_from_elsewhere_are_shown_and_not_obeyed():
    parsed = Page(render_defences(synthetic_defences((HOSTILE,), HOSTILE)))
    assert "script" not in [name for name, _ in parsed.elements]
    assert "img" not in [name for name, _ in parsed.elements]


def test_the_frontier_has_a_dot_for_each_row_that_has_both_figures(result):
    figures = frontier_figures(result, result.cohorts[0], "frontier")
    assert [figure.key for figure in figures] == [
        "frontier-precision-image-to-report",
        "frontier-precision-report-to-image",
        "frontier-auroc",
    ]
    shown = [[row[0].split(" ", 1)[1] for row in figure.rows] for figure in figures]
    judged = [title for title, recall, *_ in ROWS.values() if recall is not None]
    across = [title for title in judged if title != "Features before any head"]
    assert shown == [across, across, judged]
    assert "Hardened heads" in figures[0].wide
    assert "the strongest attacker links 3.00 %" in figures[0].takeaway.replace("\N{NO-BREAK SPACE}", " ")
    again = frontier_figures(result, result.cohorts[0], "frontier")
    assert [figure.wide for figure in again] == [figure.wide for figure in figures]


def test_the_table_in_the_terminal_fits_it_and_names_what_a_change_is_from(result):
    table = defences_table(result)
    rows = [line for line in table.splitlines() if line.startswith(tuple(told[0] for told in ROWS.values()))]
    assert max(len(row) for row in rows if ":" not in row) <= 120
    _, line, *_ = (row for row in rows if row.startswith("Random rotation"))  # the first is the summary
    assert line.split()[2:8] == ["0", "%", "3.00", "%", "3.00", "%"]
    assert (
        "The same training without DP already gives −85.0 % at 10,000 and −85.0 % at 100 by the strongest "
        "attacker; −92.5 % at 10,000 and −92.5 % at 100 by cosine (image to report)."
        in " ".join(table.split())
    )


def test_heads_without_a_statement_are_said_to_have_none(result):
    inputs = replace(result.inputs, hardened=ALIGNED)
    assert defences_table(replace(result, inputs=inputs)).startswith(
        "No differential privacy is stated for the hardened heads."
    )
