"""Runs held against a policy: the gate of a release."""

import datetime
from os import PathLike
from pathlib import Path

from relinkage.errors import InputError
from relinkage.linkage import read_tables
from relinkage.pages import read_audit
from relinkage.policies import Attacked, CheckResult, Context, Policy, judge, read_context, read_policy
from relinkage.policies.judging import Reference
from relinkage.studies.places import AUDIT, STAGES, TABLES

MARGIN = 0.2
"""By how much a figure may exceed the reference's, as a share of the rule's limit."""


def check(
    run: str | PathLike[str],
    policy: str | Policy,
    *,
    context: Context | str | PathLike[str] | None = None,
    against: str | PathLike[str] | None = None,
    margin: float = MARGIN,
    today: datetime.date | None = None,
) -> CheckResult:
    """Hold a run against a policy.

    Args:
        run: the folder of an audit, or of an attack with several attackers.
        policy: a policy, the name of one that comes along, or its file.
        context: the context of the release, or its file.
        against: the run of a release that this one may not exceed by more than the margin.
        margin: by how much, as a share of each limit of the policy.
        today: the day that decides whether the context has expired; today where not given.

    Raises:
        InputError: the policy is not valid, or something cannot be read.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> import relinkage as rl
        >>> from relinkage.studies import check
        >>> random = np.random.default_rng(0)
        >>> images, reports = random.normal(size=(2, 300, 8))
        >>> patients = rl.Pairs(patient=range(300))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = rl.audit(images, reports, patients, k=1).save(f"{folder}/run")
        ...     verdicts = check(run, "hospital").verdicts
        >>> verdicts[0].verdict, verdicts[0].detail
        ('cannot answer', 'it rests on 300 patients; the policy asks for 500')
    """
    policy = policy if isinstance(policy, Policy) else read_policy(policy)
    if context is not None and not isinstance(context, Context):
        context = read_context(Path(context))
    reference = None
    if against is not None:
        reference = Reference(Path(against).resolve().name, attacked(Path(against)), margin)
    return judge(
        policy,
        attacked(Path(run)),
        name=Path(run).resolve().name,
        today=today or datetime.date.today(),
        context=context,
        reference=reference,
    )


def attacked(run: Path) -> list[Attacked]:
    """Read the audit of each attacker in a run.

    Args:
        run: the folder of an audit, its audit.json, a folder with one for each attacker, or what
            `relinkage run` wrote, where one of its stages is such a folder.

    Raises:
        InputError: there is none, one is damaged, or they are of different pairs.
    """
    folder = run.parent if run.is_file() else run
    if (folder / AUDIT).is_file() or not folder.is_dir():
        return [_attacked(folder)]
    folders = sorted(path.parent for path in folder.glob(f"*/{AUDIT}"))
    stages = sorted({path.parent for path in folder.glob(f"{STAGES}/*/{AUDIT}")})
    stages += sorted({path.parent.parent for path in folder.glob(f"{STAGES}/*/*/{AUDIT}")})
    if not folders and len(stages) == 1:
        return attacked(stages[0])
    if not folders and stages:
        raise InputError(f"{run} holds runs of several stages; name one of them, such as {stages[-1]}.")
    if not folders:
        raise InputError(
            f"{run} holds no run; name the folder that `relinkage audit` or `relinkage attack` wrote."
        )
    audits = [_attacked(each) for each in folders]
    names = [each.attacker for each in audits]
    about = [(each.audit.queries, each.audit.candidates, each.audit.patients) for each in audits]
    if len(set(names)) < len(names) or len(set(about)) > 1:
        raise InputError(
            f"{run} holds runs that are not of several attackers on the same pairs; name one of its folders."
        )
    return audits


def _attacked(folder: Path) -> Attacked:
    audit = read_audit(folder)
    tables = read_tables(folder / TABLES) if (folder / TABLES).exists() else []
    attacker = "cosine" if audit.attacker is None else audit.attacker.name
    return Attacked(attacker, audit, {table.direction: table for table in tables})
