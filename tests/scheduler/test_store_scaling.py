"""How what scaling chose is written down."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind, StoredScaling
from seldon_core.scheduler.store_records import (
    decode_record,
    encode_record,
    plain,
    read_plain,
    record_key,
)

CHOSEN = StoredScaling("iris", "default", 3, 2, "9 calls under way on mlserver/0", 12.5)


@given(
    st.builds(
        StoredScaling,
        name=st.text(max_size=9),
        namespace=st.text(max_size=9),
        version=st.integers(1, 2**32),
        replicas=st.integers(0, 2**32),
        why=st.text(),
        at=st.floats(0, 1e12),
    )
)
def test_what_is_written_down_reads_as_the_same(scaling):
    assert read_plain(msgpack.unpackb(msgpack.packb(plain(scaling))), Kind.SCALING) == scaling


def test_a_record_has_its_place_beside_the_model():
    key = record_key(CHOSEN)
    assert key == b"scaling/default/iris"
    assert decode_record(key, encode_record(key, 7, CHOSEN)) == (7, CHOSEN)


@pytest.mark.parametrize(("name", "value"), [("version", 0), ("replicas", -1)])
def test_what_cannot_have_been_chosen_is_refused(name, value):
    with pytest.raises(StoreError):
        read_plain({**plain(CHOSEN), name: value}, Kind.SCALING)
