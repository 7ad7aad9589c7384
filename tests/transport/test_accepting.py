import asyncio
import socket

import pytest
import uvloop

from seldon_core.transport.accepting import MORE_A_TURN, Backlog
from tests.support.transport import until


class Counted(asyncio.Protocol):
    """A connection of which there is a list."""

    def __init__(self, made):
        self._made = made

    def connection_made(self, transport):
        self._made.append(transport)


def listening_socket():
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listening.setblocking(False)
    return listening


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_all_that_connect_at_once_are_accepted_in_few_turns_of_the_loop(run):
    async def main():
        loop, made = asyncio.get_running_loop(), []
        listening = listening_socket()
        backlog = Backlog(loop, listening, lambda: Counted(made))
        server = await loop.create_server(backlog.first, sock=listening)
        number = 3 * MORE_A_TURN
        clients = [socket.create_connection(listening.getsockname()) for _ in range(number)]
        for _ in range(10):
            await asyncio.sleep(0)
        accepted = sorted(transport.get_extra_info("peername") for transport in made)
        expected = sorted(client.getsockname() for client in clients)
        server.close()
        for each in clients + made:
            each.close()
        assert accepted == expected

    run(main())


def test_a_turn_of_the_loop_accepts_a_bounded_number():
    async def main():
        loop, made = asyncio.get_running_loop(), []
        with listening_socket() as listening:
            backlog = Backlog(loop, listening, lambda: Counted(made))
            number = MORE_A_TURN + 8
            clients = [socket.create_connection(listening.getsockname()) for _ in range(number)]
            backlog.first()
            await until(lambda: len(made) == MORE_A_TURN)
            backlog.first()
            await until(lambda: len(made) == number)
            for each in clients + made:
                each.close()

    asyncio.run(main())


def test_a_connection_that_is_lost_at_once_is_closed():
    class Losing:
        """A listening socket whose one connection the loop cannot take over."""

        def __init__(self):
            self.accepted = [socket.socket()]

        def accept(self):
            if not self.accepted:
                raise BlockingIOError
            return self.accepted.pop(), None

    class Loop:
        async def connect_accepted_socket(self, protocol, accepted):
            raise OSError("it is gone")

    listening = Losing()
    lost = listening.accepted[0]
    assert Backlog(Loop(), listening, lambda: "a protocol").first() == "a protocol"
    assert lost.fileno() == -1
