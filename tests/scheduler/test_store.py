import asyncio
import os
import random
import resource
import subprocess
import sys
import threading
import zlib
from contextlib import closing
from dataclasses import replace

import msgpack
import psutil
import pytest

from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.store import open_store
from seldon_core.scheduler.store_file import MAP_BYTES, StoreFile, path_in
from seldon_core.scheduler.store_records import HEAD_KEY, encode_record, record_key
from tests.support.stored import keep, kept, stored

A, B, C = stored("a"), stored("b"), stored("c")


def names(folder):
    return [model.name for model in kept(folder)]


def put(folder, records):
    """Write records that the store itself would not write."""
    with closing(StoreFile(folder, MAP_BYTES)) as file:
        file.commit([], records)


def test_models_come_back_in_the_order_of_their_first_declaration(tmp_path):
    keep(tmp_path, ([C, A], [], 1.0), ([B], [], 2.0), ([replace(A, deleted_at=3.0)], [], 3.0))
    assert kept(tmp_path) == (C, replace(A, deleted_at=3.0), B)


def test_a_dropped_model_is_gone_and_comes_last_when_it_is_declared_again(tmp_path):
    keep(tmp_path, ([A, B, C], [], 1.0), ([], [(Kind.MODEL, "a"), (Kind.MODEL, "nobody")], 2.0))
    assert names(tmp_path) == ["b", "c"]
    keep(tmp_path, ([A], [], 3.0), ([B], [(Kind.MODEL, "b")], 4.0))
    assert names(tmp_path) == ["c", "a", "b"]


def test_of_two_values_in_one_write_the_last_is_kept(tmp_path):
    later = stored("a", (1, 2))
    keep(tmp_path, ([A, B, later], [], 1.0))
    assert kept(tmp_path) == (later, B)


def test_a_model_whose_namespace_changes_is_kept_once_in_its_place(tmp_path):
    moved, again = stored("a", namespace="ns"), stored("a", namespace="other")
    keep(tmp_path, ([A, B], [], 1.0), ([moved, again], [], 2.0))
    assert kept(tmp_path) == (again, B)


def test_the_newest_time_of_all_writes_is_known(tmp_path):
    async def run():
        async with open_store(tmp_path) as store:
            assert (store.models, store.last_now) == ((), 0.0)
            await store.write([A], [], 50.0)
            await store.write([B], [], 20.0)
        async with open_store(tmp_path) as store:
            assert store.last_now == 50.0
            await store.write([], ["a"], 30.0)
        async with open_store(tmp_path) as store:
            assert store.last_now == 50.0

    asyncio.run(run())


def test_writes_that_nobody_awaits_in_turn_happen_in_their_order(tmp_path):
    async def run():
        async with open_store(tmp_path) as store, asyncio.TaskGroup() as group:
            for number in range(1, 20):
                group.create_task(store.write([stored("a", (number,))], [], float(number)))

    asyncio.run(run())
    assert kept(tmp_path) == (stored("a", (19,)),)


def test_a_write_under_way_at_the_end_is_waited_for(tmp_path, monkeypatch):
    begun, go_on, commit = threading.Event(), threading.Event(), StoreFile.commit

    def wait_and_commit(self, gone, records):
        begun.set()
        assert go_on.wait(10)
        commit(self, gone, records)

    monkeypatch.setattr(StoreFile, "commit", wait_and_commit)

    async def run():
        async with open_store(tmp_path) as store:
            write = asyncio.ensure_future(store.write([A], [], 1.0))
            while not begun.is_set():
                await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.05, go_on.set)
        await write

    asyncio.run(run())
    assert kept(tmp_path) == (A,)


def test_a_model_that_cannot_be_kept_leaves_everything_as_it_was(tmp_path):
    async def run():
        async with open_store(tmp_path) as store:
            await store.write([A], [], 1.0)
            with pytest.raises(StoreError, match="model 'b' cannot be kept: "):
                await store.write([C, replace(B, fallback=9)], ["a"], 2.0)
            await store.write([B], [], 3.0)

    asyncio.run(run())
    assert names(tmp_path) == ["a", "b"]


def test_a_folder_is_held_until_the_store_is_closed(tmp_path):
    async def run():
        async with open_store(tmp_path):
            with pytest.raises(StoreError, match=f"is in use by process {os.getpid()}: stop it"):
                async with open_store(tmp_path):
                    pass
        async with open_store(tmp_path):
            pass

    asyncio.run(run())


def test_another_process_does_not_write_to_it(tmp_path, monkeypatch):
    async def run():
        async with open_store(tmp_path) as store:
            ours = os.getpid()
            monkeypatch.setattr("os.getpid", lambda: 4_000_000)
            told = f"^process 4000000 cannot write to the store that process {ours} opened: "
            with pytest.raises(StoreError, match=told):
                await store.write([A], [], 1.0)
            monkeypatch.undo()

    asyncio.run(run())
    assert kept(tmp_path) == ()


def newer(key):
    body = msgpack.packb([2, {}])
    return {key: zlib.crc32(key + body).to_bytes(4, "big") + body}


@pytest.mark.parametrize("key", [HEAD_KEY, b"model/default/b", b"gateway/default/s"], ids=repr)
def test_a_store_of_a_newer_version_is_refused_with_what_to_do(tmp_path, key):
    keep(tmp_path, ([A], [], 1.0))
    put(tmp_path, newer(key) if key != b"gateway/default/s" else {key: b""})
    told = (
        rf"^the store in '{tmp_path}/store' was written by a newer version of this program: "
        rf"{key.decode()}: .*\. Start that version, or choose another folder with --data-dir$"
    )
    with pytest.raises(StoreError, match=told):
        kept(tmp_path)


