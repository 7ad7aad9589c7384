import io

import msgpack
import pytest

from seldon_core.scheduler.store_child import main
from seldon_core.scheduler.store_file import check_structure, path_in, scan
from tests.support.stored import keep, stored


@pytest.fixture
def source(tmp_path):
    """The folder of an LMDB environment that holds three records."""
    keep(tmp_path, ([stored("a"), stored("b")], [], 1.0))
    return path_in(tmp_path).parent


@pytest.mark.parametrize(
    ("direction", "keys"),
    [
        ("forwards", [b"model/default/a", b"model/default/b", b"store"]),
        ("backwards", [b"store", b"model/default/b", b"model/default/a"]),
    ],
)
def test_a_scan_writes_every_record_and_an_end(source, capfdbinary, direction, keys):
    main(["scan", str(source), direction])
    *records, end = msgpack.Unpacker(io.BytesIO(capfdbinary.readouterr().out))
    assert [key for key, _ in records] == keys
    assert dict(records) == dict(scan(source, backwards=False))
    assert end is None


def test_a_copy_is_as_sound_as_what_it_is_of(source, tmp_path_factory):
    target = tmp_path_factory.mktemp("copy")
    main(["copy", str(source), str(target)])
    assert check_structure(target / "data.mdb") == []
    assert dict(scan(target, backwards=False)) == dict(scan(source, backwards=False))


def test_what_lmdb_reports_is_the_last_word(source):
    (source / "data.mdb").write_bytes(b"x" * 9000)
    with pytest.raises(SystemExit, match="MDB_INVALID"):
        main(["scan", str(source), "forwards"])
