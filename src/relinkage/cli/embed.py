"""`relinkage embed`: a cohort through a frozen encoder."""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from relinkage.cli.options import command
from relinkage.cohorts.readers.settings import check_cohort_path
from relinkage.embeddings.resuming import check_place
from relinkage.embeddings.settings import EmbedSettings
from relinkage.encoders.settings import EncoderChoices, EncoderOptions
from relinkage.errors import InputError
from relinkage.options import Option, Settings


class Embedded(Settings, frozen=True):
    """What is embedded, by what.

    Attributes:
        cohort: A cohort's table, its folder, or FORMAT:FOLDER.
        model: An id that `relinkage models` lists, FAMILY:FOLDER, or towers:IMAGE+TEXT.
        out: Embeddings folder to write, or to go on with.
        root: Folder that image paths are relative to.
    """

    cohort: Annotated[Path, Option(argument=True, metavar="COHORT")]
    model: str
    out: Annotated[Path, Option(metavar="EMB")]
    root: Annotated[Path | None, Option(exists=True, default="the table's")] = None


@command("embed", embedded=Embedded, settings=EmbedSettings, encoder=EncoderChoices)
def embed(embedded: Embedded, settings: EmbedSettings, encoder: EncoderChoices) -> None:
    """Frozen features and embeddings of a COHORT; a killed run resumes."""
    check_cohort_path(embedded.cohort)
    check_place(embedded.out)

    from relinkage import embeddings
    from relinkage.embeddings.manifest import MANIFEST
    from relinkage.encoders import load_encoder
    from relinkage.progress import say

    table = _read_aloud(embedded.cohort, embedded.root, settings.max_left_out)
    options = EncoderOptions(**msgspec.structs.asdict(encoder), seed=settings.seed)
    loaded = load_encoder(embedded.model, options=options)
    before = (embedded.out / MANIFEST).is_file()
    made = embeddings.embed(table, loaded, embedded.out, settings=settings)
    left_out = len(table) - len(made)
    say(
        f"{embedded.out}: {len(made)} pairs "
        + ("were embedded before, nothing was done" if before else "embedded")
        + (f", {left_out} left out (see left_out.csv)" * (left_out > 0))
    )
    told = made.manifest
    if told.cut_share is not None:
        say(
            f"{told.cut_share:.1%} of the reports were cut at the budget of {settings.token_budget} tokens, "
            f"then {told.truncated_share:.1%} at the model's own limit"
        )


def _read_aloud(path: Path, root: Path | None, share: float) -> Any:
    """Read the COHORT and say what was read, before anything expensive starts.

    Raises:
        InputError: it cannot be read, or more than a share of the rows of a plain table are of no use.
    """
    from relinkage.cohorts.readers import ReadOptions, read
    from relinkage.cohorts.readers.recognise import TABLE
    from relinkage.progress import say

    reading = read(path, ReadOptions(root=root))
    dropped, rows = reading.summary.dropped, reading.summary.read.get("rows", 0)
    if reading.summary.format == TABLE and sum(dropped.values()) > share * rows:
        why = "; ".join(f"{count} × {reason}" for reason, count in dropped.items())
        raise InputError(
            f"{sum(dropped.values())} of the {rows} rows of {path} cannot be used, more than the {share:.1%} "
            f"allowed ({why}); correct them, or allow more with --max-left-out."
        )
    if reading.summary.format != TABLE or dropped:
        say(*reading.summary.lines())
    else:
        for note in reading.cohort.notes:
            say(f"Note: {note}")
    return reading.cohort
