"""Training heads without privacy: one pair, or a sweep of many."""

import json
from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE, SEED, Parts, parts_of_objective, print_result


@click.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option(
    "--objective", type=click.Choice(["infonce", "multi-task"]), default="infonce", show_default=True
)
@click.option(
    "--weights",
    type=Parts(),
    default="bce=1,supcon=1,clip=1",
    show_default=True,
    help="Of multi-task: normal/abnormal, pairs of a class, mates. What is not named is left out.",
)
@click.option(
    "--classes",
    type=click.Choice(["abnormal", "labels"]),
    default="abnormal",
    show_default=True,
    help="What makes a class for multi-task: normal and abnormal, or label sets.",
)
@click.option("--train", default="train", show_default=True, help="Split to train on.")
@click.option("--out", type=FILE, required=True, help="Folder for the heads.")
@click.option(
    "--head", type=click.Choice(["linear", "mlp"]), help="[default: mlp for multi-task, else linear]"
)
@click.option("--dimension", type=int, default=64, show_default=True, help="Width of the shared space.")
@click.option("--hidden", type=int, default=512, show_default=True, help="Width of an mlp's hidden layer.")
@click.option("--temperature", type=float, default=0.07, show_default=True)
@click.option("--steps", type=int, help="Optimiser steps.  [default: ten passes, at least 300]")
@click.option("--batch", type=int, default=1024, show_default=True, help="Pairs a step.")
@click.option("--lr", type=float, default=3e-3, show_default=True)
@click.option("--weight-decay", type=float, default=1e-2, show_default=True)
@click.option("--dropout", type=float, default=0.1, show_default=True, help="Of an mlp.")
@click.option(
    "--validation",
    type=float,
    help="Share of the training patients to stop early by.  [default: 0.1 for multi-task, else 0]",
)
@click.option("--patience", type=int, default=4, show_default=True, help="Looks without a gain, of twenty.")
@click.option("--same-patient-negatives", is_flag=True, help="Let a patient's other pairs be negatives.")
@click.option(
    "--sweep", metavar="AXES",
    help="Train many: ablation, or axes such as 'bce=0,1;clip=0,1;temperature=0.05,0.07'; --out is then a "
    "folder of heads with a table.",
)  # fmt: skip
@click.option("--seeds", type=int, default=3, show_default=True, help="Repetitions of each in a sweep.")
@click.option("--split", default="test", show_default=True, help="Split that a sweep is judged on.")
@click.option("--beside", type=FILE, multiple=True, help="Further heads to judge in a sweep.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest of the heads, as JSON.")
def align(
    embeddings: Path, objective: Any, weights: dict[str, float], classes: Any, train: str, out: Path,
    head: Any, dimension: int, hidden: int, temperature: float, steps: int | None, batch: int, lr: float,
    weight_decay: float, dropout: float, validation: float | None, patience: int,
    same_patient_negatives: bool, sweep: str | None, seeds: int, split: str, beside: tuple[Path, ...],
    seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Train projection heads on cached features of EMB, without privacy."""
    from relinkage.alignment import AlignSettings, align
    from relinkage.embeddings import read_embeddings

    many = objective == "multi-task" or sweep is not None
    settings = AlignSettings(
        objective="multi-task" if many else objective, weights=parts_of_objective(weights), classes=classes,
        head=head or ("mlp" if many else "linear"), dimension=dimension, hidden=hidden, dropout=dropout,
        temperature=temperature, steps=steps, batch=batch, learning_rate=lr, weight_decay=weight_decay,
        validation=validation, patience=patience, same_patient_negatives=same_patient_negatives, seed=seed,
    )  # fmt: skip
    if sweep is not None:
        _sweep(embeddings, train, split, settings, (sweep, seeds), out, beside, as_json)
        return
    made = align(read_embeddings(embeddings), train, settings, out).manifest
    click.echo(
        json.dumps(made, indent=1)
        if as_json
        else f"{out}: heads trained on {made['pairs']} pairs of {made['patients']} patients, "
        f"loss {made['first_loss']:.3f} → {made['last_loss']:.3f} in {made['steps']} steps"
    )


def _sweep(
    embeddings: Path, train: str, split: str, settings: Any, wanted: tuple[str, int], out: Path,
    beside: tuple[Path, ...], as_json: bool,
) -> None:  # fmt: skip
    from relinkage.alignment import Sweep
    from relinkage.linkage import Resampling
    from relinkage.reports.sweep import sweep_table
    from relinkage.studies.sweeps import REPORT, sweep_heads

    sweep = Sweep.parse(wanted[0], settings, wanted[1])
    result = sweep_heads(embeddings, train, split, sweep, out, beside, Resampling(seed=settings.seed))
    print_result(result, as_json, sweep_table(result), out / REPORT)
