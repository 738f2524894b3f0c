"""`relinkage page`: one page about several runs."""

from pathlib import Path

from relinkage.cli.inputs import Runs
from relinkage.cli.options import command
from relinkage.errors import InputError
from relinkage.files import check_file
from relinkage.options import Settings
from relinkage.progress import say


class PageFile(Settings, frozen=True):
    """Where a page goes.

    Attributes:
        out: HTML file to write.
    """

    out: Path = Path("page.html")

    def check(self) -> None:
        """Check that the file is an HTML file.

        Raises:
            InputError: its name has another ending.
        """
        if self.out.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"--out {self.out} is not an HTML file; give a name that ends in .html.")


@command("page", inputs=Runs, output=PageFile)
def page(inputs: Runs, output: PageFile) -> None:
    """One HTML page about one or several runs; several make a ladder."""
    check_file(output.out)

    from relinkage.pages import write_page

    say(f"The page is in {write_page(inputs.folders, output.out)}")
