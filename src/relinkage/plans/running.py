"""Running a plan: each stage that is not done, in turn, with a mark when it is.

Every command writes its output whole or not at all, and gives the same bytes again; what may take long
resumes by itself. So a stage is its command, and a mark beside its output with the key that it was made by.
No library is taken for this: pydoit and pytask are command lines of their own with task files in Python, and
joblib pickles what functions return; what is left of them here is a comparison of two keys.
"""

from collections.abc import Callable
from pathlib import Path

import relinkage
from relinkage.errors import InputError, SeveralFaultsError
from relinkage.files import check_folder
from relinkage.leftovers import discard
from relinkage.plans.fingerprints import DIGESTS, Digests, digest_of, stage_key
from relinkage.plans.plan import Plan, Stage
from relinkage.plans.result import PLAN, SCHEMA, DoneStage, File, Finding, RunResult, StageMark
from relinkage.progress import say
from relinkage.records import Fingerprint, read_record, write_record
from relinkage.studies.places import STAGES

_MARK = ".stage.json"


def done_before(plan: Plan, digests: Digests) -> dict[str, bool]:
    """Return of each stage, by its name, whether it is done; none is that reads from one that is not.

    Args:
        plan: the plan.
        digests: of files.
    """
    made: dict[str, Fingerprint] = {}
    for stage in plan.stages:
        if all(name in made for name in stage.uses):
            mark = _mark(stage, stage_key(stage, digests, made))
            made |= {} if mark is None else {stage.name: mark.content}
    return {stage.name: stage.name in made for stage in plan.stages}


def run_plan(plan: Plan, conclude: Callable[[Plan], Finding | None]) -> tuple[RunResult, int]:
    """Run the stages of a plan that are not done.

    Args:
        plan: the plan.
        conclude: gives the headline of a scenario once all stages are done.

    Returns:
        What was done, and how many stages had to run.

    Raises:
        InputError: the folder holds other things, or a stage refuses its input; the stages before it stay.
    """
    check_folder(plan.out, PLAN, SCHEMA)
    before = _finished(plan)
    (plan.out / STAGES).mkdir(parents=True, exist_ok=True)
    if before is None:
        write_record(plan.out / PLAN, _result(plan, finished=False))
    _forget_others(plan)
    digests = Digests(plan.out / DIGESTS)
    made: dict[str, Fingerprint] = {}
    done: list[DoneStage] = []
    ran = 0
    for number, stage in enumerate(plan.stages, 1):
        of = f"Stage {stage.name} ({number} of {len(plan.stages)})"
        key = stage_key(stage, digests, made)
        mark = _mark(stage, key)
        if mark is None:
            if not ran:
                write_record(plan.out / PLAN, _result(plan, finished=False))
            say(f"{of}: relinkage {stage.verb.name} …")
            mark = _run(stage, key)
            ran += 1
        else:
            say(f"{of}: done before")
        made[stage.name] = mark.content
        done.append(_done(stage, mark))
    digests.keep()
    if before is not None and not ran and before.stages == tuple(done):
        return before, 0
    result = _result(plan, finished=True, stages=tuple(done), finding=conclude(plan))
    write_record(plan.out / PLAN, result)
    return result, ran


def _done(stage: Stage, mark: StageMark) -> DoneStage:
    return DoneStage(
        name=stage.name,
        command=stage.verb.name,
        options=dict(stage.told),
        key=mark.key,
        status=mark.status,
    )


def _result(
    plan: Plan, *, finished: bool, stages: tuple[DoneStage, ...] = (), finding: Finding | None = None
) -> RunResult:
    return RunResult(
        version=relinkage.__version__,
        name=plan.name,
        scenario=plan.scenario,
        finished=finished,
        stages=stages,
        finding=finding,
    )


def _finished(plan: Plan) -> RunResult | None:
    """Return what an earlier run of the same plan left, where it was finished."""
    try:
        result = read_record(plan.out / PLAN, RunResult, "a plan's result", "run the plan again")
    except InputError:
        return None
    same = (result.version, result.name, result.scenario) == (
        relinkage.__version__, plan.name, plan.scenario,
    )  # fmt: skip
    return result if result.finished and same else None


def _run(stage: Stage, key: Fingerprint) -> StageMark:
    _place(stage).unlink(missing_ok=True)
    try:
        status = stage.verb.function(**stage.settings)
    except SeveralFaultsError as error:
        raise SeveralFaultsError([f"Stage {stage.name}: {fault}" for fault in error.faults]) from None
    except InputError as error:
        raise InputError(f"Stage {stage.name}: {error.on_command_line}") from None
    mark = StageMark(
        name=stage.name,
        key=key,
        output=stage.out.name,
        files=_files(stage.out),
        content=digest_of(stage.out),
        status=1 if status else 0,
    )
    write_record(_place(stage), mark)
    return mark


def _place(stage: Stage) -> Path:
    return stage.out.parent / f"{stage.name}{_MARK}"


def _mark(stage: Stage, key: str) -> StageMark | None:
    """Return the mark of a stage that is done: made by the same key, and all that it left still there."""
    try:
        mark = read_record(_place(stage), StageMark, "a stage's mark", "run the plan again")
    except InputError:
        return None
    there = all(
        (path := stage.out / file.path).is_file() and path.stat().st_size == file.size for file in mark.files
    )
    return mark if mark.key == key and mark.output == stage.out.name and there else None


def _files(out: Path) -> tuple[File, ...]:
    if out.is_file():
        return (File(path=".", size=out.stat().st_size),)
    return tuple(
        File(path=path.relative_to(out).as_posix(), size=path.stat().st_size)
        for path in sorted(out.rglob("*"))
        if path.is_file()
    )


def _forget_others(plan: Plan) -> None:
    """Remove what stages left that the plan no longer has; only what a mark says is theirs."""
    names = {stage.name: stage.out.name for stage in plan.stages}
    for place in sorted((plan.out / STAGES).glob(f"*{_MARK}")):
        try:
            mark = read_record(place, StageMark, "a stage's mark", "run the plan again")
        except InputError:
            discard(place)
            continue
        if names.get(mark.name) != mark.output:
            place.unlink()
            if Path(mark.output).name == mark.output and mark.output not in ("", ".", ".."):
                discard(place.parent / mark.output)
