"""A client's connection against a peer that does as it is told."""

import asyncio
import contextlib

import ngh2
import pytest

from seldon_core.errors import UnreachableError, UpstreamError
from seldon_core.transport import http2_client
from seldon_core.transport.http2_client import Http2Client
from tests.support.hop import steered

HEAD = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/"),
    (b":authority", b"a"),
]


class Noted:
    """A receiver that notes what it is told; without `has_credit` data is not credited."""

    def __init__(self, has_credit=True):
        self.has_credit = has_credit
        self.status = b""
        self.data = b""
        self.trailers = None
        self.has_ended = False
        self.error = None
        self.rooms = 0

    def on_head(self, headers, has_ended):
        self.status, self.has_ended = dict(headers)[b":status"], has_ended

    def on_data(self, data, has_ended):
        self.data += data
        self.has_ended = has_ended
        return self.has_credit

    def on_trailers(self, headers):
        self.trailers, self.has_ended = dict(headers), True

    def on_lost(self, error):
        self.error = error

    def on_room(self):
        self.rooms += 1


@contextlib.asynccontextmanager
async def connected(server, pings=False):
    loop = asyncio.get_running_loop()
    left = []
    receive = memoryview(bytearray(1 << 16))
    transport, client = await loop.create_connection(
        lambda: Http2Client(loop, "peer", receive, left.append, pings=pings),
        "127.0.0.1",
        server.port,
    )
    client.left = left
    try:
        yield client
    finally:
        client.abort()
        transport.abort()


def with_client(test, pings=False, **options):
    async def whole():
        async with steered(**options) as server, connected(server, pings) as client:
            await test(client, server)

    asyncio.run(asyncio.wait_for(whole(), timeout=20))


def test_requests_of_one_turn_are_answered_each_by_its_own():
    async def test(client, server):
        noted = [Noted() for _ in range(20)]
        for receiver in noted:
            client.request(HEAD, (b"body",), receiver)
        assert client.under_way == 20
        await server.until(lambda: all(each.has_ended for each in noted))
        assert {each.data for each in noted} == {b"1", *(b"%d" % n for n in range(1, 40, 2))}
        assert client.under_way == 0

    with_client(test, answer=lambda peer, s: peer.answer(s, b"%d" % s))


@pytest.mark.parametrize("size", [1 << 14, (1 << 14) + 1, 10 << 20])
def test_a_body_of_any_size_arrives_whole(size):
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (bytes(size - 1), b"x"), noted)
        await server.until(lambda: noted.has_ended)
        assert noted.data == b"%d" % size

    with_client(test, answer=lambda peer, s: peer.answer(s, b"%d" % len(peer.bodies[s])))


def test_a_request_without_a_body_ends_with_its_head():
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        await server.asked()
        assert server.peers[0].bodies == {1: b""}

    with_client(test)


def test_an_open_request_says_when_there_is_room_for_more():
    async def test(client, server):
        noted = Noted()
        stream = client.request(HEAD, (), noted, ends=False)
        assert client.send(stream, (b"one",))
        assert not client.send(stream, (bytes(1 << 20),))
        assert not client.send(stream, (b"two",))
        client.end(stream)
        client.end(stream)
        peer = await server.asked()
        assert noted.rooms
        assert peer.bodies[1] == b"one" + bytes(1 << 20) + b"two"
        client.cancel(stream)
        assert client.send(stream, (b"three",))
        client.end(stream)

    with_client(test)


def test_an_open_request_may_end_when_all_was_sent():
    async def test(client, server):
        stream = client.request(HEAD, (b"one",), Noted(), ends=False)
        await server.until(lambda: server.peers and server.peers[0].bodies)
        client.end(stream)
        await server.asked()

    with_client(test)


