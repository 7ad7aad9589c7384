"""Reads a store in a process of its own, which LMDB may end if the file is damaged.

    python -m seldon_core.scheduler.store_child scan FOLDER forwards|backwards
    python -m seldon_core.scheduler.store_child copy FOLDER TARGET

`scan` writes `[key, record]` after `[key, record]` in msgpack to standard output, and nil at the
end; without the nil it did not get to the end. What went wrong is on standard error.
"""

import sys
from pathlib import Path

import msgpack

from seldon_core.errors import StoreError
from seldon_core.scheduler.store_file import copy, scan


def main(arguments: list[str]) -> None:
    """Do what the arguments say; exit with 1 if LMDB reports that it cannot."""
    task, folder, argument = arguments
    try:
        if task == "copy":
            copy(Path(folder), Path(argument))
        else:
            _scan(Path(folder), backwards=argument == "backwards")
    except StoreError as error:
        sys.exit(str(error))


def _scan(folder: Path, *, backwards: bool) -> None:
    out = sys.stdout.buffer
    for item in scan(folder, backwards=backwards):
        out.write(msgpack.packb(item))
        out.flush()  # the next one may be the end of this process
    out.write(msgpack.packb(None))


if __name__ == "__main__":
    main(sys.argv[1:])
