"""Commands that make things: the demonstration, a phantom cohort, embeddings."""

from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE, SEED, print_result
from relinkage.cli.reading import read_aloud


@click.command()
@click.option("--out", type=FILE, default=Path("relinkage-demo"), show_default=True, help="Folder to write.")
@click.option(
    "--pairs", type=click.IntRange(100), default=6000, show_default=True, help="Image-report pairs to draw."
)
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the audits alone, as JSON.")
def demo(out: Path, pairs: int, seed: int, as_json: bool) -> None:
    """The whole story on a phantom cohort, nothing to download."""
    from relinkage import studies
    from relinkage.reports import audit_table, read_audit

    audits = [read_audit(run) for run in studies.demo(out, pairs=pairs, seed=seed)]
    print_result(audits, as_json, audit_table(audits), out / studies.REPORT)


@click.command()
@click.argument("out", type=FILE)
@click.option("--pairs", type=int, default=1000, show_default=True, help="Image-report pairs to draw.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--site", type=click.Choice(["city", "county"]), default="city", show_default=True)
def phantom(out: Path, pairs: int, seed: int, site: str) -> None:
    """Draw a phantom cohort: chest radiographs and reports from a seeded scene."""
    from relinkage.cohorts.phantom import SITES, phantom_cohort
    from relinkage.progress import say

    cohort = phantom_cohort(out, pairs=pairs, seed=seed, site=SITES[site])
    say(f"{out}: {len(cohort)} pairs, {cohort.studies} studies, {cohort.patients} patients")


@click.command()
@click.argument("cohort", type=FILE)
@click.option(
    "--model",
    required=True,
    help="An id that `relinkage models` lists, FAMILY:FOLDER, or towers:IMAGE+TEXT.",
)
@click.option("--out", type=FILE, required=True, help="Embeddings folder to write, or to go on with.")
@click.option("--root", type=FILE, help="Folder that image paths are relative to.  [default: the table's]")
@click.option("--batch", type=int, default=32, show_default=True, help="Images at a time.")
@click.option(
    "--max-left-out", type=float, default=0.05, show_default=True, help="Share that may be unreadable."
)
@click.option("--split-by", default="patient_id", show_default=True, help="No split crosses this column.")
@click.option(
    "--train-share", type=float, default=0.8, show_default=True, help="For a cohort without a split."
)
@click.option(
    "--keep", multiple=True, help="A further short column to keep beside the pairs; repeat for more."
)
@click.option(
    "--token-budget",
    type=int,
    help="Cut every report to its first N words and punctuation marks, so that models with other text limits "
    "see the same text.  [default: whole reports]",
)
@click.option(
    "--image-size", type=int, default=224, show_default=True, help="Pixels, for a MobileNetV2 tower."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--download/--offline",
    default=False,
    help="Ask the hub for a model that is not on this machine, or never.  [default: never]",
)
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    help="Who encodes: auto for this process; ray for all cores by Ray; ray://HOST:PORT for a cluster.",
)
@click.option("--seed", type=SEED, default=0, show_default=True)
def embed(
    cohort: Path, model: str, out: Path, root: Path | None, batch: int, max_left_out: float, split_by: str,
    train_share: float, keep: tuple[str, ...], token_budget: int | None, image_size: int, device: Any,
    download: bool, engine: str, seed: int,
) -> None:  # fmt: skip
    """Frozen features and embeddings of a COHORT; a killed run resumes."""
    from relinkage.embeddings import EmbedSettings, embed
    from relinkage.encoders import EncoderOptions, load_encoder
    from relinkage.progress import say

    settings = EmbedSettings(
        batch=batch, max_left_out=max_left_out, split_by=split_by, train=train_share, seed=seed, keep=keep,
        token_budget=token_budget,
    )  # fmt: skip
    table = read_aloud(cohort, root)
    options = EncoderOptions(device=device, download=download, image_size=image_size, seed=seed)
    embeddings = embed(table, load_encoder(model, options=options), out, settings=settings, engine=engine)
    left_out = len(table) - len(embeddings)
    say(
        f"{out}: {len(embeddings)} pairs embedded"
        + (f", {left_out} left out (see left_out.csv)" * (left_out > 0))
    )
    if token_budget is not None:
        made = embeddings.manifest
        say(
            f"{made['cut_share']:.1%} of the reports were cut at the budget of {token_budget} tokens, then "
            f"{made['truncated_share']:.1%} at the model's own limit"
        )