def test_a_peer_that_takes_nothing_is_sent_no_more_than_a_window():
    async def test(client, server):
        peer = await server.until(lambda: server.peers and server.peers[0])
        peer.transport.pause_reading()
        body = memoryview(bytes(32 << 20))
        noted = Noted()
        client.request(HEAD, (body,), noted)
        await asyncio.sleep(0.1)
        # What was given to the library at most, and no copy of the rest.
        assert client._h2.queued_body_size() <= 256 << 10
        client.cancel(1)
        assert not client._uploads.rests
        peer.transport.resume_reading()
        await server.until(lambda: peer.resets)

    with_client(test)


def test_who_withholds_credit_is_sent_a_window_and_no_more():
    async def test(client, server):
        noted = Noted(has_credit=False)
        stream = client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.head(stream)
        peer.data(stream, bytes(6 << 20), end=True)
        await server.until(lambda: len(noted.data) == 4 << 20)
        await asyncio.sleep(0.05)
        assert len(noted.data) == 4 << 20
        noted.has_credit = True
        client.credit(stream, 4 << 20)
        await server.until(lambda: noted.has_ended)
        assert len(noted.data) == 6 << 20

    with_client(test)


def test_an_answer_before_the_body_was_sent_is_enough():
    async def test(client, server):
        noted = Noted()
        stream = client.request(HEAD, (bytes(64 << 20),), noted)
        peer = await server.until(lambda: server.peers and server.peers[0])
        await server.until(lambda: peer.bodies.get(stream))
        peer.answer(stream, b"enough")
        await server.until(lambda: noted.has_ended)
        assert (noted.data, noted.error) == (b"enough", None)
        await server.until(lambda: peer.resets)
        assert len(peer.bodies[stream]) < 64 << 20
        second = Noted()
        client.request(HEAD, (), second)
        await server.asked()

    with_client(test)


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [(7, UnreachableError, "refused"), (2, UpstreamError, "before it answered")],
)
def test_a_reset_says_whether_the_call_was_seen(code, kind, text):
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.h2.reset_stream(1, code)
        peer.flush()
        await server.until(lambda: noted.error)
        assert type(noted.error) is kind
        assert text in str(noted.error)

    with_client(test)


def test_a_reset_amid_the_answer_says_so():
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.head(1)
        await server.until(lambda: noted.status)
        peer.h2.reset_stream(1, 8)
        peer.flush()
        await server.until(lambda: noted.error)
        assert "before its answer was complete" in str(noted.error)

    with_client(test)


def test_answers_that_come_with_the_last_goaway_are_all_taken(caplog):
    def answer(peer, stream_id):
        if len(peer.ended) < 3:
            return
        peer.h2.send_goaway()
        for ended in peer.ended:
            peer.h2.send_response(ended, [(b":status", b"200")])
            peer.h2.send_data(ended, b"%d" % ended, end_stream=True)
        peer.flush()

    async def test(client, server):
        noted = [Noted() for _ in range(3)]
        for receiver in noted:
            client.request(HEAD, (b"body",), receiver)
        await server.until(lambda: all(each.has_ended or each.error for each in noted))
        assert [each.error for each in noted] == [None] * 3
        assert [each.data for each in noted] == [b"1", b"3", b"5"]
        await server.until(lambda: server.peers[0].is_lost)

    with_client(test, answer=answer)
    assert caplog.text == ""


def test_a_client_that_leaves_closes_when_its_calls_are_answered():
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        client.leave()
        assert not client.is_open
        assert client.left == [client]
        peer.answer(1)
        await server.until(lambda: peer.is_lost)
        assert noted.data == b"{}"
        with pytest.raises(UnreachableError):
            client.request(HEAD, (), noted)

    with_client(test)


def test_an_idle_client_that_leaves_closes_at_once():
    async def test(client, server):
        peer = await server.until(lambda: server.peers and server.peers[0])
        client.leave()
        await server.until(lambda: peer.is_lost)
        assert client.left == [client]

    with_client(test)


def test_a_silent_peer_is_asked_for_a_sign_of_life_and_given_up_without_one():
    async def test(client, server):
        now = asyncio.get_running_loop().time()
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        client.visit(now + 1)
        peer.transport.pause_reading()
        client.visit(now + 3)
        client.visit(now + 8)
        assert noted.error is None
        client.visit(now + 9)
        assert "peer: no sign of life for 6 s before it answered" in str(noted.error)
        client.visit(now + 10)

    with_client(test, pings=True)


