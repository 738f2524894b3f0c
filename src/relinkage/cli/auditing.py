"""Commands that measure linkage: the audit, and the same audit with stronger attackers."""

from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import (
    ENGINE,
    ENGINE_HELP,
    FILE,
    HEADS,
    REPLICATES,
    SEED,
    Numbers,
    Rates,
    print_result,
)
from relinkage.errors import InputError


def _columns(_ctx: click.Context, _option: click.Parameter, listed: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())


# What both commands ask for.
POOL = click.option("--pool", type=Numbers(full=True), help="Pool sizes.  [default: 100,1000,10000,full]")
K = click.option("--k", type=Numbers(), help="Ranks K.  [default: 1,5,10]")
DIRECTION = click.option(
    "--direction",
    type=click.Choice(["image-to-report", "report-to-image", "both"]),
    default="image-to-report",
    show_default=True,
)
HARD_NEGATIVES = click.option(
    "--hard-negatives",
    callback=_columns,
    help="Comma list of columns distractors must share; labels for all labels.",
)
LADDER = click.option(
    "--ladder", is_flag=True, help="Harder and harder negatives: labels, view, sex and age, length."
)


@click.command()
@click.argument("embeddings", type=FILE, metavar="[EMB]", required=False)
@click.option("--images", type=FILE, help="Array (queries, d): .npy, .npz, .safetensors or .parquet.")
@click.option("--reports", type=FILE, help="Array (candidates, d); row i belongs to image i.")
@click.option("--pairs", type=FILE, help="CSV or Parquet, a row per image: pair_id, candidate, patient_id, …")
@HEADS
@click.option("--split", help="Audit this split of EMB only.")
@POOL
@K
@DIRECTION
@click.option("--distractors", type=click.Choice(["all", "other-patients"]), default="all", show_default=True)
@HARD_NEGATIVES
@LADDER
@click.option(
    "--uncertain",
    type=click.Choice(["own", "positive", "negative", "absent"]),
    default="own",
    show_default=True,
    help="What an uncertain label counts as in hard negatives.",
)
@click.option(
    "--open-set",
    type=Rates(),
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
    type=Numbers(full=True),
    help="Pool that risk per patient is stated at.  [default: the largest of 10000,1000,100 that fits]",
)
@click.option("--intervals", type=float, default=0.95, show_default=True, help="Confidence level.")
@REPLICATES
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--engine", type=ENGINE, default="auto", show_default=True, help=ENGINE_HELP)
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
    hard_negatives: tuple[str, ...], ladder: bool, uncertain: Any, open_set: Any, temperature: float,
    patient_level: bool, risk_pool: Any,
    intervals: float, replicates: int, seed: int, engine: str, name: str | None, out: Path | None,
    pseudonymise: bool, pseudonym_key: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure linkage: of EMB, or of --images and --reports."""
    from relinkage import studies
    from relinkage.linkage import AuditSettings, HardNegatives, Resampling
    from relinkage.linkage.engines import choose
    from relinkage.progress import say
    from relinkage.reports import audit_table

    hard = HardNegatives(hard_negatives, ladder, uncertain)
    if risk_pool is not None and len(risk_pool) != 1:
        raise InputError("--risk-pool takes one pool size; give a whole number from 2 up, or full.")
    settings = AuditSettings(
        pool, k, direction, distractors, hard, patient_level, open_set or (), temperature,
        Resampling(intervals, replicates, seed), None if risk_pool is None else risk_pool[0], engine,
    )  # fmt: skip
    beside = None if out is None else out.absolute()  # the run may replace the folder we stand in
    choose(engine)  # so that one that cannot run here is refused before anything is read
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
        result = studies.audit_embeddings(embeddings, heads, split, settings, name, out=out)
    else:
        if images is None or reports is None:
            raise InputError("Nothing to audit; name an embeddings folder, or both --images and --reports.")
        if heads is not None or split is not None:
            raise InputError(
                "--heads and --split go with an embeddings folder; name one instead of --images."
            )
        result = studies.audit_arrays(images, reports, pairs, settings, name, out=out)
    if key is not None:
        result = studies.pseudonymise(result, key)
    if out is not None and beside is not None:
        studies.write_run(result, out)
        studies.finish_blocks(beside)
    for note in result.result["notes"]:
        say(f"Note: {note}")
    print_result(
        result.result, as_json, audit_table([result.result]), None if out is None else out / studies.REPORT
    )


@click.command()
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
@HEADS
@click.option("--split", default="test", show_default=True, help="Split of EMB to attack.")
@click.option("--auxiliary", default="train", show_default=True, help="Split that known pairs come from.")
@click.option(
    "--auxiliary-pairs", type=int, default=1000, show_default=True, help="Pairs that attackers know."
)
@POOL
@K
@DIRECTION
@HARD_NEGATIVES
@LADDER
@click.option(
    "--open-set", type=Rates(), help="Rates of false claims, such as 0.003,0.01,0.1.  [default: off]"
)
@REPLICATES
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--engine", type=ENGINE, default="auto", show_default=True, help=ENGINE_HELP)
@click.option("--name", help="What the report calls the attacked model.")
@click.option("--out", type=FILE, help="Run folder to write; of several attackers OUT/NAME for each.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit alone, as JSON; a list of several.")
def attack(
    embeddings: Path, attacker: str, on: Any, heads: Path | None, split: str, auxiliary: str,
    auxiliary_pairs: int, pool: Any, k: Any, direction: Any, hard_negatives: tuple[str, ...], ladder: bool,
    open_set: Any, replicates: int, seed: int, engine: str, name: str | None, out: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """The same audit of EMB with stronger scorers; several are compared, the strongest first."""
    from relinkage import studies
    from relinkage.attackers import attacker_names
    from relinkage.linkage import AuditSettings, HardNegatives, Resampling
    from relinkage.progress import say
    from relinkage.reports import audit_table

    names = attacker_names(attacker)
    settings = AuditSettings(
        pools=pool, k=k, direction=direction, hard_negatives=HardNegatives(hard_negatives, ladder),
        open_set=open_set or (), resampling=Resampling(replicates=replicates, seed=seed),
        engine=engine,
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
    print_result(results if len(names) > 1 else results[0], as_json, audit_table(results), None)
    if out is not None:
        say(f"The runs are in {out}" if len(names) > 1 else f"The report is in {out / studies.REPORT}")
