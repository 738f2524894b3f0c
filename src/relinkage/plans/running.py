"""Running a plan: each stage that is not done, in turn, with a mark when it is.

Every command writes its output whole or not at all, and gives the same bytes again; what may take long
resumes by itself. So a stage is its command, and a mark beside its output with the key that it was made by.
No library is taken for this: pydoit and pytask are command lines of their own with task files in Python, and
joblib pickles what functions return; what is left of them here is a comparison of two keys.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import relinkage
from relinkage.errors import InputError
from relinkage.files import check_folder
from relinkage.leftovers import discard
from relinkage.plans.fingerprints import DIGESTS, Digests, stage_keys
from relinkage.plans.plan import STAGES, Plan, Stage
from relinkage.plans.result import PLAN, SCHEMA, DoneStage, File, Finding, RunResult, StageMark
from relinkage.progress import say
from relinkage.records import read_record, write_record

_MARK = ".stage.json"


@dataclass(frozen=True)
class State:
    """A stage of a plan, and whether it is done.

    Attributes:
        stage: the stage.
        key: what it depends on.
        mark: the mark of its output, where that was made by the same key; None where it has to run.
    """

    stage: Stage
    key: str
    mark: StageMark | None


def states(plan: Plan, digests: Digests) -> list[State]:
    """Return which stages of a plan are done.

    Args:
        plan: the plan.
        digests: of files.
    """
    keys = stage_keys(plan, digests)
    return [State(stage, keys[stage.name], _mark(stage, keys[stage.name])) for stage in plan.stages]


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
    (plan.out / STAGES).mkdir(parents=True, exist_ok=True)
    digests = Digests(plan.out / DIGESTS)
    known = states(plan, digests)
    ran = sum(state.mark is None for state in known)
    if ran or not _finished(plan):
        write_record(plan.out / PLAN, _result(plan, finished=False))
    _forget_others(plan)
    marks = []
    for number, state in enumerate(known, 1):
        of = f"Stage {state.stage.name} ({number} of {len(known)})"
        if state.mark is None:
            say(f"{of}: relinkage {state.stage.verb.name} …")
            marks.append(_run(state))
        else:
            say(f"{of}: done before")
            marks.append(state.mark)
    digests.keep()
    done = tuple(
        DoneStage(
            name=state.stage.name,
            command=state.stage.verb.name,
            options=dict(state.stage.told),
            key=state.key,
            status=mark.status,
        )
        for state, mark in zip(known, marks, strict=True)
    )
    if not ran and (before := _finished(plan)) is not None and before.stages == done:
        return before, 0
    result = _result(plan, finished=True, stages=done, finding=conclude(plan))
    write_record(plan.out / PLAN, result)
    return result, ran


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


def _run(state: State) -> StageMark:
    stage = state.stage
    _place(stage).unlink(missing_ok=True)
    try:
        status = stage.verb.function(**stage.settings)
    except InputError as error:
        raise InputError(f"Stage {stage.name}: {error.on_command_line}") from None
    mark = StageMark(
        name=stage.name,
        key=state.key,
        output=stage.out.name,
        files=_files(stage.out),
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
