"""`relinkage report`: one page about several runs."""

from pathlib import Path

from relinkage.cli.inputs import Runs
from relinkage.cli.options import command
from relinkage.errors import InputError
from relinkage.files import check_file
from relinkage.options import Settings
from relinkage.progress import say


class Page(Settings, frozen=True):
    """Where a page goes.

    Attributes:
        out: HTML file to write.
    """

    out: Path = Path("report.html")

    def check(self) -> None:
        """Check that the file is an HTML file.

        Raises:
            InputError: its name has another ending.
        """
        if self.out.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"--out {self.out} is no HTML file; give a name that ends in .html.")


@command("report", inputs=Runs, page=Page)
def report(inputs: Runs, page: Page) -> None:
    """One HTML report over one or several runs; several make a ladder."""
    check_file(page.out)

    from relinkage.reports import write_report

    say(f"The report is in {write_report(inputs.run, page.out)}")
