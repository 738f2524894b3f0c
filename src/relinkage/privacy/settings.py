"""The choices of a private head training, whose record its heads carry along, and of an attack on one."""

from typing import Annotated

from msgspec import Meta

from relinkage.encoders.trained.hardening import HardenSettings as HardenSettings
from relinkage.errors import InputError
from relinkage.options import Option, Seed, Settings


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