def test_a_damaged_record_is_refused_by_its_key_with_what_to_do(tmp_path):
    keep(tmp_path, ([A, B], [], 1.0))
    put(tmp_path, {b"model/default/b": b"??"})
    told = (
        r"is damaged: model/default/b: its checksum is wrong: its bytes are not those that were "
        rf"written\. `seldon-core store check --data-dir {tmp_path}` tells all"
    )
    with pytest.raises(StoreError, match=told):
        kept(tmp_path)


def test_a_flipped_bit_in_the_file_is_noticed(tmp_path):
    keep(tmp_path, ([stored("a", uri="/models/xyzzy")], [], 1.0))
    content = path_in(tmp_path).read_bytes()
    path_in(tmp_path).write_bytes(content.replace(b"xyzzy", b"xyzzx"))
    with pytest.raises(StoreError, match="model/default/a: its checksum is wrong"):
        kept(tmp_path)


def test_more_than_one_problem_is_counted(tmp_path):
    keep(tmp_path, ([A, B], [], 1.0))
    put(tmp_path, {b"model/default/a": b"", b"model/default/b": b""})
    with pytest.raises(StoreError, match=r"were written \(and 1 more\)\. "):
        kept(tmp_path)


def test_a_second_record_of_a_model_is_damage(tmp_path):
    keep(tmp_path, ([A], [], 1.0))
    twin = stored("a", namespace="ns")
    put(tmp_path, {record_key(twin): encode_record(record_key(twin), 5, twin)})
    with pytest.raises(StoreError, match="model/ns/a: it is a second record of model 'a'"):
        kept(tmp_path)


NUMBERS = """
import asyncio, sys
from pathlib import Path
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.store import open_store
from tests.support.stored import stored

async def run():
    async with open_store(Path(sys.argv[1])) as store:
        number = 1 + max((int(model.name) for model in store.models), default=0)
        while True:
            gone = (Kind.MODEL, str(number - 40))
            await store.write([stored(str(number))], [gone], float(number))
            print(number, flush=True)
            number += 1

asyncio.run(run())
"""


def test_what_was_written_outlives_a_kill_at_any_moment(tmp_path):
    dice = random.Random(7)
    for _ in range(8):
        command = [sys.executable, "-c", NUMBERS, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(dice.randrange(1, 150)):
                last = int(writer.stdout.readline())
            writer.kill()
            for line in writer.stdout:
                last = int(line)
        found = [int(name) for name in names(tmp_path)]
        assert found[-1] >= last
        assert found == list(range(max(1, found[-1] - 39), found[-1] + 1))


FULL = """
import asyncio, sys
from pathlib import Path
from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.store import open_store
from tests.support.stored import stored

async def run():
    async with open_store(Path(sys.argv[1])) as store:
        await store.write([stored("first")], [], 1.0)
        print("written", flush=True)
        input()
        number = 0
        try:
            while True:
                group = [stored(f"{number}-{each}", range(1, 9)) for each in "abc"]
                await store.write(group, [], 2.0)
                number += 1
        except StoreError as error:
            print(number, error, flush=True)
        try:
            await store.write([stored("no-room", range(1, 99))], [], 3.0)
        except StoreError:
            print("again", flush=True)
        input()
        await store.write([stored("after")], [], 4.0)
        print("done", flush=True)

asyncio.run(run())
"""


def fill(folder, take_room, give_room):
    """Have another process write until there is no room, then once more when there is."""
    command = [sys.executable, "-c", FULL, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:

        def say():
            writer.stdin.write("\n")
            writer.stdin.flush()

        assert writer.stdout.readline() == "written\n"
        take_room(writer.pid)
        say()
        groups, error = writer.stdout.readline().split(" ", 1)
        assert writer.stdout.readline() == "again\n"
        give_room(writer.pid)
        say()
        assert writer.stdout.readline() == "done\n"
    found = names(folder)
    written = [f"{number}-{each}" for number in range(int(groups)) for each in "abc"]
    assert found == ["first", *written, "after"]
    return error


def limit(nbytes):
    return lambda pid: psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE, (nbytes, -1))


@pytest.mark.parametrize("nbytes", [5000, 16_384, 300_000], ids=str)
def test_a_write_beyond_the_largest_file_changes_nothing_and_the_next_one_works(tmp_path, nbytes):
    error = fill(tmp_path, limit(nbytes), limit(-1))
    assert error.startswith(f"cannot write to '{path_in(tmp_path)}', nothing was changed: mdb_")
    assert error.endswith(" are free there\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_write_to_a_full_disk_changes_nothing_and_the_next_one_works(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    try:
        ballast = disk / "ballast"
        error = fill(
            disk, lambda pid: ballast.write_bytes(b"x" * 100_000), lambda pid: ballast.unlink()
        )
        assert "nothing was changed: mdb_txn_commit: " in error
        assert error.endswith("; 0 bytes are free there\n")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


MEMORY = """
import asyncio, sys
from pathlib import Path
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.store import open_store
from tests.support.stored import stored

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

async def run():
    await asyncio.get_running_loop().run_in_executor(None, resident)
    before = resident()
    async with open_store(Path(sys.argv[1])) as store:
        await store.write([stored("iris")], [], 1.0)
        print(resident() - before)

asyncio.run(run())
"""


def test_an_open_store_takes_little_memory(tmp_path):
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(grown) < 2048  # KiB
