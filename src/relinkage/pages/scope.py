"""What the attacker of an audit has and knows, and what its figures leave open, from what was done."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL, groups, stronger_attacker
from relinkage.pages.sections import share_labels
from relinkage.pages.wording import counted, listed, one_line, sides


def access(audit: AuditResult) -> list[str]:
    """Say, a sentence each, what the attacker of an audit holds, knows and does."""
    directions = dict.fromkeys(direction for direction, _ in groups(audit.closed_set))
    asked = " or ".join(
        f"{'an' if query == 'image' else 'a'} {query} whose {candidate} is in the pool"
        for query, candidate in map(sides, directions)
    )
    attacker = stronger_attacker(audit)
    vectors = "vectors" if attacker is None or attacker.on == "embeddings" else "features before any head"
    said = [
        f"The attacker of this audit holds the {vectors} of both sides, so the model or its outputs, and "
        f"{asked}."
    ]
    if attacker is None:
        said.append("They compare by cosine, the simplest attacker, and have no known pairs.")
    elif attacker.auxiliary_pairs:
        said.append(
            f"They score by {one_line(attacker.name, 40)}, having learned from "
            f"{counted(attacker.auxiliary_pairs, 'pair')} of "
            f"{counted(attacker.auxiliary_patients, 'other patient')}."
        )
    else:
        said.append(f"They score by {one_line(attacker.name, 40)}, which needs no known pairs.")
    if attacker is not None and attacker.pools == "full":
        said.append(
            "Their score is fitted on all that is attacked, so it is stated for the full gallery only."
            if not attacker.refits
            else "Their score is fitted on what is attacked: at smaller pools, on each of the pools drawn."
        )
    if attacker is not None and attacker.together != "image":
        said.append(f"They know which images are of one {attacker.together}, and add up their scores.")
    shared = dict.fromkeys(negatives for _, negatives in groups(audit.closed_set) if negatives != ALL)
    if shared:
        names = listed(one_line(name) for name in shared)
        said.append(
            f"In the rows whose distractors share {names} they also know these of the query, and of every "
            "candidate; in the others they know neither labels nor metadata."
        )
    else:
        said.append("They know neither labels nor metadata.")
    return said


def limits(audit: AuditResult) -> list[str]:
    """Say, a sentence each, what the figures of an audit leave open."""
    said = []
    if stronger_attacker(audit) is None:
        said.append(
            "Cosine is the simplest attacker: read the figures as a floor, not as the most that one can do."
        )
    else:
        said.append("An attacker with more pairs, side knowledge or another method may link more.")
    if not audit.open_set:
        said.append(
            "The mate is always in the pool (closed set). How often a claim is right when it may be absent "
            "is another measurement."
        )
    if share_labels(audit):
        said.append(
            "What is left above chance among distractors with the same labels is what the labels do not "
            "tell: the patient, and also severity, devices and technique."
        )
    else:
        said.append(
            "Part of what links an image to its report is pathology that many patients share; distractors "
            "with the same labels are needed to tell it apart."
        )
    return said
