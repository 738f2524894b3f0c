"""The choices of a private head training, whose record its heads carry along, and of attacks on trainings."""

from typing import Annotated

from msgspec import Meta

from relinkage.encoders.trained.hardening import HardenSettings as HardenSettings
from relinkage.errors import InputError
from relinkage.linkage.settings import Directions, Pools, Resampling
from relinkage.options import Count, Option, Seed, Settings


class CanarySettings(Settings, frozen=True):
    """How a stated ε is attacked.

    Attributes:
        canaries: Train again with this many canaries, and guess about them.
        guesses: Canaries that are guessed, an even number.
        positive_control: Do all of it once more with a tenth of the noise, to see that the attack finds that.
        seed: Seed of the canaries and of who is in.
    """

    canaries: Annotated[
        Annotated[int, Meta(ge=2)] | None, Option(noun="number of canaries", default="no attack")
    ] = None
    guesses: Annotated[
        Annotated[int, Meta(ge=2)] | None, Option(noun="number of guesses", default="a tenth of the canaries")
    ] = None
    positive_control: bool = False
    seed: Seed = 0

    def check(self) -> None:
        """Check that there are canaries to guess about.

        Raises:
            InputError: there are too few, or none.
        """
        if self.positive_control and self.canaries is None:
            raise InputError("--positive-control goes with --canaries; give a number of them, such as 1000.")
        if self.guesses is None:
            return
        if self.canaries is None:
            raise InputError("--guesses goes with --canaries; give a number of them, such as 1000.")
        if self.guesses > self.canaries or self.guesses % 2:
            raise InputError(
                f"{self.guesses} guesses about {self.canaries} canaries cannot be; give an even number of "
                "them."
            )

    @property
    def guessed(self) -> int:
        """How many canaries are guessed."""
        return self.guesses or max((self.canaries or 0) // 20, 1) * 2


class MemorisationSettings(Resampling, frozen=True):
    """How it is measured what heads keep of the patients who trained them.

    Attributes:
        coins: Times that half of the patients is chosen by coin and heads are trained on it.
        shadows: Further trainings that the membership attack learns from, an even number; 0 leaves it out.
        pool: Pool sizes: the mate and its distractors, or full for all that is eligible for each query.
        k: Ranks K of Recall@K.
        direction: Which side asks, and which side is searched.
    """

    coins: Count = 5
    shadows: Annotated[
        Annotated[int, Meta(ge=0, le=10_000)],
        Option(noun="number of trainings", wanted="0, or an even number from 4 up"),
    ] = 64
    pool: Pools = None
    k: Annotated[tuple[Count, ...], Meta(min_length=1), Option(noun="rank")] = (1,)
    direction: Directions = "image-to-report"

    def check(self) -> None:
        """Check that each patient can train half of the shadow heads, and two at least.

        Raises:
            InputError: the number of shadow heads is odd, or too small.
        """
        if self.shadows % 2 or self.shadows == 2:
            raise InputError(
                f"--shadows {self.shadows} is not a valid number of trainings; give 0, or an even number "
                "from 4 up."
            )
