import os
from contextlib import closing
from pathlib import Path

import lmdb
import pytest

from seldon_core.errors import StoreError
from seldon_core.scheduler.store_file import (
    MAP_BYTES,
    StoreFile,
    check_structure,
    copy,
    damaged,
    path_in,
    scan,
    size_of,
)
from tests.support.stored import PAGE, write_page

RECORDS = {b"%03d" % number: b"x" * 500 for number in range(100)}


@pytest.fixture
def folder(tmp_path):
    """A data folder with a store of 100 records."""
    with closing(StoreFile(tmp_path, MAP_BYTES)) as file:
        file.commit([], RECORDS)
    return tmp_path


def items(folder):
    with closing(StoreFile(folder, MAP_BYTES)) as file:
        return dict(file.items())


def test_what_was_put_is_there_and_what_was_deleted_is_not(folder):
    with closing(StoreFile(folder, MAP_BYTES)) as file:
        file.commit([b"001", b"never there"], {b"002": b"two", b"new": b"y" * 100_000})
        wanted = RECORDS | {b"002": b"two", b"new": b"y" * 100_000}
        del wanted[b"001"]
        assert dict(file.items()) == wanted
    assert items(folder) == wanted


def test_the_files_are_their_owners_alone(folder):
    assert path_in(folder).parent.stat().st_mode & 0o777 == 0o700
    assert path_in(folder).stat().st_mode & 0o777 == 0o600


def test_the_address_space_takes_no_room_on_the_disk(folder):
    assert path_in(folder).stat().st_size < 200_000


def test_a_full_map_grows_within_the_write(tmp_path):
    with closing(StoreFile(tmp_path, 16 * PAGE)) as file:
        file.commit([], {b"small": b"1"})
        file.commit([], {b"%d" % number: b"x" * 10_000 for number in range(100)})
        file.commit([], {b"later": b"2"})
    assert len(items(tmp_path)) == 102


def test_a_map_smaller_than_the_file_is_no_hindrance(folder):
    with closing(StoreFile(folder, 4 * PAGE)) as file:
        file.commit([], {b"more": b"x" * 10_000})
        assert len(file.items()) == 101


def test_an_empty_file_is_an_empty_store(tmp_path):
    path_in(tmp_path).parent.mkdir()
    path_in(tmp_path).touch()
    assert items(tmp_path) == {}


def test_what_a_write_refused_leaves_no_trace(folder):
    with closing(StoreFile(folder, MAP_BYTES)) as file:
        with pytest.raises(StoreError, match=r"nothing was changed: .* are free there$"):
            file.commit([b"001"], {b"good": b"1", b"k" * 512: b"too long a key"})
        assert dict(file.items()) == RECORDS
        file.commit([], {b"next": b"1"})
    assert items(folder) == RECORDS | {b"next": b"1"}


@pytest.mark.parametrize("size", [1, 100, PAGE, 2 * PAGE, 5 * PAGE, -1], ids=str)
def test_a_truncated_file_is_refused_with_what_to_do(folder, size):
    os.truncate(path_in(folder), size if size > 0 else path_in(folder).stat().st_size - 1)
    told = (
        rf"^the store in '{folder}/store' is damaged: .*\. "
        rf"`seldon-core store check --data-dir {folder}` tells .*"
        rf"`seldon-core store export --with-secrets --data-dir {folder} models.jsonl` saves .*"
        rf"move '{folder}/store' away.*"
        rf"`seldon-core store import --data-dir {folder} models.jsonl` makes a new one$"
    )
    with pytest.raises(StoreError, match=told):
        items(folder)


@pytest.mark.parametrize("content", [b"", os.urandom(PAGE)], ids=["zeros", "garbage"])
@pytest.mark.parametrize("where", ["first-meta", "second-meta", "root"])
def test_an_overwritten_page_is_refused(folder, where, content):
    with lmdb.open(str(path_in(folder).parent), readonly=True) as environment:
        last = environment.info()["last_pgno"]
    write_page(path_in(folder), {"first-meta": 0, "second-meta": 1, "root": last}[where], content)
    with pytest.raises(StoreError, match="is damaged: "):
        items(folder)


def test_what_is_no_lmdb_file_is_refused(folder):
    path_in(folder).write_bytes(b"not a store\n" * 1000)
    with pytest.raises(StoreError, match="is damaged: not an LMDB data file"):
        items(folder)


def test_a_garbled_lock_file_of_lmdb_does_no_harm(folder):
    path_in(folder).with_name("lock.mdb").write_bytes(b"garbage" * 1000)
    assert items(folder) == RECORDS


def test_a_store_that_is_a_file_is_named(tmp_path):
    (tmp_path / "store").touch()
    with pytest.raises(StoreError, match=f"^cannot make '{tmp_path}/store': File exists$"):
        items(tmp_path)


