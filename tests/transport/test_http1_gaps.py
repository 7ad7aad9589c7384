"""Several spaces in a request line are refused, wherever reads and slices begin and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.transport.http1 import SLICE_BYTES
from seldon_core.transport.http1_gaps import find_gaps
from seldon_core.transport.http1_rules import RefusedError
from tests.support.http1_reading import Reading, refused

HEAD = b"host: a\r\n"
INDENTED = b'{\n  "inputs": [\n    {\n      "data": [\n        1\n      ]\n    }\n  ]\n}'


def post(body, first=b"POST /a HTTP/1.1"):
    return b"%s\r\n%scontent-length: %d\r\n\r\n%s" % (first, HEAD, len(body), body)


def chunked(body):
    head = b"POST /a HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HEAD
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def found(data, is_in_chunks=False):
    return list(find_gaps(memoryview(bytearray(data)), is_in_chunks))


def test_nothing_is_found_in_what_clients_send():
    assert found(post(b'{"inputs": []}')) == []
    assert found(post(INDENTED)) == []
    assert found(post(INDENTED)[:-5]) == []
    assert found(post(b"a").replace(b": ", b":  ")) == []


def test_several_spaces_in_a_line_with_a_version_are_found():
    assert found(b"GET  /a  HTTP/1.1\r\n") == [3, 7]
    assert found(b"x: y  z\r\nGET /a   RTSP/1.0\r\nx:  y") == [4, 15, 30]


def test_several_spaces_in_a_line_without_an_end_are_found():
    assert found(b"a  b\nGET  /a") == [8]
    assert found(b"GET /a  ") == [6]


def test_a_last_space_is_found():
    assert found(b"GET ") == [3]
    assert found(post(INDENTED) + b"GET /a ") == [len(post(INDENTED)) + 6]


@pytest.mark.parametrize("data", [b"1.5,  2.5", b"1.5\r\n5\r\n  2.5 ", b"GET  /a HTTP/1.1\r\n"])
def test_where_chunks_do_not_end_nothing_is_found(data):
    assert found(data, is_in_chunks=True) == []
    assert found(data)


@pytest.mark.parametrize(
    "end", [b"5\r\n0\r\n\r\n", b"\r\n\r\n", b"\n\r\n", b"\r\n", b"\n", b"5\r\n0\r\na: b\r\n\r\n"]
)
def test_behind_the_end_of_chunks_they_are_found(end):
    assert found(end + b"GET  /a HTTP/1.1\r\n", is_in_chunks=True) == [len(end) + 3]


def test_the_refusal_says_what_is_wrong():
    error = refused(b"GET  /a HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert error.status == 400
    assert "one space between them, here are more" in str(error)


def test_it_is_refused_before_the_rest_of_the_line_has_come():
    reading = Reading().give(b"GET ")
    with pytest.raises(RefusedError):
        reading.give(b" ")


def test_requests_before_it_are_read():
    reading = Reading()
    with pytest.raises(RefusedError):
        reading.give(post(b"b") + post(INDENTED) + b"GET /a  HTTP/1.1\r\n")
    assert [bytes(each.request.body) for each in reading.reader.completed] == [b"b", INDENTED]


@pytest.mark.parametrize("size", [1, 3, 7, SLICE_BYTES])
def test_a_body_past_an_offer_to_upgrade_is_a_body(size):
    body = b"GET  /b HTTP/1.1\r\n  x: y"
    offer = post(body).replace(HEAD, HEAD + b"connection: upgrade\r\nupgrade: h2c\r\n")
    data, reading = offer + post(b"c"), Reading()
    for at in range(0, len(data), size):
        reading.give(data[at : at + size])
    assert [bytes(each.request.body) for each in reading.taken] == [body, b"c"]


def test_what_follows_a_tunnel_or_a_close_is_not_looked_at():
    tunnel = b"CONNECT a:1 HTTP/1.1\r\n" + HEAD + b"\r\n"
    last = b"GET /a HTTP/1.1\r\nconnection: close\r\n" + HEAD + b"\r\n"
    for request in (tunnel, last):
        reading = Reading().give(request + b"GET  /b HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert len(reading.taken) == 1


def test_a_target_in_many_pieces_is_kept_in_one():
    reading = Reading().give(b"GET /")
    for _ in range(100):
        reading.give(b"ab")
    assert len(reading.reader._urls) == 1
    reading.give(b" HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert reading.requests()[0][1] == b"/" + b"ab" * 100


PARTS = st.lists(
    st.sampled_from(
        [b"GET", b"/a", b" ", b"  ", b"HTTP/1.1", b"\r\n", b"\n", b"x: ", b"R", b"P/1."]
    ),
    max_size=8,
).map(b"".join)
BODIES = PARTS | st.just(INDENTED)
GAPS = st.sampled_from([b" "] * 6 + [b"  ", b"     "])


@st.composite
def requests(draw):
    """Return the bytes of a request, its body, and whether its line has several spaces."""
    is_chunked, body = draw(st.booleans()), draw(BODIES)
    first, second = draw(GAPS), draw(GAPS)
    target = draw(st.sampled_from([b"/", b"/a", b"R://b", b"http://b/GET", b"/HTTP/1.1"]))
    line = b"POST" + first + target + second + b"HTTP/1.1"
    lines = b"y: POST  /a  HTTP/1.1\r\n" * draw(st.integers(0, 1))
    data = (chunked(body) if is_chunked and body else post(body)).replace(HEAD, lines + HEAD, 1)
    return data.replace(b"POST /a HTTP/1.1", line, 1), body, len(first + second) > 2


@given(st.lists(requests(), min_size=1, max_size=4), st.data())
def test_wherever_it_is_cut_only_those_lines_are_refused(sent, data):
    stream = b"".join(each for each, _, _ in sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    reading, refusal = Reading(), ""
    try:
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            if begin < end:
                reading.give(stream[begin:end])
    except RefusedError as error:
        refusal = str(error)
        reading.taken += reading.reader.completed
    wide = [is_wide for _, _, is_wide in sent]
    whole = wide.index(True) if True in wide else len(wide)
    assert ("one space" in refusal) == bool(refusal) == any(wide)
    assert [bytes(each.request.body) for each in reading.taken] == [b for _, b, _ in sent][:whole]
