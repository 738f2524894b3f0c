"""The HTML page about memorisation: one file that opens with the network off and runs no script."""

from relinkage import __version__
from relinkage.pages.memorisation import COLUMNS, CONFIRMS_NOTHING, cells, facts, findings, membership_rows
from relinkage.pages.pages import page_environment
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.sweep import SIDES
from relinkage.pages.wording import bare_percent, one_line
from relinkage.privacy.memorisation_result import MemorisationResult


def render_memorisation(result: MemorisationResult) -> str:
    """Return the page about what heads keep of the patients who trained them.

    Args:
        result: the content of `memorisation.json`.
    """
    said = findings(result)
    return (
        page_environment()
        .get_template("memorisation.html.j2")
        .render(
            version=__version__,
            light=LIGHT,
            dark=DARK,
            title=f"{one_line(result.inputs.model.id, 60)} + {one_line(result.inputs.heads.name, 40)}",
            headline=said[0],
            findings=said[1:],
            facts=facts(result),
            columns=COLUMNS,
            linkage=[
                (SIDES[side], [cells(row) for row in result.linkage if row.direction == side])
                for side in dict.fromkeys(row.direction for row in result.linkage)
            ],
            membership=None if result.membership is None else membership_rows(result.membership),
            confirms_nothing=CONFIRMS_NOTHING,
            level=bare_percent(result.settings.interval),
        )
    )
