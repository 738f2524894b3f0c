"""What an audit measured of the ways in which a release can harm, and what lies between linkage and identity.

Singling out, linkage and inference are those of the Article 29 Working Party (Opinion 05/2014); membership
and inversion are those of models.
"""

from relinkage.linkage.result import AuditResult
from relinkage.pages.findings import finding_lines
from relinkage.pages.headlines import usual_row
from relinkage.pages.places import holding
from relinkage.pages.wording import interval, percent

NOT_MEASURED = "not measured"


def harms(audit: AuditResult) -> list[tuple[str, str, str]]:
    """Return each way in which a release can harm: its name, whether it was measured, and what is known.

    Args:
        audit: what was found.
    """
    row = usual_row(audit)
    return [
        (
            "Singling out",
            NOT_MEASURED,
            "whether the records of one person can be told from all others without another data set",
        ),
        (
            "Linkage",
            "measured",
            f"Recall@{row.k} among {holding(row)} is {percent(row.recall)} ({interval(row.low, row.high)})",
        ),
        (
            "Inference",
            NOT_MEASURED,
            "what a near but wrong report still tells of a patient, such as a finding",
        ),
        ("Membership", NOT_MEASURED, _membership(audit)),
        ("Inversion", NOT_MEASURED, "whether text or an image can be made again from its vector"),
    ]


def between(audit: AuditResult) -> list[str]:
    """Return what lies between linkage and identification, a sentence each.

    Args:
        audit: what was found.
    """
    sentences = [
        "A link names a report. It names a person only where the report, or what the attacker holds beside "
        "it, does.",
    ]
    operating = [line for line in finding_lines(audit) if line.startswith("Open set")]
    if operating:
        sentences.append(
            "Whoever does not know which link is right has to claim some and leave others. " + operating[0]
        )
    else:
        sentences.append(
            "Whoever does not know which link is right has to claim some and leave others; what a claim is "
            f"worth was {NOT_MEASURED} (`--open-set`)."
        )
    sentences.append(
        "Somebody has to hold reports of these patients, and to try: how likely that is, and what stands in "
        "the way, is the context of the release and no measurement."
    )
    return sentences


def _membership(audit: AuditResult) -> str:
    heads = audit.inputs.heads
    stated = None if heads is None or heads.manifest is None else heads.manifest.privacy
    if stated is None or stated.kind == "refuted":
        return "whether a patient's data trained the model"
    return (
        "whether a patient's data trained the model; a statement bounds it for those who trained the heads "
        f"({stated.kind} ε {stated.epsilon:.3g}, δ {stated.delta:g})"
    )
