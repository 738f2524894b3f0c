"""`relinkage audit`: how well images find their reports."""

from relinkage.cli.inputs import Audited
from relinkage.cli.options import command
from relinkage.cli.outputs import RunOutput
from relinkage.linkage.settings import AuditSettings


@command("audit", audited=Audited, settings=AuditSettings, output=RunOutput)
def audit(audited: Audited, settings: AuditSettings, output: RunOutput) -> None:
    """Measure linkage: of EMB, or of --images and --reports."""
    output.check_place()
    key = output.key()

    from relinkage import studies
    from relinkage.pages import audit_table

    place = None if output.out is None else output.out.absolute()  # the run may replace the folder we are in
    embeddings, heads = audited.read(large_on_disk=True), studies.heads_of(audited.heads)
    made = studies.audit_embeddings(embeddings, heads, audited.split, settings, output.name, out=output.out)
    if key is not None:
        made = made.pseudonymise(key)
    if place is not None:
        made.save(place, linkage=output.linkage)
        studies.finish_blocks(place)
    output.show(made.result, audit_table([made.result]), made.notes)
    output.say_where(output.out)
