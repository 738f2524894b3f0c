"""`relinkage attack`: the same audit with stronger attackers."""

from relinkage.attackers.settings import AttackSettings
from relinkage.cli.inputs import SplitOfEmbeddings
from relinkage.cli.options import command
from relinkage.cli.outputs import RunOutput
from relinkage.linkage.settings import AuditSettings


@command("attack", inputs=SplitOfEmbeddings, attack=AttackSettings, settings=AuditSettings, output=RunOutput)
def attack(
    inputs: SplitOfEmbeddings, attack: AttackSettings, settings: AuditSettings, output: RunOutput
) -> None:
    """Audit EMB with stronger attackers; several are compared, the strongest first.

    Of several attackers, each has a run folder OUT/NAME.
    """
    names = attack.attacker
    places = [] if output.out is None else [output.out]
    if len(names) > 1:
        places = [place / name for place in places for name in names]
    for place in places:
        output.check_place(place)
    key = output.key()

    from relinkage import studies
    from relinkage.progress import say
    from relinkage.reports import audit_table

    audits = studies.attack_embeddings(
        inputs.embeddings, inputs.heads, inputs.split, attack, settings, output.name
    )
    if key is not None:
        audits = [studies.pseudonymise(made, key) for made in audits]
    for place, made in zip(places, audits, strict=False):
        studies.write_run(made, place)
    results = [made.result for made in studies.strongest_first(audits)]
    notes = dict.fromkeys(note for result in results for note in result.notes)
    output.show(results if len(names) > 1 else results[0], audit_table(results), notes)
    if len(places) > 1:
        say(f"The runs are in {output.out}")
    else:
        output.say_where(output.out)
