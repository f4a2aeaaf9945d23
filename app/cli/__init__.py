"""recuento: the command line. The exit status is 0 only if everything worked; an error is one line on stderr.

A command's module is imported when the command runs, so that `recuento --help` is fast.
"""

import os
import resource
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

# Command → its module in this package, and the first sentences of its help.
COMMANDS = {
    "serve": ("serve", "Bring the database to the newest schema, then serve."),
    "demo": ("serve", "Replay January 2026: real published figures, invented people."),
    "source": ("directory", "Sources: who reports and who claims."),
    "key": ("keys", "Keys: who may write, and who sees restricted fields."),
    "facility": ("directory", "Facilities: where people are held."),
    "import": (
        "imports",
        "File a list as a source's reports: here as --source, or --to a registry elsewhere, over whatever line there "
        "is.",
    ),
    "match": (
        "match",
        "Lay a list beside another, or beside the registry: on both, likely, mine only, theirs only. Stores nothing.",
    ),
    "template": ("match", "Write a workbook that a field office can fill in and send back as a list."),
    "export": (
        "export",
        "Write all public releases, everything public into a folder, or a source's own reports.",
    ),
    "files": ("export", "Count files: everything that public counts read, for whoever counts elsewhere."),
    "estimate": (
        "estimate",
        "Estimate how many people no list has seen. A refusal with its reason is an answer too.",
    ),
    "review": ("review", "Reports that no curator has reviewed: list the batches, approve or reject one."),
    "status": (
        "maintenance",
        "Say how far the registry has come, what waits for a curator, and what somebody should look at.",
    ),
    "rebuild": (
        "maintenance",
        "Make every row anew from the log and the sealed values, under this version's rules. Under unchanged rules the "
        "rows are the same as before; rows of earlier rules are archived first.",
    ),
    "grants": (
        "maintenance",
        "Print the SQL that lets a role serve a PostgreSQL database without being able to rewrite its log.",
    ),
    "clock": (
        "maintenance",
        "Say what this machine's clock, the database's and the last entry say. With --pin go on after an entry that "
        "was dated ahead: what follows is dated just after it, until the clock has come that far.",
    ),
    "freeze": (
        "maintenance",
        "Freeze the registry until --end: refuse everything that does not hide, erase or revoke, except objections.",
    ),
    "backup": (
        "backup",
        "Write the database into a new file, as it stands at this moment, also while a server works on it.",
    ),
    "restore": (
        "backup",
        "Put a backup in the place of the database, which nobody may have open, or accept what a database that was put "
        "back has lost. Whoever was erased since the backup was made is erased again.",
    ),
    "openapi": ("serve", "Print the OpenAPI document of reading and reporting."),
}


PRIVATE_UMASK = 0o077  # others may neither read nor write files made here, nor list folders


class CommandGroup(TyperGroup):
    """The commands by name and help; a command's module is imported when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _placeholder, rest = super().resolve_command(ctx, args)
        return name, load_command(str(name)), rest


def load_command(name: str) -> Any:
    """Load a command, or a group of commands."""
    module, _help = COMMANDS[name]
    return get_group(import_module(f"app.cli.{module}").commands).commands[name]


cli = CommandGroup(
    name="recuento",
    help="A registry of political prisoners that anyone can count from.",
    no_args_is_help=True,
    commands=[TyperCommand(name, help=text) for name, (_module, text) in COMMANDS.items()],
)


def main() -> None:
    """Run a command. Every foreseeable failure becomes one line and status 1, or 2 for a wrong command."""
    _protect_process_data()
    try:
        # Not standalone: a usage error is printed below, in one line without a box.
        sys.exit(cli.main(prog_name="recuento", standalone_mode=False))
    except typer.TyperException as error:
        print(f"recuento: {error.format_message()}", file=sys.stderr)  # noqa: T201 - this is the output
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except Exception as error:
        line = import_module("app.cli.output").describe_failure(error)
        if line is None:
            raise
        print(f"recuento: {line}", file=sys.stderr)  # noqa: T201 - this is the output
        sys.exit(1)


def _protect_process_data() -> None:
    """Make files of this process and its children private, and write no core dumps, which would contain what was in
    memory."""
    os.umask(PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
