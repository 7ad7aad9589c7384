import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import StoreError
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.store_contents import read_records
from seldon_core.scheduler.store_export import read_export
from seldon_core.scheduler.store_records import (
    HEAD_KEY,
    SCHEMA,
    NewerSchemaError,
    decode_head,
    decode_record,
    encode_head,
    encode_record,
    plain,
    read_now,
    read_plain,
    record_key,
)
from tests.support.stored import stored, stored_models

STORES = Path(__file__).parent / "stores"

IRIS = stored("iris", (1, 2), fallback=1)
KEY = record_key(IRIS)
RECORD = encode_record(KEY, 7, IRIS)


def sealed(key, body):
    """A record of any body, with the checksum that it should have."""
    return zlib.crc32(key + body).to_bytes(4, "big") + body


def raw_store(schema):
    """The records that a program of `schema` wrote."""
    lines = (STORES / f"schema_{schema}.records").read_text().splitlines()
    pairs = [line.split() for line in lines]
    return {key.encode(): bytes.fromhex(record) for key, record in pairs}


@pytest.mark.parametrize("schema", range(1, SCHEMA + 1))
def test_the_stores_of_every_schema_are_read(schema):
    contents = read_records(raw_store(schema).items())
    export = read_export((STORES / f"schema_{schema}.jsonl").read_text().splitlines())
    assert contents.bad == ()
    assert contents.schema == schema
    assert contents.last_now == export.now
    assert contents.models == export.models


def test_the_bytes_of_todays_schema_do_not_change_unnoticed():
    export = read_export((STORES / f"schema_{SCHEMA}.jsonl").read_text().splitlines())
    written = {HEAD_KEY: encode_head(export.now)}
    for order, model in enumerate(export.models):
        written[record_key(model)] = encode_record(record_key(model), order, model)
    assert written == raw_store(SCHEMA)


@given(stored_models(), st.integers(0, 2**40))
def test_a_model_is_read_as_it_was_written(model, order):
    key = record_key(model)
    assert decode_record(key, encode_record(key, order, model)) == (order, model)
    assert read_plain(msgpack.unpackb(msgpack.packb(plain(model)))) == model


def test_a_path_that_is_no_utf_8_is_kept():
    model = stored("iris", uri="/models/\udcff")
    assert decode_record(KEY, encode_record(KEY, 0, model)) == (0, model)


@given(st.floats(0, 1e12))
def test_the_time_of_the_last_write_is_kept(now):
    assert decode_head(encode_head(now)) == (SCHEMA, now)


@given(st.integers(0, len(RECORD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(position, change):
    damaged = bytearray(RECORD)
    damaged[position] ^= change
    with pytest.raises(StoreError, match="its checksum is wrong"):
        decode_record(KEY, bytes(damaged))


@given(st.integers(0, len(RECORD) - 1))
def test_a_missing_end_is_noticed(length):
    with pytest.raises(StoreError, match="its checksum is wrong"):
        decode_record(KEY, RECORD[:length])


def test_a_record_under_another_key_is_noticed():
    with pytest.raises(StoreError, match="its checksum is wrong"):
        decode_record(b"model/default/other", RECORD)


@given(st.integers(0, len(RECORD) - 5), st.integers(0, 255))
def test_a_changed_body_with_the_right_checksum_raises_nothing_else(position, value):
    body = bytearray(RECORD[4:])
    body[position] = value
    with suppress(StoreError):
        decode_record(KEY, sealed(KEY, bytes(body)))


@given(st.binary(max_size=40))
def test_any_bytes_with_the_right_checksum_raise_nothing_else(body):
    with pytest.raises(StoreError):
        decode_record(KEY, sealed(KEY, body))
    with pytest.raises(StoreError):
        decode_head(sealed(HEAD_KEY, body))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_another_value_anywhere_raises_nothing_else(data):
    model = plain(stored("iris", (1, 2), namespace="ns"))
    place = model
    while isinstance(place, dict | list) and place:
        step = data.draw(
            st.sampled_from([*(place if isinstance(place, dict) else range(len(place)))])
        )
        if data.draw(st.booleans()) or not isinstance(place[step], dict | list):
            place[step] = data.draw(json_values)
            break
        place = place[step]
    with suppress(StoreError):
        read_plain(model)


def test_a_newer_schema_is_told_from_damage():
    newer = sealed(KEY, msgpack.packb([SCHEMA + 1, {"anything": 1}]))
    with pytest.raises(NewerSchemaError, match=r"it has schema 2, this program reads up to 1$"):
        decode_record(KEY, newer)


@pytest.mark.parametrize("schema", [0, -1, True, None, "1"], ids=repr)
def test_a_schema_that_never_was_is_damage(schema):
    with pytest.raises(StoreError, match="wanted a schema of at least 1") as caught:
        decode_record(KEY, sealed(KEY, msgpack.packb([schema, {}])))
    assert not isinstance(caught.value, NewerSchemaError)


def test_what_is_wrong_with_a_value_is_named():
    model = plain(stored("iris"))
    model["versions"][0]["spec"]["replicas"] = True
    with pytest.raises(StoreError, match=r"^versions: spec: replicas: wanted int, found True$"):
        read_plain(model)


def test_a_time_that_is_none_is_named():
    with pytest.raises(StoreError, match="wanted a time in seconds, found None"):
        read_now(None)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (StoredModel("iris", (), None, None), "rising numbers"),
        (stored("iris", (2, 1)), r"rising numbers from 1, found \[2, 1\]"),
        (stored("iris", fallback=4), "its fallback is version 4"),
        (replace(stored("iris"), name="rose"), "version 1 of 'rose' is of another model"),
        (
            StoredModel(
                "iris",
                (StoredVersion(1, ModelSpec("iris", "", memory_bytes=2**64), "", 0.0, None),),
                None,
                None,
            ),
            "out of range|too big|[Oo]verflow",
        ),
    ],
    ids=["no-version", "order", "fallback", "name", "too-large"],
)
def test_what_could_not_be_read_back_is_not_written(model, problem):
    with pytest.raises(StoreError, match=f"^model '{model.name}' cannot be kept: .*({problem})"):
        encode_record(KEY, 0, model)


@pytest.mark.parametrize(
    ("name", "namespace", "key"),
    [
        ("iris", None, b"model/default/iris"),
        ("iris", "team", b"model/team/iris"),
        ("a/b", "c", b"model/c/a%2Fb"),
        ("b", "c/a", b"model/c%2Fa/b"),
        ("é\udcff", "", b"model/default/%C3%A9%ED%B3%BF"),
    ],
    ids=["default", "namespace", "slash", "slash-in-namespace", "not-ascii"],
)
def test_a_key_is_of_the_namespace_and_the_name(name, namespace, key):
    assert record_key(stored(name, namespace=namespace)) == key


def test_a_name_too_long_for_a_key_is_refused():
    record_key(stored("m" * 497))
    with pytest.raises(StoreError, match=r"'m{40}'… cannot be kept: .* take 512 bytes, 511 is"):
        record_key(stored("m" * 498))


def test_each_schema_has_its_store():
    assert len(list(STORES.glob("schema_*.records"))) == SCHEMA
