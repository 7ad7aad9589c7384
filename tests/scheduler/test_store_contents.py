import zlib

import msgpack
import pytest

from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.store_contents import BadRecord, Contents, Place, read_records
from seldon_core.scheduler.store_records import HEAD_KEY, encode_head, encode_record, record_key
from tests.support.stored import stored

HEAD = (HEAD_KEY, encode_head(50.0))


def item(model, order=0, key=None):
    key = key or record_key(model)
    return key, encode_record(key, order, model)


def newer(key):
    body = msgpack.packb([9, None])
    return key, zlib.crc32(key + body).to_bytes(4, "big") + body


def test_nothing_is_an_empty_store():
    assert read_records([]) == Contents((), {}, 0, 0.0, (), 0, 0)


def test_models_come_in_the_order_of_their_declaration():
    models = [stored("b"), stored("c"), stored("a")]
    items = [item(model, order) for order, model in enumerate(models)]
    contents = read_records([HEAD, *sorted(items)])
    assert contents.models == tuple(models)
    assert contents.places[Kind.MODEL, "c"] == Place(b"model/default/c", 1)
    assert (contents.schema, contents.last_now, contents.bad) == (1, 50.0, ())
    assert contents.records == 4
    assert contents.nbytes == sum(len(record) for _, record in [HEAD, *items])


def test_a_head_alone_is_a_store_that_lost_its_last_model():
    contents = read_records([HEAD])
    assert (contents.models, contents.schema, contents.bad) == ((), 1, ())


@pytest.mark.parametrize(
    ("bad", "problem", "is_newer"),
    [
        ((b"model/default/a", b""), "its checksum is wrong", False),
        ((b"\xff", b""), "keeps nothing of that kind", True),
        (newer(b"model/default/a"), "it has schema 9", True),
        ((b"gateway/default/a", b""), "keeps nothing of that kind", True),
        (
            item(stored("iris", namespace="ns"), 2),
            "second record of model 'iris', which mod",
            False,
        ),
        (item(stored("rose"), 2, b"model/default/x"), "'rose', which belongs elsewhere", False),
    ],
    ids=["damaged", "key", "newer", "newer-kind", "twice", "elsewhere"],
)
def test_a_bad_record_is_told_and_the_others_are_read(bad, problem, is_newer):
    contents = read_records([HEAD, item(stored("iris")), bad])
    assert [model.name for model in contents.models] == ["iris"]
    (record,) = contents.bad
    assert record.key == bad[0].decode(errors="replace")
    assert problem in record.problem
    assert record.is_newer is is_newer
    assert contents.records == 3


def test_a_missing_head_is_told():
    contents = read_records([item(stored("iris"))])
    problem = "it is missing, and whoever wrote the others wrote it too"
    assert contents.bad == (BadRecord("store", problem, is_newer=False),)


def test_a_head_that_is_bad_is_told_once():
    contents = read_records([(HEAD_KEY, b""), item(stored("iris"))])
    assert [record.key for record in contents.bad] == ["store"]
    assert contents.last_now == 0.0
