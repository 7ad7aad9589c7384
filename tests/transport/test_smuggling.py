"""The smuggling corpus over real sockets: refused, or read as a second parser, h11, reads it."""

import asyncio
import re
from dataclasses import dataclass

import h11
import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.http1 import Http1Reader
from seldon_core.transport.http1_rules import RefusedError
from seldon_core.transport.settings import ListenerSettings
from tests.support.smuggling import ARGUED, BAD, CASES, FINE, PROBE
from tests.support.transport import EchoFront, connected, listening

PROBED = (b"GET", b"/probe", b"")


@dataclass(frozen=True)
class Reading:
    """What a parser made of bytes: each request as method, target and body, then a refusal or not.

    The probe is among the requests if the connection went on behind the case.
    """

    requests: tuple[tuple[bytes, bytes, bytes], ...]
    is_refused: bool


def read_by_h11(data) -> Reading:
    """What h11 reads, as a server that answers each request with 200 and switches to nothing."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=128 * 1024)
    connection.receive_data(data)
    requests: list[tuple[bytes, bytes, bytes]] = []
    method, target, body = b"", b"", b""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return Reading(tuple(requests), True)
        if isinstance(event, h11.Request):
            method, target, body = event.method, event.target, b""
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            requests.append((method, target, body))
            status = 405 if method == b"CONNECT" else 200
            connection.send(h11.Response(status_code=status, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.their_state is not h11.DONE or connection.our_state is not h11.DONE:
                return Reading(tuple(requests), False)
            connection.start_next_cycle()
        else:  # it waits for more, or the connection has ended
            return Reading(tuple(requests), False)


async def read_by_listener(datas) -> list[Reading]:
    """What our listener reads, each of `datas` on a connection of its own."""
    front = EchoFront()
    readings = []
    async with listening(front) as listener:
        for data in datas:
            front.requests.clear()
            async with connected(listener.port) as client:
                await client.send(data)
                client.writer.write_eof()
                answers = await client.ends()
            statuses = [int(code) for code in re.findall(rb"HTTP/1.1 (\d{3}) ", answers)]
            readings.append(Reading(read(front.requests), any(code >= 400 for code in statuses)))
        assert listener.counters.internal_errors == 0
    return readings


def read(requests):
    return tuple((each.method, each.target, bytes(each.body)) for each in requests)


@pytest.fixture(scope="module")
def ours() -> dict[str, Reading]:
    readings = asyncio.run(read_by_listener(case.data + PROBE for case in CASES))
    return dict(zip((case.name for case in CASES), readings, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_is_refused_or_read_as_h11_reads_it(case, ours):
    reading, other = ours[case.name], read_by_h11(case.data + PROBE)
    agree = reading == other
    if reading.is_refused:  # what was read before the refusal was read by both
        agree = other.requests[: len(reading.requests)] == reading.requests
    assert agree == (case.name not in ARGUED), f"by us {reading}\nby h11 {other}"


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind == BAD], ids=lambda case: case.name
)
def test_what_no_client_means_to_send_is_refused(case, ours):
    assert ours[case.name].is_refused
    assert PROBED not in ours[case.name].requests


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind == FINE], ids=lambda case: case.name
)
def test_what_every_client_may_send_is_read(case, ours):
    assert ours[case.name].requests
    assert not ours[case.name].is_refused


def read_in_pieces(data, size) -> Reading:
    settings = ListenerSettings()
    reader = Http1Reader(settings, InFlightBytes(settings.in_flight_bytes))
    is_refused = False
    at = 0
    try:
        while at < len(data) and not reader.is_ended:
            piece = memoryview(data)[at : at + size]
            at += len(piece)
            while len(piece):
                if reader.body is not None:
                    piece = piece[reader.fill_from(piece) :]
                else:
                    reader.feed(piece)
                    break
    except RefusedError:
        is_refused = True
    requests = read(exchange.request for exchange in reader.completed)
    reader.close()
    return Reading(requests, is_refused)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_where_the_packets_end_changes_nothing(case):
    data = case.data + PROBE
    whole = read_in_pieces(data, len(data))
    for size in (1, 2, 7):
        pieces = read_in_pieces(data, size)
        assert pieces.requests == whole.requests
        assert pieces.is_refused == whole.is_refused


def test_what_is_argued_is_in_the_corpus():
    assert ARGUED.keys() <= {case.name for case in CASES}
    assert len({case.name for case in CASES}) == len(CASES)
