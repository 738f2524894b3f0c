"""`relinkage heads`: the heads that a model brings along, as a folder."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.options import command
from relinkage.cli.outputs import HeadsOutput
from relinkage.encoders.trained.manifest import NormChoice
from relinkage.options import Option, Settings


class HeadsSource(Settings, frozen=True):
    """Where heads are, and what becomes of their BatchNorm.

    Attributes:
        source: Embeddings, heads, or the folder of a model.
        norm: Fold the heads' BatchNorm into the layer before it, or swap it for GroupNorm, which by itself
            changes what heads give.
    """

    source: Annotated[Path, Option(argument=True, metavar="EMB|HEADS|MODEL", exists=True)]
    norm: NormChoice = "keep"


@command("heads", inputs=HeadsSource, output=HeadsOutput)
def heads(inputs: HeadsSource, output: HeadsOutput) -> None:
    """The heads that a model or EMB brings along, as a folder for --heads."""
    output.check_place()

    from relinkage.studies import write_own_heads

    made = write_own_heads(inputs.source, inputs.norm, output.out)
    image, text = made.pair.image_spec, made.pair.text_spec
    swapped = ", BatchNorm swapped for GroupNorm" if inputs.norm == "group" else ""
    output.show(
        made.manifest,
        f"{output.out}: image head {image.kind} {image.features} → {image.embedding}, text head {text.kind} "
        f"{text.features} → {text.embedding}{swapped}",
    )
