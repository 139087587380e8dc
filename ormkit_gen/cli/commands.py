"""The command `ormkit`: its subcommands and its exit codes."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import click

from ormkit_gen.cli.check import check, diff
from ormkit_gen.cli.completion import completion
from ormkit_gen.cli.database import database
from ormkit_gen.cli.docs import docs
from ormkit_gen.cli.doctor.command import doctor
from ormkit_gen.cli.generate import generate
from ormkit_gen.cli.init import init
from ormkit_gen.cli.invocation import Invocation, pass_invocation
from ormkit_gen.cli.messages import ERROR, tell_failure
from ormkit_gen.cli.migrate.group import migrate
from ormkit_gen.cli.output import escape_unprintable
from ormkit_gen.cli.pull import pull
from ormkit_gen.cli.schema_json import schema_json
from ormkit_gen.cli.secrets import masked, remember, remember_password
from ormkit_gen.cli.shell import shell
from ormkit_gen.cli.sql import sql
from ormkit_gen.version import ormkit_version

_INTERRUPTED = 130  # 128 + SIGINT, as shells count


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(ormkit_version(), prog_name="ormkit")
@click.option("--debug", is_flag=True, help="Add the traceback to an error.")
@pass_invocation
def ormkit(invocation: Invocation, debug: bool) -> None:
    """Generate typed Python code for PostgreSQL from a schema.

    \b
    Start a project:
      ormkit init blog      create the directory blog with a small project
      cd blog
      python main.py        start PostgreSQL, create the tables, run the program

    \b
    After each change of the schema:
      ormkit generate       update the generated code
    """
    invocation.wants_traceback |= debug


COMMANDS = (
    *(init, pull, generate, check, diff, migrate, sql, docs, schema_json),
    *(doctor, shell, database, completion),
)
for command in COMMANDS:
    ormkit.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run a command line. Return its exit code: 0, 1 if the code is out of date, 2 for an error."""
    escape_unprintable()
    remember(*arguments, os.environ.get("DATABASE_URL"))
    remember_password(os.environ.get("PGPASSWORD"))
    invocation = Invocation(wants_traceback=bool(os.environ.get("ORMKIT_DEBUG")))
    try:
        return ormkit.main(list(arguments), "ormkit", standalone_mode=False, obj=invocation) or 0
    except click.ClickException as error:
        # It repeats what was given, which may be a URL.
        said = io.StringIO()
        error.show(said)
        click.echo(masked(said.getvalue()), err=True, nl=False)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except ModuleNotFoundError:
        raise
    except Exception as error:
        tell_failure(error, invocation)
    return ERROR
