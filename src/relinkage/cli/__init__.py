"""The command line: thin, one function a command; `main` turns what goes wrong into one sentence."""

import os
import re
import sys

import click

import relinkage
from relinkage.cli.aligning import align
from relinkage.cli.auditing import attack, audit
from relinkage.cli.exporting import export, heads
from relinkage.cli.hardening import harden, privacy
from relinkage.cli.judging import compare, report, utility
from relinkage.cli.looking import map_space, retrieve
from relinkage.cli.making import demo, embed, phantom
from relinkage.cli.models import models
from relinkage.cli.reading import cohort
from relinkage.errors import InputError


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,  # a call without a command is a mistake: one sentence, like every other
)
@click.version_option(relinkage.__version__, prog_name="relinkage")
def cli() -> None:
    """Measure how well a vision-language model re-links de-identified medical images to their reports."""


for command in (
    demo, phantom, cohort, embed, align, harden, audit, attack, compare, utility, retrieve, map_space, report,
    privacy, heads, export, models
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line: exit 0 done, 1 a check failed, 2 a wrong input, 70 a bug, 130 interrupted."""
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
