"""`relinkage align`: heads trained without privacy, one pair or a sweep of many."""

from relinkage.alignment.settings import SweepSettings
from relinkage.cli.inputs import TrainingSplit
from relinkage.cli.options import command
from relinkage.cli.outputs import HeadsOutput
from relinkage.encoders.trained.aligning import AlignSettings


@command("align", inputs=TrainingSplit, settings=AlignSettings, many=SweepSettings, output=HeadsOutput)
def align(inputs: TrainingSplit, settings: AlignSettings, many: SweepSettings, output: HeadsOutput) -> None:
    """Train projection heads on cached features of EMB, or of arrays, without privacy."""
    if many.sweep is not None:
        _sweep(inputs, settings, many, output)
        return
    output.check_place()

    from relinkage.alignment import align
    from relinkage.encoders.trained.manifest import AlignedHeads

    made = align(inputs.read(), inputs.train, settings, output.out).manifest
    assert isinstance(made, AlignedHeads)
    output.show(
        made,
        f"{output.out}: heads trained on {made.pairs} pairs of {made.patients} patients, "
        f"loss {made.first_loss:.3f} → {made.last_loss:.3f} in {made.steps} steps",
    )


def _sweep(inputs: TrainingSplit, settings: AlignSettings, many: SweepSettings, output: HeadsOutput) -> None:
    from msgspec.structs import replace

    from relinkage.alignment.sweep import Sweep

    base = replace(settings, objective="multi-task")
    sweep = Sweep.parse(many.sweep or "", base, many.seeds)

    from relinkage.linkage import Resampling
    from relinkage.pages.sweep import sweep_table
    from relinkage.progress import say
    from relinkage.studies import sweep_heads
    from relinkage.studies.places import PAGE

    result = sweep_heads(
        inputs.read(),
        inputs.train,
        many.split,
        sweep,
        output.out,
        many.beside,
        Resampling(seed=base.seed),
    )
    output.show(result, sweep_table(result))
    say(f"The page is in {output.out / PAGE}")
