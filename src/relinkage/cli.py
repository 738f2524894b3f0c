"""The command line: thin, one function a command."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import click

import relinkage
from relinkage.errors import InputError

FILE = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
"""What numpy, torch and scikit-learn all take as a seed."""


class _Numbers(click.ParamType[Any]):
    """A comma list of whole numbers, `full` among them where allowed."""

    name = "list"

    def __init__(self, full: bool = False) -> None:
        self.full = full

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        wrong = [part for part in parts if not part.isdecimal() and not (self.full and part == "full")]
        if wrong or not parts:
            kind = "whole numbers or full, such as 100,full" if self.full else "whole numbers, such as 1,10"
            self.fail(f"{value!r} is not a comma list of {kind}", param, ctx)
        return tuple(dict.fromkeys(part if part == "full" else int(part) for part in parts))


class _Rates(click.ParamType[Any]):
    """A comma list of rates."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(dict.fromkeys(float(part) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is not a comma list of rates, such as 0.01,0.1", param, ctx)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,  # a call without a command is a mistake: one sentence, like every other
)
@click.version_option(relinkage.__version__, prog_name="relinkage")
def cli() -> None:
    """Measure how well a vision-language model re-links de-identified medical images to their reports."""


@cli.command()
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
    _print(audits, as_json, audit_table(audits), out / studies.REPORT)


@cli.command()
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


@cli.command()
@click.argument("cohort", type=FILE)
@click.option("--model", required=True, help="phantom:NAME, clip:FOLDER-OR-ID, towers:IMAGE+TEXT.")
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
@click.option("--offline", is_flag=True, help="Never ask the network for a model.")
@click.option("--seed", type=SEED, default=0, show_default=True)
def embed(
    cohort: Path, model: str, out: Path, root: Path | None, batch: int, max_left_out: float, split_by: str,
    train_share: float, keep: tuple[str, ...], token_budget: int | None, image_size: int, device: Any,
    offline: bool, seed: int,
) -> None:  # fmt: skip
    """Frozen features and embeddings of a COHORT; a killed run resumes."""
    from relinkage.cohorts import read_cohort
    from relinkage.embeddings import EmbedSettings, embed
    from relinkage.encoders import EncoderOptions, load_encoder
    from relinkage.progress import say

    settings = EmbedSettings(
        batch=batch, max_left_out=max_left_out, split_by=split_by, train=train_share, seed=seed, keep=keep,
        token_budget=token_budget,
    )  # fmt: skip
    table = read_cohort(cohort, root)
    for note in table.notes:
        say(f"Note: {note}")
    options = EncoderOptions(device=device, offline=offline, image_size=image_size, seed=seed)
    embeddings = embed(table, load_encoder(model, options=options), out, settings=settings)
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


