"""The choices of head trainings: of one, whose record its heads carry along, and of a sweep of many."""

from pathlib import Path
from typing import Annotated

from relinkage.encoders.trained.aligning import AlignSettings as AlignSettings
from relinkage.encoders.trained.aligning import Weights as Weights
from relinkage.errors import InputError
from relinkage.options import Count, Option, Settings


class SweepSettings(Settings, frozen=True):
    """What a sweep trains, and what its heads are judged beside.

    Attributes:
        sweep: Train many: ablation, or axes such as 'bce=0,1;clip=0,1;temperature=0.05,0.07'; --out is then a
            folder of heads with a table.
        seeds: Repetitions of each training in a sweep.
        split: Split that a sweep is judged on.
        beside: Further heads to judge in a sweep.
    """

    sweep: Annotated[str | None, Option(metavar="AXES")] = None
    seeds: Annotated[Count, Option(noun="number of repetitions")] = 3
    split: str = "test"
    beside: Annotated[tuple[Path, ...], Option(repeat=True, exists=True)] = ()

    def check(self) -> None:
        """Check that heads are judged beside something.

        Raises:
            InputError: there is no sweep for them to stand beside.
        """
        if self.beside and self.sweep is None:
            raise InputError("--beside goes with --sweep; say what to train, such as ablation.")
