"""`relinkage audit`: how well images find their reports."""

from relinkage.cli.inputs import Vectors
from relinkage.cli.options import command
from relinkage.cli.outputs import RunOutput
from relinkage.linkage.settings import AuditSettings


@command("audit", vectors=Vectors, settings=AuditSettings, output=RunOutput)
def audit(vectors: Vectors, settings: AuditSettings, output: RunOutput) -> None:
    """Measure linkage: of EMB, or of --images and --reports."""
    output.check_place()
    key = output.key()

    from relinkage import studies
    from relinkage.reports import audit_table

    place = None if output.out is None else output.out.absolute()  # the run may replace the folder we are in
    if vectors.images is not None and vectors.reports is not None:
        made = studies.audit_arrays(
            vectors.images, vectors.reports, vectors.pairs, settings, output.name, out=output.out
        )
    elif vectors.embeddings is not None:
        made = studies.audit_embeddings(
            vectors.embeddings, vectors.heads, vectors.split, settings, output.name, out=output.out
        )
    if key is not None:
        made = studies.pseudonymise(made, key)
    if place is not None:
        studies.write_run(made, place)
        studies.finish_blocks(place)
    output.show(made.result, audit_table([made.result]), made.result.notes)
    output.say_where(output.out)
