import asyncio

import pytest

from seldon_core.errors import UpstreamError
from seldon_core.transport import fetching
from seldon_core.transport.fetching import fetch


def ask(*pieces, timeout_s=5.0, stays_open=False):
    """Fetch from a peer that answers with `pieces`; return the text and what the peer was sent."""

    async def scenario():
        asked = []
        over = asyncio.Event()

        async def answer(reader, writer):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if stays_open:
                await over.wait()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            try:
                return await fetch(port, "/metrics", timeout_s), asked[0].decode(), port
            finally:
                over.set()

    return asyncio.run(scenario())


def test_the_text_is_returned_when_it_is_whole():
    text, asked, port = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na ", "ü".encode())
    assert text == "a ü"
    assert asked == f"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno", "answered 503"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff", "invalid start byte"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", "before its answer was complete"),
        (b"SSH-2.0\r\n", "no HTTP"),
    ],
    ids=["another-status", "no-text", "cut-off", "another-protocol"],
)
def test_what_is_no_answer_is_an_error(answer, why):
    with pytest.raises(UpstreamError, match=why):
        ask(answer)


def test_a_peer_that_says_nothing_is_given_up():
    with pytest.raises(UpstreamError, match=r"did not answer within 0\.1 s"):
        ask(timeout_s=0.1, stays_open=True)


def test_more_than_there_may_be_is_not_kept(monkeypatch):
    monkeypatch.setattr(fetching, "MOST_BYTES", 10)
    with pytest.raises(UpstreamError, match="more than 10 bytes"):
        ask(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n", b"x" * 20)


def test_trailers_and_room_change_nothing():
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: a\r\n\r\n"
    text, _, _ = ask(head, b"2\r\nab\r\n0\r\na: b\r\n\r\n")
    assert text == "ab"


def test_nobody_there_is_an_error():
    async def scenario():
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        await fetch(port, "/metrics", 5.0)

    with pytest.raises(UpstreamError, match=r"port \d+ of this machine"):
        asyncio.run(scenario())
