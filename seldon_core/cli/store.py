"""`seldon-core store check | export | import`."""

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from seldon_core.cli.data_folder import locate
from seldon_core.cli.output import say, say_warning
from seldon_core.config.load import load_settings
from seldon_core.config.sizes import describe_bytes
from seldon_core.errors import StoreError
from seldon_core.scheduler.events import restored_event
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import is_confidential
from seldon_core.scheduler.store import open_store
from seldon_core.scheduler.store_contents import Contents
from seldon_core.scheduler.store_export import Export, read_export, write_export
from seldon_core.scheduler.store_inspect import Inspection, inspect_store
from seldon_core.scheduler.store_records import SCHEMA


def run_check(data_dir: str | None) -> None:
    """Print what is in the store and all that is wrong with it.

    Raises StoreError if anything is, or there is no store.
    """
    inspection = inspect_store(_data_folder(data_dir))
    contents = inspection.contents
    versions = sum(len(model.versions) for model in contents.models)
    say(f"store     {inspection.path}, {describe_bytes(inspection.nbytes)}")
    say(f"schema    {contents.schema or 'unknown'}; up to {SCHEMA} can be read")
    say(f"written   {_time(contents.last_now)}")
    say(
        f"records   {contents.records}, {describe_bytes(contents.nbytes)}: "
        f"{_models(len(contents.models))} with {versions} versions"
    )
    broken = _broken_rules(contents)
    for sentence in (*_unreadable(inspection), *broken):
        say(f"wrong     {sentence}")
    if broken or not inspection.is_sound:
        raise StoreError(
            f"the store in {str(inspection.path.parent)!r} is not sound; "
            "`seldon-core store --help` tells what can be done"
        )
    say("sound")


def run_export(data_dir: str | None, file: Path | None, with_secrets: bool = False) -> None:
    """Write an export to `file`, standard output if None, and warn of what is not in it.

    Secrets, and a ConfigMap with remotes, are in it only `with_secrets`; then the file is its
    owner's alone. It appears when it is complete. Raises StoreError if something cannot be read, or
    the file cannot be written.
    """
    inspection = inspect_store(_data_folder(data_dir))
    contents = inspection.contents
    stored = [each for each in contents.stored if with_secrets or not is_confidential(each)]
    with _writing(file, is_private=with_secrets) as out:
        for line in write_export(Export(contents.last_now, tuple(stored))):
            out.write(line + "\n")
    if len(stored) < len(contents.stored):
        left_out = _records(len(contents.stored) - len(stored))
        say_warning(f"{left_out} with secrets left out; --with-secrets exports them, too")
    for sentence in _unreadable(inspection):
        say_warning(sentence)
    if not inspection.is_sound:
        raise StoreError(
            f"exported {_models(len(contents.models))}; others, if there were any, cannot be read"
        )


def run_import(data_dir: str | None, file: Path | None) -> None:
    """Fill the store, which must be empty, from `file`, standard input if None.

    Raises StoreError if the store is not empty or cannot be opened, or the export cannot be read.
    """
    name = "standard input" if file is None else str(file)
    try:
        text = (sys.stdin.buffer.read() if file is None else file.read_bytes()).decode()
        export = read_export(text.split("\n"))
    except OSError as error:
        raise StoreError(f"cannot read {name}: {error.strerror}") from error
    except (UnicodeDecodeError, StoreError) as error:
        raise StoreError(f"{name}: {error}") from error
    folder = _data_folder(data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    asyncio.run(_fill(folder, export))
    say(f"imported {_models(len(export.models))} into {folder}")


async def _fill(folder: Path, export: Export) -> None:
    async with open_store(folder) as store:
        if store.stored:
            raise StoreError(
                f"the store in {str(folder)!r} holds {_records(len(store.stored))}, and only an "
                "empty one is filled; move its folder 'store' away, or name another data folder "
                "with --data-dir"
            )
        await store.write(export.stored, (), export.now)


def _data_folder(given: str | None) -> Path:
    flags = {} if given is None else {"data.dir": given}
    return locate(load_settings(None, os.environ, flags).settings.data.dir).resolve()


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _time(seconds: float) -> str:
    if not seconds:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _unreadable(inspection: Inspection) -> Iterable[str]:
    yield from inspection.problems
    for bad in inspection.contents.bad:
        yield f"{bad.key}: {bad.problem}"


def _broken_rules(contents: Contents) -> list[str]:
    """Return what the scheduler would find wrong with these records together."""
    machine = SchedulerMachine()
    for stored in contents.stored:
        machine.handle(restored_event(contents.last_now, stored))
    return violations(machine.state)


@contextmanager
def _writing(file: Path | None, *, is_private: bool) -> Iterator[TextIO]:
    if file is None:
        try:
            # Not sys.stdout itself, which would try once more at exit and end in a traceback.
            with open(sys.stdout.fileno(), "w", closefd=False) as out:
                yield out
        except BrokenPipeError:
            raise  # who reads has had enough
        except OSError as error:
            raise StoreError(f"cannot write to standard output: {error.strerror}") from error
        return
    part = file
    try:
        if file.is_file() or not file.exists():  # a pipe or a device is written to as it is
            file = file.resolve()  # and a link stays one
            part = file.with_name(f"{file.name}.{os.getpid()}.part")
        with open(part, "w", opener=_private if is_private else None) as out:
            yield out
        if part != file:
            part.replace(file)
    except OSError as error:
        if part != file:
            part.unlink(missing_ok=True)
        raise StoreError(f"cannot write {str(file)!r}: {error.strerror}") from error


def _private(path: str, flags: int) -> int:
    """Open a file that nobody else may read, if it is made now."""
    return os.open(path, flags, 0o600)
