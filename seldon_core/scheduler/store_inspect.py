"""Reads a store as far as it can be read, damaged or not, at rest or written to meanwhile.

LMDB does it in a process of its own, so that a crash is one more finding.
"""

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgpack

from seldon_core.errors import StoreError
from seldon_core.scheduler.store_contents import Contents, read_records
from seldon_core.scheduler.store_file import check_structure, path_in, size_of


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in the store at `path`, a file of `nbytes`.

    `problems` are those of the file; those of single records are in `contents`.
    """

    path: Path
    nbytes: int
    problems: tuple[str, ...]
    contents: Contents

    @property
    def is_sound(self) -> bool:
        """Whether everything can be read."""
        return not self.problems and not self.contents.bad


def inspect_store(folder: Path) -> Inspection:
    """Read the store of a data folder, which it leaves as it is. Blocks.

    Raises StoreError if there is none, or its file cannot be opened at all.
    """
    path = path_in(folder)
    nbytes = size_of(path)
    if not nbytes:
        raise StoreError(
            f"there is no store in {str(folder)!r}: nothing was kept there yet. "
            "Name another data folder with --data-dir"
        )
    with TemporaryDirectory(prefix="seldon-core-store-") as temporary:
        source = path.parent
        problems = check_structure(path)
        if problems and not _ask("copy", source, temporary)[1]:
            # Somebody may have written to it meanwhile; a copy stands still.
            source = Path(temporary)
            problems = check_structure(source / path.name)
        records, unread = _read(source)
    contents = read_records(sorted(records.items()))
    return Inspection(path, nbytes, (*problems, *unread), contents)


def _read(source: Path) -> tuple[dict[bytes, bytes], list[str]]:
    """Return the records, and why there may be more of them."""
    records: dict[bytes, bytes] = {}
    unread = []
    for direction in ("forwards", "backwards"):
        output, fault = _ask("scan", source, direction)
        for item in msgpack.Unpacker(io.BytesIO(output)):
            if item is None:
                return records, []
            records[item[0]] = item[1]
        unread.append(f"reading it {direction} did not get to the end: {fault}")
    return records, unread


def _ask(task: str, source: Path, argument: str) -> tuple[bytes, str]:
    """Return the standard output of a child, and why it failed, "" if it did not."""
    command = [sys.executable, "-P", "-m", "seldon_core.scheduler.store_child"]
    done = subprocess.run(
        [*command, task, str(source), argument],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},  # it finds what this one found
    )
    if done.returncode < 0:
        return done.stdout, f"the process was ended by {signal.Signals(-done.returncode).name}"
    return done.stdout, done.stderr.decode(errors="replace").strip() if done.returncode else ""