def test_a_ping_that_is_still_behind_a_body_on_a_slow_link_is_waited_for(monkeypatch):
    async def test(client, server):
        now = asyncio.get_running_loop().time()
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.transport.pause_reading()
        left = 3000
        monkeypatch.setattr(http2_client, "on_its_way", lambda transport: left)
        client._life.written = 10_000
        client.visit(now + 3)
        for second in range(4, 34):
            left -= 100
            client.visit(now + second)
        assert noted.error is None
        client.visit(now + 39)
        assert noted.error is not None

    with_client(test, pings=True)


def test_a_peer_that_answers_pings_is_kept():
    async def test(client, server):
        await server.until(lambda: server.peers and server.peers[0].events)
        client.visit(asyncio.get_running_loop().time() + 10)
        assert client._life.is_asked
        await server.until(lambda: not client._life.is_asked)

    with_client(test, pings=True)


def test_what_is_no_http2_ends_the_connection():
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)
        await server.until(lambda: noted.error)
        assert isinstance(noted.error, UnreachableError)

    with_client(test)


def test_a_bug_in_a_receiver_ends_the_connection_and_nothing_else(caplog):
    class Broken(Noted):
        def on_head(self, headers, has_ended):
            raise ZeroDivisionError

    async def test(client, server):
        client.request(HEAD, (), Broken())
        noted = Noted()
        client.request(HEAD, (), noted)
        (await server.asked(2)).answer(1)
        await server.until(lambda: noted.error)
        assert "closed by a bug" in caplog.text

    with_client(test)


def test_other_frames_change_nothing():
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.h2.ping()
        peer.h2.send_informational_response(1, [(b":status", b"103")])
        peer.head(1)
        peer.h2.send_data(1, b"x")
        peer.h2.send_trailers(1, [(b"grpc-status", b"0")])
        peer.flush()
        await server.until(lambda: noted.has_ended)
        assert noted.trailers == {b"grpc-status": b"0"}
        await server.until(
            lambda: [one for one in peer.events if type(one) is ngh2.PingAcknowledged]
        )

    with_client(test)


def test_a_connection_whose_numbers_run_out_begins_nothing_more(monkeypatch):
    async def test(client, server):
        monkeypatch.setattr(http2_client, "_LAST_STREAM", 2)
        noted = [Noted() for _ in range(2)]
        client.request(HEAD, (), noted[0])
        assert client.has_room
        client.request(HEAD, (), noted[1])
        assert client.left == [client]
        await server.until(lambda: all(each.has_ended for each in noted))
        await server.until(lambda: server.peers[0].is_lost)

    with_client(test, answer=lambda peer, s: peer.answer(s))


def test_a_peer_that_does_not_read_is_not_waited_for():
    async def test(client, server):
        peer = await server.until(lambda: server.peers and server.peers[0])
        peer.transport.pause_reading()
        for _ in range(20):
            client.request(HEAD, (bytes(4 << 20),), Noted())
        await asyncio.sleep(0.05)
        client.abort()
        peer.transport.resume_reading()
        await server.until(lambda: peer.is_lost)

    with_client(test)


def test_nothing_is_sent_while_the_transport_has_had_enough():
    async def test(client, server):
        await client.greeted()
        noted = Noted()
        written = client._life.written
        client.pause_writing()
        client.request(HEAD, (b"body",), noted)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert client._life.written == written
        client.resume_writing()
        await server.until(lambda: noted.has_ended)

    with_client(test, answer=lambda peer, s: peer.answer(s, b""))


def test_a_peer_that_ends_its_side_is_lost():
    async def test(client, server):
        noted = Noted()
        client.request(HEAD, (), noted)
        peer = await server.asked()
        peer.transport.write_eof()
        await server.until(lambda: noted.error)
        assert isinstance(noted.error, UnreachableError)
        assert noted.error.was_sent
        assert not client.is_open

    with_client(test)
