"""The choices of an embedding pass, checked when they are made."""

from typing import Annotated

from msgspec import Meta

from relinkage.options import Count, Option, Seed, Settings, Share


class PassSettings(Settings, frozen=True):
    """The choices that tell one embedding pass from another.

    Attributes:
        batch: Images, or reports, that the encoder gets at a time.
        shard_rows: Rows to a file of the folder, which is what a kill can cost.
        max_left_out: Share of rows that may have an unreadable image or an empty report.
        keep: A further short column to keep beside the pairs; repeat for more.
        label: A column to read as a label, in which other cells than 1, 0 and -1 count as empty; repeat for
            more.
        token_budget: Cut every report to its first N words and punctuation marks, so that models with other
            text limits see the same text.
    """

    batch: Count = 32
    shard_rows: Count = 2048
    max_left_out: Annotated[Share, Option(noun="share")] = 0.05
    keep: Annotated[tuple[str, ...], Option(metavar="COLUMN", repeat=True)] = ()
    label: Annotated[
        tuple[str, ...], Option(metavar="COLUMN", repeat=True, default="all columns of 1, 0, -1 and empty")
    ] = ()
    token_budget: Annotated[Count | None, Option(metavar="N", default="whole reports")] = None


class EmbedSettings(PassSettings, frozen=True):
    """The choices of an embedding pass.

    Attributes:
        split_by: Column that no split crosses, for a cohort without a split of its own.
        train_share: Share of groups that go to training, on average, for a cohort without a split of its own.
        seed: Seed of that split, and of a text tower that is fitted.
        workers: Threads that decode images, or 0 for one a core, at most 16; results do not depend on it.
        engine: Who encodes: auto for this process, ray for all cores by Ray, ray://HOST:PORT for a cluster.
    """

    split_by: Annotated[str, Option(metavar="COLUMN")] = "patient_id"
    train_share: Annotated[float, Meta(gt=0, lt=1), Option(noun="share")] = 0.8
    seed: Seed = 0
    workers: Annotated[int, Meta(ge=0)] = 0
    engine: Annotated[
        str,
        Meta(pattern="^(auto|cpu|ray|ray://.+)$"),
        Option(metavar="ENGINE", wanted="auto, cpu, ray or ray://HOST:PORT"),
    ] = "auto"

    def of_the_pass(self) -> PassSettings:
        """Return the part that tells one pass from another."""
        return PassSettings(**{name: getattr(self, name) for name in PassSettings.__struct_fields__})
