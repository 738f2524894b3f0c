"""Commands of privacy: heads trained with differential privacy, and a check of what they state."""

import json
from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE, SEED, Parts, parts_of_objective, print_result
from relinkage.errors import InputError

MECHANISMS = "label-anchored, public-negatives, grouped, batch-clip, logit, one-shot; nominal proves nothing."


@click.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option("--epsilon", type=float, required=True, help="ε to spend, such as 0.34.")
@click.option("--delta", type=float, required=True, help="δ, well below 1 / population, such as 6e-6.")
@click.option("--out", type=FILE, required=True, help="Folder for the heads.")
@click.option("--mechanism", default="label-anchored", show_default=True, help=MECHANISMS)
@click.option("--train", default="train", show_default=True, help="Split to train on.")
@click.option(
    "--unit",
    type=click.Choice(["patient", "pair"]),
    default="patient",
    show_default=True,
    help="What is sampled and clipped; ε is for patients either way.",
)
@click.option("--cap", type=int, help="Pairs used of a patient.  [default: all; 3 with --unit pair]")
@click.option(
    "--population",
    type=int,
    default=20_000,
    show_default=True,
    help="A bound on the number of patients that may be known to all, never the counted one: a unit is "
    "sampled with probability batch / population.",
)
@click.option("--batch", type=int, default=1024, show_default=True, help="Units a step, if all were there.")
@click.option("--steps", type=int, default=200, show_default=True)
@click.option(
    "--clip", type=float, default=0.5, show_default=True, help="Norm that gradients are clipped to."
)
@click.option("--lr", type=float, default=6.0, show_default=True)
@click.option("--temperature", type=float, help="Of contrastive losses.  [default: 0.07; 1 with logit]")
@click.option(
    "--weights", type=Parts(), metavar="PARTS",
    help="Of the multi-task objective, such as bce=1,supcon=1, with grouped, batch-clip and nominal.  "
    "[default: clip=1]",
)  # fmt: skip
@click.option(
    "--classes",
    type=click.Choice(["abnormal", "labels"]),
    default="abnormal",
    show_default=True,
    help="What makes a class for its supervised contrast.",
)
@click.option("--group", type=int, default=32, show_default=True, help="Units a group, with grouped.")
@click.option("--bank", type=int, default=1024, show_default=True, help="Pairs, with public-negatives.")
@click.option(
    "--start", type=FILE, help="Public heads to start from.  [default: the model's own, else fresh]"
)
@click.option("--public", type=FILE, help="Embeddings of a public cohort: anchors and negatives.")
@click.option("--anchors", type=FILE, help="Array with a public vector per label, in the order of EMB's.")
@click.option(
    "--outside",
    type=click.Choice(["keep", "drop"]),
    default="keep",
    show_default=True,
    help="Image embeddings outside of the labels' span, with label-anchored.",
)
@click.option(
    "--span",
    type=click.IntRange(0),
    default=6,
    show_default=True,
    help="Strongest directions of the labels' anchors that are used, with label-anchored; 0 for all.",
)
@click.option("--head", type=click.Choice(["linear", "mlp"]), default="linear", show_default=True)
@click.option("--dimension", type=int, default=64, show_default=True, help="Width of fresh heads' space.")
@click.option("--hidden", type=int, default=512, show_default=True, help="Width of an mlp's hidden layer.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of what is public.")
@click.option(
    "--seed-noise", type=SEED, help="Seed of sampling and noise, for tests: it voids what is stated."
)
@click.option("--controls", type=FILE, help="Folder for a table of the heads beside their controls.")
@click.option("--against", type=FILE, help="Baseline of --controls.  [default: what training starts from]")
@click.option("--transfer", type=FILE, help="Second embeddings of the same model, for --controls.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest, or the table, as JSON.")
def harden(
    embeddings: Path, epsilon: float, delta: float, out: Path, mechanism: Any, train: str, unit: Any,
    cap: int | None, population: int, batch: int, steps: int, clip: float, lr: float,
    temperature: float | None, weights: dict[str, float] | None, classes: Any, group: int, bank: int,
    start: Path | None, public: Path | None,
    anchors: Path | None, outside: Any, span: int, head: Any, dimension: int, hidden: int, seed: int,
    seed_noise: int | None, controls: Path | None, against: Path | None, transfer: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Train projection heads on EMB with differential privacy, and state what that spends."""
    from relinkage.privacy import HardenSettings
    from relinkage.studies.heads import harden_embeddings, read_public

    settings = HardenSettings(
        epsilon=epsilon, delta=delta, mechanism=mechanism, unit=unit, cap=cap, population=population,
        batch=batch, steps=steps, clip=clip, learning_rate=lr, temperature=temperature,
        weights=parts_of_objective(weights or {"clip": 1.0}), classes=classes, group=group, bank=bank,
        outside=outside, span=span or None, head=head, dimension=dimension, hidden=hidden,
        seed=seed, seed_noise=seed_noise,
    )  # fmt: skip
    known = read_public(start, public, anchors)
    if controls is None:
        for option, value in (("--against", against), ("--transfer", transfer)):
            if value is not None:
                raise InputError(f"{option} goes with --controls; name a folder for the table.")
    else:
        from relinkage.studies.defences import check_controls

        check_controls(controls, embeddings, train, known, against, transfer)
    hardened = harden_embeddings(embeddings, train, settings, out, known)
    made = hardened.manifest
    if controls is None:
        click.echo(json.dumps(made, indent=1) if as_json else f"{out}: {made['privacy']['sentence']}")
        return
    from relinkage.reports.defences import defences_table
    from relinkage.studies.defences import run_controls, write_controls

    result = run_controls(
        embeddings, hardened, settings, train=train, public=known, against=against, transfer=transfer
    )
    print_result(result, as_json, defences_table(result), write_controls(result, controls))


@click.command()
@click.argument("heads", type=FILE, metavar="HEADS")
@click.option("--canaries", type=int, help="Train again with this many canaries, and guess about them.")
@click.option("--guesses", type=int, help="Canaries that are guessed.  [default: a tenth of them]")
@click.option("--embeddings", type=FILE, metavar="EMB", help="What HEADS were trained on, for --canaries.")
@click.option("--start", type=FILE, help="Heads that HEADS started from, if given then.")
@click.option("--public", type=FILE, help="Public embeddings, if given then.")
@click.option("--anchors", type=FILE, help="Anchors, if given then.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the canaries.")
@click.option("--json", "as_json", is_flag=True, help="Print the statement and what was found, as JSON.")
def privacy(
    heads: Path, canaries: int | None, guesses: int | None, embeddings: Path | None, start: Path | None,
    public: Path | None, anchors: Path | None, seed: int, as_json: bool,
) -> int:  # fmt: skip
    """What HEADS state of their privacy, computed again; exit 1 where it does not hold."""
    from relinkage.studies.heads import (
        check_by_canaries,
        check_statement,
        faults_of,
        read_public,
        statement_text,
    )

    if canaries is None:
        rest = {"--embeddings": embeddings, "--guesses": guesses, "--start": start, "--public": public}
        for option, value in {**rest, "--anchors": anchors}.items():
            if value is not None:
                raise InputError(f"{option} goes with --canaries; give a number of them, such as 1000.")
        result = check_statement(heads)
    else:
        if embeddings is None:
            raise InputError("--canaries train again; name what the heads were trained on with --embeddings.")
        known = read_public(start, public, anchors)
        chosen = max(canaries // 20, 1) * 2 if guesses is None else guesses
        result = check_by_canaries(heads, embeddings, canaries, chosen, known, seed)
    click.echo(json.dumps(result, indent=1) if as_json else statement_text(result))
    return 1 if faults_of(result) else 0
