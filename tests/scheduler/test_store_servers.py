from dataclasses import fields

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import StoreError
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.records import Kind, StoredServer
from seldon_core.scheduler.store_contents import read_records
from seldon_core.scheduler.store_export import Export, read_export, write_export
from seldon_core.scheduler.store_records import (
    HEAD_KEY,
    decode_record,
    encode_head,
    encode_record,
    plain,
    read_plain,
    record_key,
)
from tests.support.stored import keep, kept, stored

TEXTS = st.text(max_size=8)
COUNTS = st.integers(0, 2**40)
METAS = st.none() | st.builds(KubernetesMeta, namespace=TEXTS, generation=COUNTS)
MAPS = st.dictionaries(TEXTS, TEXTS, max_size=2)
TUPLES = st.lists(TEXTS, max_size=3).map(tuple)
FULL = ServerSpec("big", "mlserver", ("a",), ("b",), 7, 20, 2, 1, 3, python="/py")


@st.composite
def stored_servers(draw):
    name = draw(st.text(min_size=1, max_size=8))
    spec = st.builds(
        ServerSpec,
        st.just(name),
        config_name=TEXTS,
        capabilities=TUPLES,
        extra_capabilities=TUPLES,
        memory_bytes=COUNTS,
        over_commit_percentage=st.none() | COUNTS,
        replicas=COUNTS,
        environment_variables=MAPS,
        labels=MAPS,
        meta=METAS,
    )
    return StoredServer(
        name,
        draw(st.none() | spec),
        draw(st.integers(-1, 2**32)),
        draw(COUNTS),
        draw(COUNTS),
        draw(st.booleans()),
        tuple(sorted(draw(st.sets(COUNTS, max_size=3)))),
        draw(METAS),
    )


@given(stored_servers(), st.integers(0, 2**40))
def test_a_server_is_read_as_it_was_written(server, order):
    key = record_key(server)
    assert decode_record(key, encode_record(key, order, server)) == (order, server)
    assert read_plain(msgpack.unpackb(msgpack.packb(plain(server))), Kind.SERVER) == server


def test_every_field_is_kept():
    server = plain(StoredServer("big", FULL))
    assert [*server] == [field.name for field in fields(StoredServer)]
    assert {*server["spec"]} == {field.name for field in fields(ServerSpec)}


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        (StoredServer("other", FULL), "the spec of 'other' is of another server"),
        (StoredServer("big", replicas=(1, 0)), r"rising indices of replicas, found \[1, 0\]"),
    ],
    ids=["name", "replicas"],
)
def test_a_server_that_could_not_be_read_back_is_not_kept(server, problem):
    with pytest.raises(StoreError, match=f"^server '{server.name}' cannot be kept: .*{problem}$"):
        encode_record(record_key(server), 0, server)


def test_a_server_and_a_model_of_one_name_are_kept_beside_each_other(tmp_path):
    async_writes = ([StoredServer("iris"), stored("iris")], [], 1.0)
    keep(tmp_path, async_writes, ([], [(Kind.SERVER, "iris")], 2.0))
    assert kept(tmp_path) == (stored("iris"),)


def test_servers_are_exported_and_imported_with_models():
    both = (StoredServer("iris", replicas=(0, 2)), stored("iris"))
    lines = list(write_export(Export(5.0, both)))
    assert lines[1].startswith('{"server": ')
    assert read_export(lines) == Export(5.0, both)
    with pytest.raises(StoreError, match=r"^line 4: server 'iris' is in it twice$"):
        read_export([*lines, lines[1]])


def test_a_server_under_another_key_is_told():
    key = b"server/default/x"
    records = [(HEAD_KEY, encode_head(1.0)), (key, encode_record(key, 0, StoredServer("big")))]
    (bad,) = read_records(records).bad
    assert bad.problem == "it is server 'big', which belongs elsewhere"
