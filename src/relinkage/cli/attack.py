"""`relinkage attack`: the same audit with stronger attackers."""

from relinkage.attackers.settings import AttackSettings
from relinkage.cli.inputs import Attacked
from relinkage.cli.options import command
from relinkage.cli.outputs import RunOutput
from relinkage.linkage.settings import AuditSettings


@command("attack", inputs=Attacked, attack=AttackSettings, settings=AuditSettings, output=RunOutput)
def attack(inputs: Attacked, attack: AttackSettings, settings: AuditSettings, output: RunOutput) -> None:
    """Audit EMB, or arrays, with stronger attackers; several are compared, the strongest first.

    Of several attackers, each has a run folder OUT/NAME.
    """
    several = len(attack.attackers) > 1 or "all" in attack.attackers
    if output.out is not None:
        for place in [output.out / name for name in attack.names] if several else [output.out]:
            output.check_place(place)
    key = output.key()

    from relinkage import studies
    from relinkage.pages import audit_table
    from relinkage.progress import say

    embeddings, heads = inputs.read(), studies.heads_of(inputs.heads)
    if inputs.whole:
        made = studies.attack(
            embeddings, attackers=attack.attackers, on=attack.on, heads=heads, name=output.name,
            settings=settings,
        )  # fmt: skip
    else:
        made = studies.attack_embeddings(embeddings, heads, inputs.split, attack, settings, output.name)
    if key is not None:
        made = made.pseudonymise(key)
    audits = made.strongest_first
    if output.out is not None and several:
        made.save(output.out, linkage=output.linkage)
    elif output.out is not None:
        audits[0].save(output.out, linkage=output.linkage)
    results = [audit.result for audit in audits]
    notes = dict.fromkeys(note for result in results for note in result.notes)
    table = "\n\n".join(part for part in (audit_table(results), made.strength) if part)
    output.show(results if several else results[0], table, [*made.notes, *notes])
    if several and output.out is not None:
        say(f"The runs are in {output.out}")
    else:
        output.say_where(output.out)
