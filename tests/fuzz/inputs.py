"""Inputs that Hypothesis makes: changed seeds, documents nearly as a format wants them."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.target import Target

DATATYPES = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "BF16", "FP32", "FP64", "BYTES"),
)
_USUAL = (
    b"",
    b"\0",
    b"\xff",
    b"\r\n",
    b"0",
    b"1",
    b" ",
    b"\xff\xff\xff\xff",
    b"\x80" * 9 + b"\x01",
)


def inputs_of(target: Target) -> st.SearchStrategy[bytes]:
    """Return the inputs for a target: its own, and its seeds with changes."""
    changed = changes(target.seeds, target.tokens)
    return changed if target.inputs is None else st.one_of(target.inputs, changed)


@st.composite
def changes(draw: Any, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """One of `seeds` with a few changes: bytes set, put in, taken out, doubled."""
    data = bytearray(draw(st.sampled_from(seeds)))
    tokens = (*tokens, *_USUAL)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 6)):
            case 0 if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case 1:
                data[at:at] = draw(st.sampled_from(tokens))
            case 2:
                token = draw(st.sampled_from(tokens))
                data[at : at + len(token)] = token
            case 3:
                del data[at : at + draw(st.integers(1, 40))]
            case 4:
                piece = data[at : at + draw(st.integers(1, 40))]
                data[at:at] = piece * draw(st.integers(1, 4))
            case 5:
                other = draw(st.sampled_from(seeds))
                data[at:] = other[draw(st.integers(0, len(other))) :]
            case _:
                data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


def numbers() -> st.SearchStrategy[Any]:
    """Numbers of JSON, those at the edges of datatypes among them."""
    edges = [1 << n for n in (7, 8, 15, 16, 31, 32, 53, 63, 64, 200)]
    return st.one_of(
        st.integers(-3, 3),
        st.booleans(),
        st.sampled_from([sign * edge + by for edge in edges for sign in (1, -1) for by in (0, -1)]),
        st.floats(),
        st.sampled_from([65504.0, 65520.0, 3.4028235e38, 3.4028236e38, 1e300, -0.0, 1.5]),
    )


def anything() -> st.SearchStrategy[Any]:
    """Any value of JSON."""
    scalars = st.one_of(st.none(), numbers(), st.text(max_size=5))
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    )


@st.composite
def _lists(draw: Any, shape: Sequence[int]) -> Any:
    """Lists nested as `shape` says, or flat; now and then one is not."""
    element = draw(st.sampled_from([numbers(), st.integers(-3, 3), st.text(max_size=3)]))
    if not shape or draw(st.booleans()):
        count = 1
        for size in shape:
            count *= size
        count = min(count, 12) + draw(st.sampled_from([0, 0, 0, 0, 1]))
        return draw(st.lists(element, min_size=count, max_size=count))

    def nested(left: Sequence[int]) -> Any:
        if not left:
            return draw(element)
        size = left[0] + draw(st.sampled_from([0] * 12 + [1]))
        return [nested(left[1:]) for _ in range(min(size, 4))]

    return nested(shape)


def _sometimes(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(value, value, value, anything())


@st.composite
def infer_documents(draw: Any, *, binary: bool = False) -> tuple[dict[str, Any], bytes]:
    """An infer request as a JSON document, nearly right, and the bytes of its binary inputs."""
    tail = b""
    items = []
    for _ in range(draw(st.integers(0, 3))):
        shape = draw(st.lists(st.integers(0, 3), max_size=3))
        item: dict[str, Any] = {
            "name": draw(st.sampled_from(["a", "b", "", "c"])),
            "datatype": draw(st.sampled_from(DATATYPES)),
            "shape": draw(_sometimes(st.just(shape))),
        }
        if binary and draw(st.booleans()):
            raw = draw(st.binary(max_size=24))
            item["parameters"] = {"binary_data_size": len(raw)}
            tail += raw
        else:
            item["data"] = draw(_sometimes(_lists(shape)))
        if draw(st.integers(0, 9)) == 0:
            item[draw(st.sampled_from(["parameters", "name", "data"]))] = draw(anything())
        items.append(item)
    document: dict[str, Any] = {"inputs": items}
    for key in ("id", "parameters", "outputs"):
        if draw(st.integers(0, 3)) == 0:
            right = {
                "id": st.text(max_size=3),
                "parameters": st.dictionaries(
                    st.sampled_from(["a", "binary_data_output"]), st.booleans() | numbers()
                ),
                "outputs": st.lists(st.builds(lambda name: {"name": name}, st.text(max_size=2))),
            }
            document[key] = draw(_sometimes(right[key]))
    return document, tail


def json_bytes(document: Any) -> bytes:
    """Write JSON as clients do: NaN and lone surrogates among it."""
    return json.dumps(document).encode()


def varint(value: int) -> bytes:
    """Return protobuf's variable-length form of an integer >= 0."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


@st.composite
def protobuf_messages(draw: Any, greatest_field: int, depth: int = 2) -> bytes:
    """Fields of any number and type with contents that may be messages themselves."""
    message = b""
    for _ in range(draw(st.integers(0, 5))):
        number = draw(st.integers(1, greatest_field))
        kind = draw(st.sampled_from([0, 2, 2, 2, 2, 5, 1]))
        message += varint(number << 3 | kind)
        if kind == 0:
            message += varint(draw(st.integers(0, 5) | st.integers(0, 2**64 - 1)))
        elif kind == 2:
            inner = st.binary(max_size=9) | st.sampled_from([each.encode() for each in DATATYPES])
            if depth:
                inner |= protobuf_messages(greatest_field, depth - 1)
            contents = draw(inner)
            message += varint(len(contents)) + contents
        else:
            size = 8 if kind == 1 else 4
            message += draw(st.binary(min_size=size, max_size=size))
    return message