@cli.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option("--objective", type=click.Choice(["infonce"]), default="infonce", show_default=True)
@click.option("--train", default="train", show_default=True, help="Split to train on.")
@click.option("--out", type=FILE, required=True, help="Folder for the heads.")
@click.option("--head", type=click.Choice(["linear", "mlp"]), default="linear", show_default=True)
@click.option("--dimension", type=int, default=64, show_default=True, help="Width of the shared space.")
@click.option("--hidden", type=int, default=512, show_default=True, help="Width of an mlp's hidden layer.")
@click.option("--temperature", type=float, default=0.07, show_default=True)
@click.option("--steps", type=int, help="Optimiser steps.  [default: ten passes, at least 300]")
@click.option("--batch", type=int, default=1024, show_default=True, help="Pairs a step.")
@click.option("--lr", type=float, default=3e-3, show_default=True)
@click.option("--weight-decay", type=float, default=1e-2, show_default=True)
@click.option("--same-patient-negatives", is_flag=True, help="Let a patient's other pairs be negatives.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest of the heads, as JSON.")
def align(
    embeddings: Path, objective: Any, train: str, out: Path, head: Any, dimension: int, hidden: int,
    temperature: float, steps: int | None, batch: int, lr: float, weight_decay: float,
    same_patient_negatives: bool, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Train projection heads on cached features of EMB, without privacy."""
    from relinkage.alignment import AlignSettings, align
    from relinkage.embeddings import read_embeddings

    settings = AlignSettings(
        objective=objective, head=head, dimension=dimension, hidden=hidden, temperature=temperature,
        steps=steps, batch=batch, learning_rate=lr, weight_decay=weight_decay,
        same_patient_negatives=same_patient_negatives, seed=seed,
    )  # fmt: skip
    made = align(read_embeddings(embeddings), train, settings, out).manifest
    click.echo(
        json.dumps(made, indent=1)
        if as_json
        else f"{out}: heads trained on {made['pairs']} pairs of {made['patients']} patients, "
        f"loss {made['first_loss']:.3f} → {made['last_loss']:.3f} in {made['steps']} steps"
    )


@cli.command()
@click.argument("embeddings", type=FILE, metavar="[EMB]", required=False)
@click.option("--images", type=FILE, help="Array (queries, d): .npy, .npz, .safetensors or .parquet.")
@click.option("--reports", type=FILE, help="Array (candidates, d); row i belongs to image i.")
@click.option("--pairs", type=FILE, help="CSV or Parquet, a row per image: pair_id, candidate, patient_id, …")
@click.option("--heads", type=FILE, help="Trained heads for EMB.  [default: the model's own]")
@click.option("--split", help="Audit this split of EMB only.")
@click.option("--pool", type=_Numbers(full=True), help="Pool sizes.  [default: 100,1000,10000,full]")
@click.option("--k", type=_Numbers(), help="Ranks K.  [default: 1,5,10]")
@click.option(
    "--direction",
    type=click.Choice(["image-to-report", "report-to-image", "both"]),
    default="image-to-report",
    show_default=True,
)
@click.option("--distractors", type=click.Choice(["all", "other-patients"]), default="all", show_default=True)
@click.option("--hard-negatives", help="Comma list of columns distractors must share; labels for all labels.")
@click.option(
    "--ladder", is_flag=True, help="Harder and harder negatives: labels, view, sex and age, length."
)
@click.option(
    "--uncertain",
    type=click.Choice(["own", "positive", "negative", "absent"]),
    default="own",
    show_default=True,
    help="What an uncertain label counts as in hard negatives.",
)
@click.option(
    "--open-set",
    type=_Rates(),
    help="Rates of false claims, such as 0.003,0.01,0.1: TPIR where the mate may be absent.  [default: off]",
)
@click.option(
    "--temperature",
    type=float,
    default=0.07,
    show_default=True,
    help="Of the softmax, in the open set's posterior and the entropy of the match.",
)
@click.option(
    "--patient-level",
    is_flag=True,
    help="Also count any report of the query's patient as a hit; up to one more pass over all pairs.",
)
@click.option(
    "--risk-pool",
    type=_Numbers(full=True),
    help="Pool that risk per patient is stated at.  [default: the largest of 10000,1000,100 that fits]",
)
@click.option("--intervals", type=float, default=0.95, show_default=True, help="Confidence level.")
@click.option("--replicates", type=int, default=2000, show_default=True, help="Bootstrap replicates.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--engine", type=click.Choice(["auto", "cpu"]), default="auto", show_default=True)
@click.option("--name", help="What the report calls the model.")
@click.option(
    "--out", type=FILE, help="Run folder to write: audit.json, linkage.parquet, report.html, card.md."
)
@click.option(
    "--pseudonymise",
    is_flag=True,
    help="Replace ids in linkage.parquet by hashes with a random key that is kept nowhere: nobody can undo "
    "them, and linkage.parquet differs from run to run.",
)
@click.option(
    "--pseudonym-key",
    type=FILE,
    metavar="FILE",
    help="Pseudonymise with the key in FILE (32 random bytes): the same ids in every run, and who has the "
    "key can tell whose they are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the audit alone, as JSON.")
def audit(
    embeddings: Path | None, images: Path | None, reports: Path | None, pairs: Path | None,
    heads: Path | None, split: str | None, pool: Any, k: Any, direction: Any, distractors: Any,
    hard_negatives: str | None, ladder: bool, uncertain: Any, open_set: Any, temperature: float,
    patient_level: bool, risk_pool: Any,
    intervals: float, replicates: int, seed: int, engine: str, name: str | None, out: Path | None,
    pseudonymise: bool, pseudonym_key: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure linkage: of EMB, or of --images and --reports."""
    from relinkage import studies
    from relinkage.linkage import AuditSettings, HardNegatives, Resampling
    from relinkage.progress import say
    from relinkage.reports import audit_table

    columns = tuple(c.strip() for c in hard_negatives.split(",") if c.strip()) if hard_negatives else ()
    hard = HardNegatives(columns, ladder, uncertain)
    if risk_pool is not None and len(risk_pool) != 1:
        raise InputError("--risk-pool takes one pool size; give a whole number from 2 up, or full.")
    settings = AuditSettings(
        pool, k, direction, distractors, hard, patient_level, open_set or (), temperature,
        Resampling(intervals, replicates, seed), None if risk_pool is None else risk_pool[0],
    )  # fmt: skip
    if out is not None:
        studies.check_run(out)
    key = studies.pseudonym_key(pseudonym_key) if pseudonymise or pseudonym_key is not None else None
    if embeddings is not None:
        given = [
            option
            for option, value in (("--images", images), ("--reports", reports), ("--pairs", pairs))
            if value
        ]
        if given:
            raise InputError(f"{given[0]} does not go with an embeddings folder; give one or the other.")
        result = studies.audit_embeddings(embeddings, heads, split, settings, name)
    else:
        if images is None or reports is None:
            raise InputError("Nothing to audit; name an embeddings folder, or both --images and --reports.")
        if heads is not None or split is not None:
            raise InputError(
                "--heads and --split go with an embeddings folder; name one instead of --images."
            )
        result = studies.audit_arrays(images, reports, pairs, settings, name)
    if key is not None:
        result = studies.pseudonymise(result, key)
    if out is not None:
        studies.write_run(result, out)
    for note in result.result["notes"]:
        say(f"Note: {note}")
    _print(
        result.result, as_json, audit_table([result.result]), None if out is None else out / studies.REPORT
    )


@cli.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option(
    "--attacker",
    required=True,
    metavar="NAME[,NAME...]",
    help="cosine, whiten, csls (no pairs needed), procrustes, ridge, cca, heads (learn from known pairs).",
)
@click.option(
    "--on",
    type=click.Choice(["embeddings", "features"]),
    default="embeddings",
    show_default=True,
    help="What attackers see; features are what comes before any head.",
)
@click.option("--heads", type=FILE, help="Trained heads for EMB.  [default: the model's own]")
@click.option("--split", default="test", show_default=True, help="Split of EMB to attack.")
@click.option("--auxiliary", default="train", show_default=True, help="Split that known pairs come from.")
@click.option(
    "--auxiliary-pairs", type=int, default=1000, show_default=True, help="Pairs that attackers know."
)
@click.option("--pool", type=_Numbers(full=True), help="Pool sizes.  [default: 100,1000,10000,full]")
@click.option("--k", type=_Numbers(), help="Ranks K.  [default: 1,5,10]")
@click.option(
    "--direction",
    type=click.Choice(["image-to-report", "report-to-image", "both"]),
    default="image-to-report",
    show_default=True,
)
@click.option("--hard-negatives", help="Comma list of columns distractors must share; labels for all labels.")
@click.option(
    "--ladder", is_flag=True, help="Harder and harder negatives: labels, view, sex and age, length."
)
@click.option(
    "--open-set", type=_Rates(), help="Rates of false claims, such as 0.003,0.01,0.1.  [default: off]"
)
@click.option("--replicates", type=int, default=2000, show_default=True, help="Bootstrap replicates.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--name", help="What the report calls the attacked model.")
@click.option("--out", type=FILE, help="Run folder to write; of several attackers OUT/NAME for each.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit alone, as JSON; a list of several.")
def attack(
    embeddings: Path, attacker: str, on: Any, heads: Path | None, split: str, auxiliary: str,
    auxiliary_pairs: int, pool: Any, k: Any, direction: Any, hard_negatives: str | None, ladder: bool,
    open_set: Any, replicates: int, seed: int, name: str | None, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The same audit of EMB with stronger scorers; several are compared, the strongest first."""
    from relinkage import studies
    from relinkage.attackers import attacker_names
    from relinkage.linkage import AuditSettings, HardNegatives, Resampling
    from relinkage.progress import say
    from relinkage.reports import audit_table

    names = attacker_names(attacker)
    columns = tuple(c.strip() for c in hard_negatives.split(",") if c.strip()) if hard_negatives else ()
    settings = AuditSettings(
        pools=pool, k=k, direction=direction, hard_negatives=HardNegatives(columns, ladder),
        open_set=open_set or (), resampling=Resampling(replicates=replicates, seed=seed),
    )  # fmt: skip
    places = {} if out is None else {called: out / called if len(names) > 1 else out for called in names}
    for place in places.values():
        studies.check_run(place)
    asked = studies.AttackSettings(names, on, auxiliary, auxiliary_pairs, seed)
    audits = studies.attack_embeddings(embeddings, heads, split, asked, settings, name)
    for called, place in places.items():
        studies.write_run(audits[names.index(called)], place)
    results = [audit.result for audit in studies.strongest_first(audits)]
    for note in dict.fromkeys(note for result in results for note in result["notes"]):
        say(f"Note: {note}")
    _print(results if len(names) > 1 else results[0], as_json, audit_table(results), None)
    if out is not None:
        say(f"The runs are in {out}" if len(names) > 1 else f"The report is in {out / studies.REPORT}")


@cli.command()
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--out", type=FILE, help="Folder to write: comparison.json, report.html.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison alone, as JSON.")
def compare(runs: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Paired tests between audits of the same queries; the first RUN is the baseline."""
    from relinkage import studies
    from relinkage.reports import comparison_table

    comparison = studies.compare_runs(runs)
    if out is not None:
        studies.write_comparison(comparison, out)
    report_file = None if out is None else out / studies.REPORT
    _print(comparison.result, as_json, comparison_table(comparison.result), report_file)


@cli.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option("--heads", type=FILE, help="Trained heads for EMB.  [default: the model's own]")
@click.option("--against", type=FILE, help="Baseline of --heads.  [default: the model's own heads]")
@click.option("--split", default="test", show_default=True, help="Split to measure on.")
@click.option("--fit", default="train", show_default=True, help="Split to fit linear probes on.")
@click.option("--k", type=int, default=10, show_default=True, help="Cases that retrieval looks at.")
@click.option(
    "--uncertain",
    type=click.Choice(["left-out", "positive", "negative"]),
    default="left-out",
    show_default=True,
    help="What an uncertain label (-1) counts as.",
)
@click.option(
    "--absent",
    type=click.Choice(["negative", "left-out"]),
    default="negative",
    show_default=True,
    help="What a label counts as that the report does not mention.",
)
@click.option(
    "--exclude",
    type=click.Choice(["study", "patient"]),
    default="study",
    show_default=True,
    help="Never retrieve cases of the query's own study, or of its patient.",
)
@click.option(
    "--prompts", type=FILE, help="Prompts for zero-shot labels: JSON, or a CSV of label,positive,negative."
)
@click.option("--model", help="Where the encoder lies, for its text tower.  [default: as EMB names it]")
@click.option("--intervals", type=float, default=0.95, show_default=True, help="Level of the intervals.")
@click.option("--replicates", type=int, default=2000, show_default=True, help="Bootstrap replicates.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--out", type=FILE, help="Folder to write: utility.json.")
@click.option("--json", "as_json", is_flag=True, help="Print the result alone, as JSON.")
def utility(
    embeddings: Path, heads: Path | None, against: Path | None, split: str, fit: str, k: int, uncertain: Any,
    absent: Any, exclude: Any, prompts: Path | None, model: str | None, intervals: float, replicates: int,
    seed: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """What must stay useful: linear probes, clinical retrieval and zero-shot labels of EMB."""
    from relinkage.linkage import Resampling
    from relinkage.progress import say
    from relinkage.reports.utility import utility_table
    from relinkage.studies.utility import check_utility, measure_utility, write_utility
    from relinkage.utility import UtilitySettings

    settings = UtilitySettings(
        fit, split, k, uncertain, absent, exclude, resampling=Resampling(intervals, replicates, seed)
    )
    if out is not None:
        check_utility(out)
    result = measure_utility(embeddings, heads, against, settings, prompts=prompts, model=model)
    file = None if out is None else write_utility(result, out)
    for note in result["notes"]:
        say(f"Note: {note}")
    _print(result, as_json, utility_table(result), None)
    if file is not None:
        say(f"The result is in {file}")


@cli.command()
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN...")
@click.option("--out", type=FILE, default=Path("report.html"), show_default=True, help="HTML file to write.")
def report(runs: tuple[Path, ...], out: Path) -> None:
    """One HTML report over one or several runs; several make a ladder."""
    from relinkage.progress import say
    from relinkage.reports import write_report

    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {out} is no HTML file; give a name that ends in .html.")
    say(f"The report is in {write_report(runs, out)}")


def _print(value: Any, as_json: bool, table: str, report_file: Path | None) -> None:
    """Print the result alone on stdout, as JSON or as a table; where it lies goes to stderr."""
    from relinkage.progress import say

    click.echo(json.dumps(value, indent=1, allow_nan=False) if as_json else table)
    if report_file is not None:
        say(f"The report is in {report_file}")


def main() -> None:
    """Run the command line: exit 0 done, 2 a wrong input or request, 70 a bug, 130 interrupted."""
    try:
        sys.exit(cli.main(prog_name="relinkage", standalone_mode=False) or 0)
    except InputError as error:
        _fail(str(error), 2)
    except click.UsageError as error:
        told = re.split(r" \(?Did you mean", error.format_message())[0].rstrip(".")
        _fail(f"{told}; see `{error.ctx.command_path if error.ctx else 'relinkage'} --help`.", 2)
    except (click.Abort, KeyboardInterrupt):
        _fail("Interrupted; nothing half-written is left, and the same command starts again.", 130)
    except MemoryError:
        _fail("There is not enough memory; close other programs or audit a smaller split.", 2)
    except OSError as error:
        _fail(
            f"{error.filename or 'A file'} cannot be read or written ({error.strerror or error}); "
            "name another place, or see to its permissions and the space that is left.",
            2,
        )
    except Exception as error:
        if os.environ.get("RELINKAGE_DEBUG"):
            raise
        # Its text may hold what must not be shown: a report, a patient's id.
        _fail(
            f"An error that should not happen ({type(error).__name__}); set RELINKAGE_DEBUG=1 to see where, "
            "and report it.",
            70,
        )


def _fail(message: str, status: int) -> None:
    click.echo(f"relinkage: {' '.join(message.splitlines())}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
