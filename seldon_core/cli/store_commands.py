"""`seldon-core store`: its commands and their options."""

from pathlib import Path

import click

from seldon_core.cli.groups import SuggestingGroup

_DATA_DIR = click.option(
    "--data-dir",
    metavar="DIR",
    help="Folder of all state.  [default: data.dir, else the user's data folder]",
)


@click.group(cls=SuggestingGroup, no_args_is_help=True)
def store() -> None:
    """Look after what the scheduler keeps across restarts: all that was declared.

    They are in the folder `store` of the data folder. If a start says that it is damaged:

    \b
      seldon-core store check                    what is wrong
      seldon-core store export --with-secrets models.jsonl
                                                 save what can be read
      mv DIR/store DIR/store.damaged             DIR: the data folder, which the start has named
      seldon-core store import models.jsonl      make a new one of it
    """


@store.command()
@_DATA_DIR
def check(data_dir: str | None) -> None:
    """Tell what is in the store, and all that is wrong.

    Nothing is changed, and a process may use the store meanwhile. The exit code is 0 if everything
    is sound, else 1.

    \b
    Examples:
      seldon-core store check
      seldon-core store check --data-dir /var/lib/seldon
    """
    from seldon_core.cli.store import run_check

    run_check(data_dir)


@store.command()
@_DATA_DIR
@click.option("--with-secrets", is_flag=True, help="Export Secrets, too, readable as they are.")
@click.argument("file", default="-", metavar="[FILE|-]")
def export(data_dir: str | None, with_secrets: bool, file: str) -> None:
    """Write what is declared to FILE as JSON lines.

    Without FILE it goes to standard output. The first line names the format, each other one is a
    model, or something else that is declared. Secrets, and a ConfigMap that defines remotes, are
    left out unless they are asked for. A process may use the store meanwhile. What cannot be read
    is told on standard error, and the exit code is then 1.

    \b
    Examples:
      seldon-core store export models.jsonl
      seldon-core store export --with-secrets all.jsonl
      seldon-core store export --data-dir /var/lib/seldon | gzip > models.jsonl.gz
    """
    from seldon_core.cli.store import run_export

    run_export(data_dir, None if file == "-" else Path(file), with_secrets)


@store.command("import")
@_DATA_DIR
@click.argument("file", metavar="FILE|-")
def import_(data_dir: str | None, file: str) -> None:
    """Fill an empty store with what is in an export.

    All of them or none; the export may be an older version's. The process that uses the data folder
    must be stopped first.

    \b
    Examples:
      seldon-core store import models.jsonl
      gunzip < models.jsonl.gz | seldon-core store import --data-dir /var/lib/seldon -
    """
    from seldon_core.cli.store import run_import

    run_import(data_dir, None if file == "-" else Path(file))
