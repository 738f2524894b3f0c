"""The command line: thin, one function a command; `main` turns what goes wrong into one sentence."""

import os
import re
import sys
import unicodedata
from importlib import import_module
from typing import NoReturn

import click

import relinkage
from relinkage.errors import InputError, SeveralFaultsError
from relinkage.progress import say

COMMANDS = {
    "demo": "demo",
    "phantom": "phantom",
    "cohort": "cohort",
    "embed": "embed",
    "align": "align",
    "harden": "harden",
    "defend": "defend",
    "audit": "audit",
    "attack": "attack",
    "compare": "compare",
    "utility": "utility",
    "retrieve": "retrieve",
    "map": "map",
    "page": "page",
    "card": "card",
    "check": "check",
    "run": "run",
    "privacy": "privacy",
    "memorisation": "memorisation",
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
        status = _command_line()
        sys.stdout.flush()  # here, where it can still be said that this failed
        sys.exit(status)
    except SeveralFaultsError as error:
        say(*(f"relinkage: {fault}" for fault in error.faults))
        sys.exit(2)
    except InputError as error:
        _fail(error.on_command_line, 2)
    except click.UsageError as error:
        told = re.split(r" \(?Did you mean", error.format_message())[0].rstrip(".")
        _fail(f"{told}; see `{error.ctx.command_path if error.ctx else 'relinkage'} --help`.", 2)
    except (click.Abort, KeyboardInterrupt):
        _fail("Interrupted; nothing half-written is left, and the same command starts again.", 130)
    except MemoryError:
        _fail("There is not enough memory; close other programs or audit a smaller split.", 2)
    except UnicodeEncodeError as error:
        sign = error.object[error.start]
        if unicodedata.category(sign) == "Cs":  # half a character, made of bytes that are no text
            _fail("A path or an id is not valid Unicode; rename the file, or write its table in UTF-8.", 2)
        _fail(f"Standard output takes no {sign!a}; set PYTHONIOENCODING=utf-8.", 2)
    except BrokenPipeError:
        _fail("Who reads the output closed it before all was written; read it to its end.", 2)
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


def _command_line() -> int:
    try:
        return cli.main(prog_name="relinkage", standalone_mode=False) or 0
    except SystemExit:  # click's, and it would say 1, which is a check that failed
        raise BrokenPipeError from None


def _fail(message: str, status: int) -> NoReturn:
    say(f"relinkage: {message}")
    sys.exit(status)