def test_the_size_of_what_cannot_be_asked_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"^cannot read '.*/file/below': Not a directory$"):
        size_of(tmp_path / "file" / "below")


def test_a_file_that_is_a_folder_is_named(tmp_path):
    path_in(tmp_path).mkdir(parents=True)
    with pytest.raises(StoreError, match=f"^cannot read '{path_in(tmp_path)}': "):
        items(tmp_path)


def test_a_file_that_lmdb_cannot_open_is_named(folder):
    path_in(folder).with_name("lock.mdb").unlink()
    path_in(folder).with_name("lock.mdb").mkdir()
    with pytest.raises(StoreError, match=f"^cannot read '{path_in(folder)}': .*Is a directory$"):
        items(folder)


@pytest.mark.parametrize("kind", [lmdb.CorruptedError, lmdb.PageNotFoundError], ids=str)
def test_damage_that_only_lmdb_finds_is_damage(folder, monkeypatch, kind):
    def fail(*arguments, **options):
        raise kind("mdb_cursor_get")

    monkeypatch.setattr("lmdb.open", fail)
    with pytest.raises(StoreError, match="is damaged: mdb_cursor_get"):
        items(folder)


def test_damage_is_told_by_its_first_problem_and_how_many_more(tmp_path):
    assert "is damaged: one. `" in str(damaged(tmp_path, ["one"]))
    assert "is damaged: one (and 2 more). `" in str(damaged(tmp_path, ["one", "two", "three"]))


def test_a_scan_yields_every_record_both_ways(folder):
    source = path_in(folder).parent
    forwards = list(scan(source, backwards=False))
    assert dict(forwards) == RECORDS
    assert list(scan(source, backwards=True)) == forwards[::-1]


def test_a_copy_is_sound_and_complete(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("copy")
    copy(path_in(folder).parent, target)
    assert check_structure(target / "data.mdb") == []
    assert dict(scan(target, backwards=False)) == RECORDS


@pytest.mark.parametrize(
    "task",
    [lambda path: list(scan(path, backwards=False)), lambda path: copy(path, path)],
    ids=["scan", "copy"],
)
def test_what_lmdb_cannot_read_is_told(folder, task):
    path_in(folder).write_bytes(b"x" * 10_000)
    with pytest.raises(StoreError, match="MDB_INVALID"):
        task(path_in(folder).parent)


def open_files():
    """What this process holds open; the folder that was listed for this is gone by then."""
    return [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]


@pytest.mark.parametrize("was_begun", [False, True], ids=["new", "begun and never written to"])
def test_a_store_is_durable_with_its_first_write_and_its_names(tmp_path, monkeypatch, was_begun):
    if was_begun:
        items(tmp_path)
    synced = []
    monkeypatch.setattr(
        "os.fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}"))
    )
    with closing(StoreFile(tmp_path, MAP_BYTES)) as file:
        file.items()
        assert synced == []
        file.commit([], {b"first": b"1"})
        file.commit([], {b"second": b"2"})
        assert synced == [f"{tmp_path}/store", str(tmp_path)]
        assert not set(synced) & {str(path.readlink()) for path in open_files()}


def test_a_folder_that_cannot_be_made_durable_changes_nothing(tmp_path, monkeypatch):
    def fail(file):
        raise OSError(5, "Input/output error")

    with closing(StoreFile(tmp_path, MAP_BYTES)) as file:
        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(StoreError, match=r"nothing was changed: .*Input/output error; "):
            file.commit([], {b"first": b"1"})
        monkeypatch.undo()
        assert file.items() == []
        file.commit([], {b"second": b"2"})
    assert items(tmp_path) == {b"second": b"2"}


class Panicking:
    """An environment after a failed write of a meta page: it does nothing any more."""

    def begin(self, **options):
        raise lmdb.PanicError("mdb_txn_begin")

    def close(self):
        pass


def test_an_environment_that_gave_up_is_opened_anew(folder):
    with closing(StoreFile(folder, MAP_BYTES)) as file:
        file._environment = Panicking()
        with pytest.raises(StoreError, match="nothing was changed: mdb_txn_begin"):
            file.commit([], {b"lost": b"1"})
        file.commit([], {b"kept": b"1"})
    assert items(folder) == RECORDS | {b"kept": b"1"}


def test_a_store_that_others_could_read_is_closed_to_them(tmp_path):
    store = tmp_path / "store"
    store.mkdir(mode=0o755)
    file = StoreFile(tmp_path, 1 << 20)
    assert file.items() == []
    file.close()
    assert store.stat().st_mode & 0o777 == 0o700


def test_a_store_that_is_anothers_stays_as_it_is(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(1, "Operation not permitted")

    store = tmp_path / "store"
    store.mkdir(mode=0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    file = StoreFile(tmp_path, 1 << 20)
    assert file.items() == []
    file.close()
    assert store.stat().st_mode & 0o777 == 0o755
