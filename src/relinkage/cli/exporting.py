"""Commands that move heads between a model and relinkage: the model's own out, trained ones back in."""

import json
from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE


@click.command()
@click.argument("source", type=FILE, metavar="EMB|HEADS|MODEL")
@click.option(
    "--norm",
    type=click.Choice(["keep", "group"]),
    default="keep",
    show_default=True,
    help="Fold the heads' BatchNorm into the layer before it, or swap it for GroupNorm, which by itself "
    "changes what heads give.",
)
@click.option("--out", type=FILE, required=True, help="Folder for the heads.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest of the heads, as JSON.")
def heads(source: Path, norm: Any, out: Path, as_json: bool) -> None:
    """The heads that a model or EMB brings along, as a folder for --heads."""
    from relinkage.studies.heads import write_own_heads

    made = write_own_heads(source, norm, out)
    image, text = made.pair.image_spec, made.pair.text_spec
    swapped = ", BatchNorm swapped for GroupNorm" if norm == "group" else ""
    click.echo(
        json.dumps(made.manifest, indent=1)
        if as_json
        else f"{out}: image head {image.kind} {image.features} → {image.embedding}, text head {text.kind} "
        f"{text.features} → {text.embedding}{swapped}"
    )


@click.command()
@click.argument("heads", type=FILE, metavar="HEADS")
@click.option("--model", type=FILE, required=True, help="Folder of the model that the heads belong to.")
@click.option("--out", type=FILE, required=True, help="Folder for the model with these heads.")
@click.option("--any-revision", is_flag=True, help="Also where the heads name another revision of the model.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written, as JSON.")
def export(heads: Path, model: Path, out: Path, any_revision: bool, as_json: bool) -> None:
    """Put HEADS back into their model: a checkpoint for transformers or open_clip."""
    from relinkage.progress import say
    from relinkage.studies.heads import export

    made = export(heads, model, out, any_revision=any_revision)
    click.echo(
        json.dumps(made, indent=1)
        if as_json
        else f"{out}: {made['model']} for {' and '.join(made['layouts'])}, "
        f"{made['dimension']} dimensions\n{made['privacy']}"
    )
    if made["left_out"]:
        say(f"Left out, as they hold the earlier heads: {', '.join(made['left_out'])}")
