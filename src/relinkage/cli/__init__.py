"""The command line: thin, one function a command; `main` turns what goes wrong into one sentence."""

import os
import re
import sys
from importlib import import_module

import click

import relinkage
from relinkage.errors import InputError

COMMANDS = {
    "demo": "demo",
    "phantom": "phantom",
    "cohort": "cohort",
    "embed": "embed",
    "align": "align",
    "harden": "harden",
    "audit": "audit",
    "attack": "attack",
    "compare": "compare",
    "utility": "utility",
    "retrieve": "retrieve",
    "map": "map",
    "report": "report",
    "privacy": "privacy",
    "heads": "heads",
    "export": "export",
    "models": "models",
    "schema": "schema",
}
"""The commands in the order of the help, and the module of each."""


class _Commands(click.Group):
    """Commands whose modules are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"relinkage.cli.{COMMANDS[cmd_name]}")
        return next(
            value
            for value in vars(module).values()
            if isinstance(value, click.Command) and value.name == cmd_name
        )


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,  # a call without a command is a mistake: one sentence, like every other
)
@click.version_option(relinkage.__version__, prog_name="relinkage")
def cli() -> None:
    """Measure how well a vision-language model re-links de-identified medical images to their reports."""


def main() -> None:
    """Run the command line: exit 0 done, 1 a check failed, 2 a wrong input, 70 a bug, 130 interrupted."""
    try:
        sys.exit(cli.main(prog_name="relinkage", standalone_mode=False) or 0)
    except InputError as error:
        _fail(error.on_command_line, 2)
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
