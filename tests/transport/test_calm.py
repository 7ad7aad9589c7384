import asyncio
import logging
import struct

import pytest
import uvloop

from seldon_core.transport.calm import Leaving
from seldon_core.transport.settings import ListenerSettings
from tests.support.attackers import frame, frames_in
from tests.support.attacks_http2 import (
    CONTINUATION,
    DATA,
    GET,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    open_post,
    reset,
    window,
)
from tests.support.http2_peer import serving

LIMITS = {
    "resets_per_s": 1,
    "settings_per_s": 2,
    "pings_per_s": 3,
    "empty_data_per_s": 4,
    "window_updates_per_s": 5,
    "linger_s": 0.2,
}


def run(test):
    async def bounded():
        async with asyncio.timeout(20):
            await test()

    uvloop.run(bounded())


async def said(server, *sent, end=True):
    """Return the frames that a client gets which sends this."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(PREFACE + frame(SETTINGS, 0, 0) + b"".join(sent))
        await asyncio.sleep(0.05)
        writer.write(open_post(101))  # now the library tells which streams it has reset itself
        return frames_in(await reader.read() if end else await reader.read(9))
    finally:
        writer.transport.abort()


def goaways(frames):
    return [
        (int.from_bytes(payload[4:8], "big"), payload[8:].decode())
        for kind, payload in frames
        if kind == 7
    ]


FLOODS = {
    "resets": ([open_post(n, GET, 5) + reset(n) for n in range(1, 23, 2)], "1 resets of streams"),
    "provoked resets": (
        [open_post(n) + open_post(n) for n in range(1, 23, 2)],
        "1 resets of streams",
    ),
    "settings": ([frame(SETTINGS, 0, 0)] * 20, "2 SETTINGS frames"),
    "pings": ([frame(PING, 0, 0, bytes(8))] * 31, "3 PING frames"),
    "empty data": ([open_post(1), *[frame(DATA, 0, 1)] * 41], "4 empty DATA frames"),
    "padding": (
        [open_post(1), *[frame(DATA, 8, 1, b"\1\0")] * 41],
        "4 empty DATA frames",
    ),
    "window updates": ([window(0, 1)] * 51, "5 WINDOW_UPDATE frames"),
}


@pytest.mark.parametrize(("sent", "wrong"), FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_the_connection_and_says_why(sent, wrong):
    async def test():
        async with serving(ListenerSettings(**LIMITS)) as server:
            assert goaways(await said(server, *sent)) == [(11, f"more than {wrong} a second")]
            await server.until(lambda: not server.shared.connections)
            assert server.shared.counters.floods == 1
            assert server.shared.budget.used == 0
            assert not server.shared.paused

    run(test)


@pytest.mark.parametrize("name", FLOODS)
def test_one_frame_less_is_no_flood(name):
    async def test():
        sent = [frame for frame in FLOODS[name][0] if frame != frame[:0]][:-1]
        ping = frame(PING, 0, 0, b"are you?")
        if name == "pings":
            sent.pop()
        async with serving(ListenerSettings(**LIMITS)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(PREFACE + frame(SETTINGS, 0, 0) + b"".join(sent) + ping)
            await reader.readuntil(b"are you?")
            assert server.shared.counters.floods == 0
            writer.transport.abort()

    run(test)


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ([frame(HEADERS, 1, 1, GET), *[frame(CONTINUATION, 0, 1)] * 20], "CONTINUATION"),
        ([frame(PING, 0, 0, bytes(8))] * 2000, "Flooding was detected"),
        ([frame(99, 0, 0)] * 20_000, ""),
        ([frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 1) * 33)], "too many setting entries"),
    ],
    ids=["continuation", "acknowledgements", "unknown frames", "entries"],
)
def test_what_the_library_finds_too_much_ends_the_same_way(sent, wrong):
    async def test():
        async with serving() as server:
            ((code, text),) = goaways(await said(server, *sent))
            assert code == 11
            assert wrong in text
            await server.until(lambda: server.shared.counters.floods == 1)

    run(test)


def test_the_log_tells_of_one_flood_a_second_and_how_many_there_were(caplog):
    async def test():
        async with serving(ListenerSettings(**LIMITS)) as server:
            flood = [frame(SETTINGS, 0, 0)] * 20
            for _ in range(3):
                await said(server, *flood)
            server.shared.floods.logged_at -= 1.0
            await said(server, *flood)

    with caplog.at_level(logging.WARNING):
        run(test)
    first, second = [record.getMessage() for record in caplog.records]
    assert "more than 2 SETTINGS frames a second' others=0" in first
    assert "others=2" in second


def test_a_client_that_is_told_and_stays_is_cut_off_soon():
    async def test():
        settings = ListenerSettings(**{**LIMITS, "linger_s": 0.05})
        async with serving(settings) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(PREFACE + frame(SETTINGS, 0, 0) * 30)
            assert goaways(frames_in(await reader.read()))  # our side of it is closed
            await server.until(lambda: not server.shared.connections)
            writer.transport.abort()

    run(test)


@pytest.mark.parametrize("how", ["drain", "abort", "check_hang_up"])
def test_a_connection_that_leaves_is_closed_when_the_port_is_or_the_client_goes(how):
    async def test():
        settings = ListenerSettings(**{**LIMITS, "linger_s": 60})
        async with serving(settings) as server:
            await said(server, *[frame(SETTINGS, 0, 0)] * 30, end=False)
            await server.until(lambda: server.shared.counters.floods == 1)
            (leaving,) = server.shared.connections
            leaving.visit(0.0)
            leaving.take_first(b"?")
            getattr(leaving, how)()
            await server.until(lambda: not server.shared.connections)

    run(test)


def test_a_flood_of_a_client_that_closes_by_itself_is_not_told():
    async def test():
        async with serving(ListenerSettings(**LIMITS)) as server:
            await said(server, *[frame(RST_STREAM, 0, 1, bytes(4))] * 30)
            assert server.shared.counters.floods == 0

    run(test)


def test_a_client_that_has_gone_already_is_left_all_the_same():
    class Gone(asyncio.Transport):
        """The system says so when its end is to be written."""

        is_aborted = False

        def set_protocol(self, protocol):
            pass

        def pause_reading(self):
            pass

        def can_write_eof(self):
            return True

        def write_eof(self):
            raise OSError(107, "Transport endpoint is not connected")

        def abort(self):
            self.is_aborted = True

    async def test():
        async with serving(ListenerSettings(linger_s=0.05)) as server:
            transport = Gone()
            leaving = Leaving(server.shared, transport)
            await server.until(lambda: transport.is_aborted)
            leaving.connection_lost(None)
            assert not server.shared.connections

    run(test)
