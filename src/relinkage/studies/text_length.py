"""Whether compared models saw the same text of each report."""

from collections.abc import Sequence

from relinkage.linkage.result import Inputs
from relinkage.pages.wording import percent


def text_length_notes(inputs: Sequence[Inputs]) -> list[str]:
    """Say where text length may pass for specialisation, because one model saw more of the reports.

    Runs of plain arrays are passed over: nothing tells what text they were made of.

    Args:
        inputs: what made the vectors of each run, as `audit.json` states it under `inputs`.

    Returns:
        At most one note.
    """
    embedded = [made for made in inputs if made.model]
    budgets = {made.token_budget for made in embedded}
    limits = {made.model.token_limit for made in embedded if made.model}
    most = max((made.truncated_share or 0.0 for made in embedded), default=0.0)
    again = "embed the cohort again with one --token-budget for all models"
    if len(budgets) > 1:
        differ = f"The runs have different token budgets ({_listed(budgets)})"
    elif len(limits) > 1 and most > 0:
        differ = f"The models have different token limits ({_listed(limits)}) and cut up to "
        differ += f"{percent(most)} of the reports there"
        if budgets != {None}:
            differ += f", after the token budget of {_listed(budgets)}"
            again = "embed the cohort again with a smaller --token-budget"
    else:
        return []
    return [f"{differ}, so text length may pass for specialisation; {again}."]


def _listed(numbers: set[int | None]) -> str:
    known = [str(number) for number in sorted(number for number in numbers if number is not None)]
    return ", ".join([*known, "none"] if None in numbers else known)
