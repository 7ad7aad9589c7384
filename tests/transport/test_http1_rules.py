import pytest

from seldon_core.transport.http1_rules import RefusedError
from tests.support.http1_reading import Reading, refused

BINARY = b"inference-header-content-length: 0"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nhost: a\r\nexpect: magic\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 400),
    ],
    ids=["http 2.0", "http 0.9", "transfer coding", "expectation", "no host", "chunked in 1.0"],
)
def test_what_is_not_spoken_has_its_own_status(data, status):
    assert refused(data).status == status


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nhost: a\r\n"
        + b"".join(b"h%d: 1\r\n" % n for n in range(100))
        + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"h: 1\r\n" * 100 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"".join(b"h%d: 1\r\n" % n for n in range(5000)),
        b"GET / HTTP/1.1\r\nhost: a\r\nh: " + b"x" * 80_000,
        b"GET /" + b"x" * 80_000,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;" + b"x" * 80_000,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nt: " + b"x" * 80_000,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
        + b"".join(b"h%d: 1\r\n" % n for n in range(5000)),
    ],
    ids=[
        "many",
        "one name",
        "unfinished",
        "long value",
        "long target",
        "chunk extension",
        "long trailer",
        "many trailers",
    ],
)
def test_a_head_above_its_limits_is_refused_with_431(data):
    assert refused(data).status == 431


LINES = b"GET / HTTP/1.1\r\nhost: a\r\nx: %s\r\n\r\n"


@pytest.mark.parametrize("limit", [100, 5000, 9000], ids="{} bytes".format)
def test_a_head_that_comes_whole_may_have_its_limit_and_not_a_byte_more(limit):
    fitting = LINES % (b"y" * (limit - len(LINES) + 2))
    assert len(fitting) == limit
    assert len(Reading(header_bytes=limit).give(fitting).taken) == 1
    assert refused(fitting.replace(b"y", b"yy", 1), header_bytes=limit).status == 431
    body = b"content-length: 3\r\n\r\nabc"
    assert refused(fitting[:-2] + body, header_bytes=limit).status == 431


def test_a_hundred_headers_are_allowed():
    data = (
        b"GET / HTTP/1.1\r\nhost: a\r\n" + b"".join(b"h%d: 1\r\n" % n for n in range(99)) + b"\r\n"
    )
    assert len(Reading().give(data).taken) == 1


def test_a_json_body_above_its_limit_is_told_of_the_binary_extension():
    error = refused(
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\n", json_bytes=10_000
    )
    assert error.status == 413
    assert "binary tensor data extension" in str(error)


def test_a_binary_body_may_be_larger_up_to_the_limit_of_bodies():
    limits = {"json_bytes": 10_000, "body_bytes": 30_000}
    head = b"POST / HTTP/1.1\r\nhost: a\r\n" + BINARY + b"\r\ncontent-length: %d\r\n\r\n"
    Reading(**limits).give(head % 20_000)
    assert refused(head % 40_000, **limits).status == 413


def test_a_chunked_body_above_the_limit_is_refused():
    data = (
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n" + b"x" * 0xFFFF
    )
    assert refused(data, json_bytes=10_000).status == 413


@pytest.mark.parametrize(
    ("head", "is_last", "echo"),
    [
        (b"GET / HTTP/1.1\r\nhost: a\r\n", False, False),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", True, False),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n", False, False),
        (b"GET / HTTP/1.0\r\n", True, False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", False, True),
    ],
    ids=["1.1", "1.1 close", "1.1 keep", "1.0", "1.0 keep"],
)
def test_version_and_connection_header_say_whether_it_stays_open(head, is_last, echo):
    reading = Reading().give(head + b"\r\n" + b"GET /2 HTTP/1.1\r\nhost: a\r\n\r\n")
    assert reading.taken[0].is_last == is_last
    assert reading.taken[0].echo_keep_alive == echo
    assert len(reading.taken) == 1 if is_last else 2


def test_a_client_that_expects_a_100_is_owed_one_until_its_body_is_there():
    reading = Reading()
    head = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 3\r\n\r\n"
    reading.give(head)
    assert reading.reader.owes_continue
    reading.give(b"abc")
    assert not reading.reader.owes_continue
    assert not Reading().give(head + b"abc").reader.owes_continue


OFFER = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk"


def test_an_offer_to_upgrade_with_a_chunked_body_is_refused():
    data = (
        b"POST / HTTP/1.1\r\nhost: a\r\n"
        + OFFER
        + b"\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    assert refused(data).status == 501


@pytest.mark.parametrize("value", [b"close, keep-alive", b"Keep-Alive,\tCLOSE"])
def test_a_connection_of_http_1_0_that_shall_stay_and_close_is_refused(value):
    with pytest.raises(RefusedError, match="found both"):
        Reading().give(b"GET / HTTP/1.0\r\nconnection: " + value + b"\r\n\r\n")
