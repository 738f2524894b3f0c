"""Recall alone, by each of several attackers: what a search over many pairs of heads asks again and again."""

from collections.abc import Sequence

import msgspec

from relinkage.attackers import load_attackers
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.linkage import AuditSettings
from relinkage.linkage.grid import grid
from relinkage.linkage.measures import recall_rows
from relinkage.linkage.rows import RecallRow, Size
from relinkage.linkage.settings import On
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.table import ALL
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.studies.auxiliary import attacked_sides, check_space, known_pairs, stated_pools
from relinkage.studies.opening import links_of


class AttackerRow(RecallRow, frozen=True):
    """Recall@K of one attacker.

    Attributes:
        attacker: The attacker.
        auxiliary_pairs: Pairs of other patients that it learned from.
        auxiliary_patients: Patients of these pairs; studies where patients are not known.
    """

    attacker: str
    auxiliary_pairs: Size
    auxiliary_patients: Size


def attacker_rows(
    audited: Embeddings,
    drawn: Embeddings,
    heads: HeadPair | None,
    attackers: Sequence[str],
    settings: AuditSettings,
    on: On = "embeddings",
) -> list[AttackerRow]:
    """Give each attacker's recall against a pair of heads, and nothing else of an audit.

    An attacker that is fitted on the attacked gallery has rows for the full gallery alone.

    One pass an attacker, no figures, no controls.

    Args:
        audited: the pairs that are attacked.
        drawn: the pairs that `draw_auxiliary` gave, once for all heads.
        heads: the heads to judge, in memory; the encoder's own where not given.
        attackers: names.
        settings: pools, ranks, direction, distractors and resampling; hard negatives are left out.
        on: embeddings, or the features, for which heads do not matter.

    Returns:
        Rows as in `closed_set` of an audit, each with its attacker.

    Raises:
        InputError: as in `attack_embeddings`, and where no pool fits.
    """
    attacked, known = attacked_sides(audited, heads, on), known_pairs(drawn, heads, on)
    links, report_row = links_of(audited)
    rows: list[AttackerRow] = []
    for called, attacker in load_attackers(attackers, settings.seed).items():
        check_space(called, attacker, attacked)
        learns = attacker.needs_pairs or attacker.uses_pairs
        images, texts = attacker.fit(known if learns else None).transform(*attacked)
        stated = stated_pools(attacker, settings)
        sources = (f"{audited.path} (images)", f"{audited.path} (reports)")
        reports = Vectors.prepare(texts[report_row], sources[1])
        found = candidates_of(links, reports, settings.several_reports, sources[1])
        ways = link(Vectors.prepare(images, sources[0]), found.vectors, found.links, stated)
        cells = grid(ways[0].table.standings[ALL], stated).cells
        pairs_known, patients_known = (len(known), known.patients) if learns else (0, 0)
        rows += [
            AttackerRow(
                attacker=called,
                auxiliary_pairs=pairs_known,
                auxiliary_patients=patients_known,
                **msgspec.structs.asdict(row),
            )
            for way in ways
            for row in recall_rows(way.table, cells, stated)
        ]
    return rows
