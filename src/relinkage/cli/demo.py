"""`relinkage demo`: the whole story on a phantom cohort."""

from pathlib import Path

from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.studies.demo_settings import DemoSettings, check_demo


class DemoOutput(Printed, frozen=True):
    """Where the demonstration goes.

    Attributes:
        out: Folder to write.
    """

    out: Path = Path("relinkage-demo")


@command("demo", settings=DemoSettings, output=DemoOutput)
def demo(settings: DemoSettings, output: DemoOutput) -> None:
    """The whole story on a phantom cohort, nothing to download."""
    check_demo(output.out)

    from relinkage import studies
    from relinkage.pages import audit_table, read_audit
    from relinkage.progress import say
    from relinkage.studies.places import PAGE

    audits = [read_audit(run) for run in studies.demo(output.out, settings)]
    output.show(audits, audit_table(audits))
    say(f"The page is in {output.out / PAGE}")
