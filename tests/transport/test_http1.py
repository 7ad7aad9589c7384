import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seldon_core.transport.http1 import SLICE_BYTES
from seldon_core.transport.http1_rules import RefusedError
from tests.support.http1_reading import Reading, refused
from tests.support.transport import post

BINARY = b"inference-header-content-length: 0"


def test_a_request_has_lower_case_names_and_joined_repeats():
    reading = Reading().give(b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: 1\r\nACCEPT: 2\r\n\r\n")
    assert reading.requests() == [
        (b"GET", b"/a?b=c", {b"host": b"x", b"accept": b"1,2"}, b""),
    ]


def test_a_chunked_body_is_joined_and_its_trailers_are_dropped():
    data = (
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nx-evil: 1\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n"
    )
    first, second = Reading().give(data).requests()
    assert first[3] == b"abcde"
    assert b"x-evil" not in first[2]
    assert second == (b"GET", b"/next", {b"host": b"a"}, b"")


SCRIPT = (
    post(b"/one", b"first body")
    + b"POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\nt: 1\r\n\r\n"
    + b"GET /three HTTP/1.1\r\nhost: a\r\nX: 1\r\nx: 2\r\n\r\n"
    + post(b"/large", bytes(range(256)) * 300, BINARY)
    + b"\r\n"
    + post(b"/one", b"first body")
    + post(b"/one", b"other body")
)
WHOLE = Reading().give(SCRIPT).requests()


def test_the_script_has_every_request():
    assert [request[1] for request in WHOLE] == [
        *(b"/one", b"/two", b"/three", b"/large", b"/one", b"/one"),
    ]
    assert WHOLE[3][3] == bytes(range(256)) * 300
    assert [WHOLE[4][3], WHOLE[5][3]] == [b"first body", b"other body"]


@given(st.sets(st.integers(1, len(SCRIPT) - 1), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_cut_into_pieces_gives_the_same_requests(cuts):
    reading = Reading()
    edges = [0, *sorted(cuts), len(SCRIPT)]
    for begin, end in itertools.pairwise(edges):
        reading.give(SCRIPT[begin:end])
    assert reading.requests() == WHOLE


def test_a_cut_at_every_byte_gives_the_same_requests():
    small = SCRIPT[: SCRIPT.index(b"POST /large")]
    for cut in range(1, len(small)):
        assert Reading().give(small[:cut]).give(small[cut:]).requests() == WHOLE[:3], cut
    reading = Reading()
    for byte in small:
        reading.give(bytes([byte]))
    assert reading.requests() == WHOLE[:3]


def test_a_repeated_head_gives_new_headers_and_its_own_body():
    reading = Reading().give(post(b"/a", b"one")).give(post(b"/a", b"two"))
    first, second = reading.taken
    assert (bytes(first.request.body), bytes(second.request.body)) == (b"one", b"two")
    assert first.request.headers == second.request.headers
    assert first.request.headers is not second.request.headers


@pytest.mark.parametrize(
    "around",
    [(b"\r\n", b""), (b"", b"\r\n"), (b"\r\n\r\n", b"\r\n")],
    ids=["before", "after", "both"],
)
def test_line_ends_around_a_repeated_request_do_not_shift_its_body(around):
    reading = Reading()
    for body in (b"one", b"two", b"six"):
        reading.give(around[0] + post(b"/a", body) + around[1])
    assert [request[3] for request in reading.requests()] == [b"one", b"two", b"six"]


def test_a_body_that_looks_like_the_repeated_request_stays_a_body():
    request = post(b"/a", b"one")
    reading = Reading().give(request)
    reading.give(b"POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(request))
    reading.give(request)
    assert [r[1] for r in reading.requests()] == [b"/a", b"/b"]
    assert reading.requests()[1][3] == request


def test_a_large_body_is_received_into_one_buffer_and_the_next_request_follows():
    body = bytes(range(256)) * 4096
    reading = Reading().give(
        post(b"/large", body, BINARY) + b"GET /next HTTP/1.1\r\nhost: a\r\n\r\n"
    )
    assert reading.requests()[0][3] == body
    assert isinstance(reading.taken[0].request.body, memoryview)
    assert reading.requests()[1][1] == b"/next"
    assert reading.taken[0].held == len(body) == reading.budget.used


def test_a_body_whose_length_is_only_claimed_takes_no_memory():
    reading = Reading()
    reading.give(
        b"POST / HTTP/1.1\r\nhost: a\r\n" + BINARY + b"\r\ncontent-length: 500000000\r\n\r\n"
    )
    assert reading.budget.used == 0
    assert reading.reader.incomplete is not None
    assert len(reading.reader.body) == 500_000_000


@pytest.mark.parametrize(
    "data",
    [
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Length: 3\r\n\r\n0\r\n\r\n"
        ),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
        b"NONSENSE / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"hello\r\n",
    ],
    ids=[
        "length and chunked",
        "chunked and length",
        "length twice",
        "two lengths",
        "list of lengths",
        "signed length",
        "overflowing length",
        "chunked not last",
        "chunked in 1.0",
        "chunk line feeds",
        "negative chunk",
        "bare line feeds",
        "folded line",
        "space before colon",
        "zero byte",
        "method",
        "version",
        "no http",
    ],
)
def test_what_cannot_be_trusted_is_refused_with_400(data):
    assert refused(data).status == 400


LINES = b"GET / HTTP/1.1\r\nhost: a\r\nx: %s\r\n\r\n"


@pytest.mark.parametrize("cut", [10, 30, 60])
def test_a_head_behind_others_in_a_slice_is_measured_alone(cut):
    small = post(b"/", b"b" * 900)
    reading = Reading(header_bytes=100).give(small * 3 + small[:cut]).give(small[cut:] + small)
    assert len(reading.taken) == 5


def test_a_head_that_begins_behind_another_and_ends_in_a_slice_has_the_same_limit():
    reading = Reading(header_bytes=9000)
    large = LINES % (b"y" * 9500)
    reading.give(post(b"/", b"") + large[:3000]).give(large[3000:7000])
    with pytest.raises(RefusedError, match="may have 9000 bytes"):
        reading.give(large[7000:])


def test_a_large_chunked_body_is_whole_and_counted():
    data = (
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"8\r\nabcdefgh\r\n" * 4000
    )
    reading = Reading().give(data)
    assert reading.budget.used >= 32_000 - SLICE_BYTES
    reading.give(b"0\r\n\r\n")
    assert reading.requests()[0][3] == b"abcdefgh" * 4000
    assert reading.taken[0].held == reading.budget.used


@pytest.mark.parametrize(
    "framing",
    [b"content-length: 20000", b"transfer-encoding: chunked\r\n\r\nffff\r\n" + b"x" * 9000],
    ids=["length", "chunked"],
)
def test_a_body_without_room_in_the_budget_is_refused_with_503(framing):
    reading = Reading(in_flight_bytes=25_000)
    reading.budget.take(24_000)
    with pytest.raises(RefusedError) as caught:
        reading.give(b"POST / HTTP/1.1\r\nhost: a\r\n" + framing + b"\r\n\r\n")
    assert (caught.value.status, caught.value.retry_after_s) == (503, 1)


def test_an_offer_to_upgrade_is_ignored():
    reading = Reading().give(
        b"GET /one HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        b"GET /two HTTP/1.1\r\nhost: a\r\n\r\n"
    )
    assert [request[1] for request in reading.requests()] == [b"/one", b"/two"]


def test_nothing_is_read_after_connect():
    reading = Reading().give(
        b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"
    )
    assert [exchange.is_last for exchange in reading.taken] == [True]
    assert reading.reader.is_ended


def test_a_closed_reader_takes_nothing_more():
    reading = Reading()
    reading.reader.close()
    reading.reader.feed(memoryview(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"))
    assert reading.reader.is_ended
    assert not reading.reader.completed


def test_a_repeated_head_is_not_taken_after_the_last_request():
    reading = Reading().give(post(b"/a", b"one"))
    reading.give(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    again = bytearray(post(b"/a", b"two"))
    assert reading.reader.feed_again(again, len(again)) is None


def test_white_space_behind_a_value_is_no_part_of_it():
    reading = Reading().give(
        b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue \r\nx: a b\t \r\n"
        b"content-length: 2 \r\n\r\nab"
    )
    assert reading.requests()[0][2][b"x"] == b"a b"
    assert reading.requests()[0][3] == b"ab"


def test_the_trailers_of_a_request_are_not_counted_for_the_next():
    chunked = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    many = (
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"".join(b"h%d: 1\r\n" % n for n in range(90)) + b"\r\n"
    )
    reading = Reading().give(chunked + b"t: 1\r\n" * 50 + b"\r\n" + many)
    assert len(reading.taken) == 2
    reading = Reading(header_bytes=9_000)
    reading.give(chunked).give(b"t: " + b"x" * 4_000).give(b"x" * 4_000 + b"\r\n\r\n")
    reading.give(b"GET / HTTP/1.1\r\nhost: a\r\nh: " + b"x" * 4_000).give(b"\r\n\r\n")
    assert len(reading.taken) == 2


OFFER = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"


def test_the_body_of_an_offer_to_upgrade_is_no_request():
    data = post(b"/one", SMUGGLED, OFFER) + b"GET /two HTTP/1.1\r\nhost: a\r\n\r\n"
    for cut in range(len(data)):
        reading = Reading().give(data[:cut]).give(data[cut:])
        found = [(target, body) for _, target, _, body in reading.requests()]
        assert found == [(b"/one", SMUGGLED), (b"/two", b"")], cut


class Forgetful(Reading):
    """Parses every head, whether it repeats or not."""

    def give(self, data):
        self.reader._known = None
        return super().give(data)


CHUNKED = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
BODIES = st.sampled_from([b"", b"one", b"two", b"\r\n\r\n", b"\r", SMUGGLED, b"x" * 300])
SOUND = st.one_of(
    st.builds(post, st.sampled_from([b"/a", b"/b"]), BODIES),
    st.builds(post, st.just(b"/a"), BODIES, st.sampled_from([OFFER, BINARY, b"x: 1\r\nx: 2"])),
    BODIES.filter(bool).map(lambda body: CHUNKED % (len(body), body)),
    st.just(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"),
)
REPEATED = post(b"/a", b"one")
UNSOUND = st.sampled_from(
    [
        *(b"\r\n", b"\r", b"\n", b"GET", b" ", b"one", b"0\r\n\r\n", REPEATED + b"x"),
        *(REPEATED[:9], REPEATED[9:], REPEATED[:-1], post(b"/a", b"one", b"connection: close")),
        *(CHUNKED[:61] % len(REPEATED), b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n"),
        post(b"/a", b"one", b"expect: 100-continue"),
        post(b"/a", b"one", b"connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ]
)
# What comes in one read: mostly whole requests, one or some.
READS = st.lists(st.lists(SOUND | UNSOUND, min_size=1, max_size=3).map(b"".join), max_size=8)


def story(reading, pieces):
    """Everything that comes of giving `pieces`, the refusal that ends it included."""
    refusal = None
    try:
        for piece in pieces:
            reading.give(piece)
    except RefusedError as error:
        refusal = (error.status, str(error))
    reader = reading.reader
    taken = [*reading.taken, *reader.completed]
    kept = [(exchange.is_last, exchange.echo_keep_alive) for exchange in taken]
    state = (reader.is_ended, reader.is_between, reader.owes_continue)
    return reading.requests(), kept, refusal, state


@given(READS)
@settings(max_examples=500, deadline=None)
def test_knowing_the_last_head_changes_nothing_whatever_comes(reads):
    assert story(Reading(), reads) == story(Forgetful(), reads)


@pytest.mark.parametrize(
    "reads",
    [
        [REPEATED, CHUNKED[:61] % len(REPEATED), REPEATED, b"\r\n0\r\n\r\n"],
        [REPEATED[:9], REPEATED[9:], REPEATED[9:]],
        [REPEATED + b"\r\n", REPEATED + b"\r\n"],
        [post(b"/a", b"", b"content-length: 0")] * 2,
        [REPEATED.replace(b"1.1\r\n", b"1.0\r\nconnection: keep-alive\r\n")] * 2,
        [REPEATED + REPEATED, REPEATED, REPEATED + REPEATED],
    ],
    ids=["in a chunk", "half a head", "line end", "length twice", "keep-alive", "two at once"],
)
def test_a_head_is_known_only_where_it_is_one(reads):
    assert story(Reading(), reads) == story(Forgetful(), reads)


@given(st.lists(SOUND, max_size=12), st.sets(st.integers(0, 2000), max_size=4))
@settings(max_examples=200, deadline=None)
def test_each_request_is_what_it_would_be_on_a_connection_of_its_own(parts, cuts):
    stream, edges = b"".join(parts), {0, *itertools.accumulate(map(len, parts))}
    edges = sorted(edge for edge in edges | cuts if edge <= len(stream))
    reading = Reading()
    for begin, end in itertools.pairwise(edges):
        reading.give(stream[begin:end])
    assert reading.requests() == [Reading().give(part).requests()[0] for part in parts]


def test_a_second_host_is_refused():
    with pytest.raises(RefusedError, match="one host"):
        Reading().give(b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n")


def test_a_body_is_counted_as_it_comes_and_knows_how_much_of_it_has():
    reading = Reading()
    reading.give(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n" + bytes(1000))
    reading.give(bytes(500))
    assert reading.reader.received == reading.budget.used == 1500
    reading.give(bytes(98_500))
    assert reading.reader.received == 0
    assert reading.taken[0].held == 100_000


def test_a_chunked_body_is_counted_as_it_comes_too():
    reading = Reading()
    reading.give(
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n" + bytes(700)
    )
    assert reading.reader.received == 700


def test_from_a_quarter_beyond_the_budget_a_body_waits_for_others_and_not_for_itself():
    reading = Reading(in_flight_bytes=1000)
    reading.give(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n" + bytes(10))
    assert not reading.reader.must_wait
    reading.budget.take(1239)
    assert not reading.reader.must_wait
    reading.budget.take(1)
    assert reading.reader.must_wait
    reading.budget.give(1240)
    reading.give(bytes(890))
    assert not reading.reader.must_wait
    reading = Reading(in_flight_bytes=1000)
    reading.give(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3000\r\n\r\n" + bytes(2000))
    assert reading.budget.is_over
    assert not reading.reader.must_wait


def test_a_body_that_there_is_no_room_for_is_refused_before_it_comes():
    reading = Reading(in_flight_bytes=1000)
    reading.budget.take(500)
    with pytest.raises(RefusedError, match="too many bytes") as caught:
        reading.give(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 501\r\n\r\nabc")
    assert (caught.value.status, caught.value.retry_after_s) == (503, 1)


@pytest.mark.parametrize(("used", "is_refused"), [(1249, False), (1250, True)])
def test_a_chunked_body_that_has_begun_goes_a_quarter_beyond_the_budget(used, is_refused):
    reading = Reading(in_flight_bytes=1000)
    reading.give(
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n" + bytes(10)
    )
    reading.budget.take(used - reading.budget.used)
    if is_refused:
        with pytest.raises(RefusedError):
            reading.give(bytes(100))
    else:
        reading.give(bytes(100))
        assert reading.reader.received == 110
