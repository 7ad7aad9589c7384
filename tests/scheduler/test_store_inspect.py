import os
import subprocess
import sys

import pytest

from seldon_core.errors import StoreError
from seldon_core.scheduler import store_inspect
from seldon_core.scheduler.store_file import path_in
from seldon_core.scheduler.store_inspect import inspect_store
from tests.support.stored import PAGE, keep, kept, stored, write_page

MANY = [stored(f"m{number:03}", (1, 2, 3)) for number in range(100)]


def test_a_sound_store_is_read_and_left_as_it_is(tmp_path):
    keep(tmp_path, ([stored("b"), stored("a")], [], 7.0))
    before = path_in(tmp_path).read_bytes()
    inspection = inspect_store(tmp_path)
    assert inspection.is_sound
    assert inspection.problems == ()
    assert inspection.path == path_in(tmp_path)
    assert inspection.nbytes == len(before)
    assert inspection.contents.models == (stored("b"), stored("a"))
    assert inspection.contents.last_now == 7.0
    assert path_in(tmp_path).read_bytes() == before


def test_a_folder_without_a_store_is_named(tmp_path):
    with pytest.raises(StoreError, match=f"^there is no store in '{tmp_path}': nothing was kept"):
        inspect_store(tmp_path)


def test_a_store_that_was_never_written_to_is_none(tmp_path):
    path_in(tmp_path).parent.mkdir()
    path_in(tmp_path).touch()
    with pytest.raises(StoreError, match="there is no store in "):
        inspect_store(tmp_path)


def test_a_store_that_cannot_be_reached_is_named(tmp_path):
    (tmp_path / "store").touch()
    with pytest.raises(StoreError, match=f"^cannot read '{path_in(tmp_path)}': Not a directory$"):
        inspect_store(tmp_path)


def pages_with(path, text):
    """The pages of a file that hold a text."""
    content = path.read_bytes()
    return [
        start // PAGE
        for start in range(0, len(content), PAGE)
        if text in content[start : start + PAGE]
    ]


def test_a_lost_page_loses_the_records_on_it_and_no_others(tmp_path):
    keep(tmp_path, (MANY, [], 7.0))
    (page,) = pages_with(path_in(tmp_path), b"model/default/m050")
    write_page(path_in(tmp_path), page, b"")
    inspection = inspect_store(tmp_path)
    found = [model.name for model in inspection.contents.models]
    assert 0 < 100 - len(found) < 10
    assert found == [model.name for model in MANY if model.name in found]
    assert "m050" not in found
    assert not inspection.is_sound
    assert f"main DB: page {page} stores mp_pgno 0" in inspection.problems
    *_, forwards, backwards = inspection.problems
    assert forwards.startswith("reading it forwards did not get to the end: ")
    assert backwards.startswith("reading it backwards did not get to the end: ")


def test_a_bad_record_is_told_and_the_others_are_read(tmp_path):
    keep(tmp_path, ([stored("a", uri="/models/xyzzy"), stored("b")], [], 7.0))
    content = path_in(tmp_path).read_bytes()
    path_in(tmp_path).write_bytes(content.replace(b"xyzzy", b"xyzzx"))
    inspection = inspect_store(tmp_path)
    assert inspection.problems == ()
    assert not inspection.is_sound
    assert [record.key for record in inspection.contents.bad] == ["model/default/a"]
    assert inspection.contents.models == (stored("b"),)


@pytest.mark.parametrize("size", [1, 3 * PAGE + 5], ids=["no-meta", "most-pages-gone"])
def test_a_truncated_store_is_told(tmp_path, size):
    keep(tmp_path, (MANY, [], 7.0))
    os.truncate(path_in(tmp_path), size)
    inspection = inspect_store(tmp_path)
    assert not inspection.is_sound
    assert len(inspection.problems) >= 2


def test_the_signal_that_ends_the_reading_is_told(tmp_path, monkeypatch):
    keep(tmp_path, ([stored("a")], [], 7.0))
    crash = tmp_path / "crash"
    crash.write_text("#!/bin/sh\nkill -BUS $$\n")
    crash.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(crash))
    assert inspect_store(tmp_path).problems == (
        "reading it forwards did not get to the end: the process was ended by SIGBUS",
        "reading it backwards did not get to the end: the process was ended by SIGBUS",
    )


WRITER = """
import asyncio, sys
from pathlib import Path
from seldon_core.scheduler.store import open_store
from tests.support.stored import stored

async def run():
    number = 0
    async with open_store(Path(sys.argv[1])) as store:
        while True:
            await store.write([stored(f"m{number % 300}", range(1, 9))], [f"m{number % 299}"], 1.0)
            number += 1
            if number == 300:
                print("begun", flush=True)

asyncio.run(run())
"""


def test_a_store_that_a_process_writes_to_is_sound(tmp_path, monkeypatch):
    looks = []

    def look(path):
        looks.append(path)
        # A walk through a file while it changes finds things like this.
        return ["page 7 is reachable more than once"] if path == path_in(tmp_path) else check(path)

    check = store_inspect.check_structure
    monkeypatch.setattr(store_inspect, "check_structure", look)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout.readline() == "begun\n"
            for _ in range(3):
                inspection = inspect_store(tmp_path)
                assert inspection.is_sound, inspection.problems
                assert len(inspection.contents.models) > 100
        finally:
            writer.kill()
    assert len(looks) == 6
    assert len(kept(tmp_path)) > 100
