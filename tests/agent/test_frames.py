"""Frames: what goes in comes out, however the stream is cut."""

import resource
import struct

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from seldon_core.agent import frames
from seldon_core.agent.runtimes.base import Artifact, Signature
from seldon_core.errors import (
    DeadlineError,
    InvalidRequestError,
    InvalidResourceError,
    ModelRuntimeError,
    UnsupportedError,
)
from seldon_core.protocol.inference import TensorSpec


def fed(reader, stream, size):
    """Feed `stream` in pieces of at most `size` bytes; return the frames."""
    found = []
    while stream:
        room = reader.room()
        count = min(len(room), size, len(stream))
        room[:count] = stream[:count]
        stream = stream[count:]
        found += reader.received(count)
    return found


def joined(*encoded):
    return b"".join(bytes(part) for parts in encoded for part in parts)


numeric = arrays_of.arrays(
    st.sampled_from([np.bool_, np.int8, np.uint64, np.float16, np.float32, np.float64]),
    arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9),
)
texts = st.lists(st.binary(max_size=9), max_size=5).map(lambda x: np.array([*x, 0], object)[:-1])


@given(
    st.lists(st.lists(st.one_of(numeric, texts), max_size=3), min_size=1, max_size=4),
    st.integers(1, 300),
)
def test_arrays_arrive_as_they_were_sent_in_any_pieces(messages, size):
    stream = joined(
        *(frames.encode("infer", call, ["m", call], m) for call, m in enumerate(messages))
    )
    found = fed(frames.FrameReader(), stream, size)
    assert [(f.kind, f.call, f.fields) for f in found] == [
        ("infer", call, ["m", call]) for call in range(len(messages))
    ]
    for frame, sent in zip(found, messages, strict=True):
        assert len(frame.arrays) == len(sent)
        for one, other in zip(frame.arrays, sent, strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            assert one.tobytes() == other.tobytes() or one.tolist() == other.tolist()
            assert one.dtype == object or one.flags.aligned


@pytest.mark.parametrize("size", [1000, 70_000, 10**9], ids=["small", "a buffer", "all at once"])
def test_large_frames_between_small_ones_stay_what_they_are(size):
    large = np.arange(100_000, dtype=np.float32)
    larger = np.arange(300_000, dtype=np.float64)
    sent = [large[:5], large, large[:3], larger, large, large[:1]]
    stream = joined(*(frames.encode("infer", 1, [], [array]) for array in sent))
    reader = frames.FrameReader()
    found = fed(reader, stream, size)
    found += fed(reader, joined(frames.encode("infer", 1, [], [large[::-1]])), size)
    for frame, array in zip(found, [*sent, large[::-1]], strict=True):
        assert np.array_equal(frame.arrays[0], array)


def test_arrays_that_are_not_row_major_are_sent_row_by_row():
    array = np.arange(6, dtype=np.int32).reshape(2, 3).T
    (frame,) = fed(frames.FrameReader(), joined(frames.encode("a", 1, [], [array])), 10**6)
    assert frame.arrays[0].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_large_array_is_sent_from_where_it_lies():
    array = np.zeros(100_000, np.float32)
    parts = frames.encode("infer", 1, [], [array])
    assert any(np.shares_memory(np.frombuffer(p, np.uint8), array) for p in parts if len(p) > 99)


def test_a_stream_that_is_no_frames_is_refused():
    with pytest.raises(ValueError, match="is longer than"):
        fed(frames.FrameReader(), b"GET /v2/models/iris HTTP/1.1\r\n\r\n", 10**6)


@pytest.mark.parametrize(
    "content",
    [
        5,
        ["infer", 1, []],
        [1, 1, [], []],
        ["infer", "1", [], []],
        ["infer", 1, {}, []],
        ["infer", 1, [], 5],
        ["infer", 1, [], [["no dtype", [1], None]]],
        ["infer", 1, [], [[",", [1], None]]],
        ["infer", 1, [], [["<f4", [-1, None], None]]],
        ["infer", 1, [], [["<f4", [2**60], None]]],
        ["infer", 1, [], [["O", [3], [b"a"]]]],
    ],
    ids=[
        *("a number", "too few", "no kind", "no call", "no fields", "no arrays", "no dtype"),
        "a dtype of Python",
        *("no shape", "a huge shape", "too few elements"),
    ],
)
def test_a_frame_of_another_form_is_refused(content):
    header = msgpack.packb(content)
    stream = struct.pack("<QQ", len(header), 0) + header + bytes(-len(header) % 16)
    with pytest.raises(ValueError, match=r"."):
        fed(frames.FrameReader(), stream, 10**6)


def test_a_frame_that_claims_much_takes_no_memory_before_it_comes():
    reader = frames.FrameReader()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fed(reader, struct.pack("<QQ", 16, 2**31), 16) == []
    assert len(reader.room()) > 2**31 - 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


def test_artifacts_and_signatures_survive():
    settings = {"parameters": {"extra": {"k": [1], "\ud800": "no UTF-8"}}}
    artifact = Artifact("m_1", "sklearn", "/m", "/m/a.pkl", settings, "1-2", "s3:m")
    signature = Signature(
        "p",
        (TensorSpec("a", "FP32", (-1, 4)),),
        (TensorSpec("b", "BYTES", (-1,), {"content_type": "np"}),),
        ("b",),
        names_matter=False,
        batchable=True,
    )
    fields = [frames.artifact_fields(artifact), frames.signature_fields(signature)]
    (frame,) = fed(frames.FrameReader(), joined(frames.encode("load", 1, fields)), 10**6)
    assert frames.artifact_from(frame.fields[0]) == artifact
    assert frames.signature_from(frame.fields[1]) == signature


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (InvalidRequestError("no"), InvalidRequestError, "no"),
        (UnsupportedError("no"), InvalidRequestError, "no"),
        (ModelRuntimeError("no"), ModelRuntimeError, "no"),
        (InvalidResourceError("a: b", "is c"), InvalidResourceError, "a: b: is c"),
        (DeadlineError("late"), ModelRuntimeError, "late"),
        (KeyError("x"), ModelRuntimeError, "KeyError: 'x'"),
        (ValueError("no\nwhy"), ModelRuntimeError, "ValueError: no"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_keep_their_family_and_text(error, kind, text):
    again = frames.error_from(frames.error_fields(error))
    assert type(again) is kind
    assert str(again) == text
    if isinstance(again, InvalidResourceError):
        assert again.path == "a: b"
