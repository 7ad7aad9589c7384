import socket

from seldon_core.transport.hang_up import LOOKED_AT, check_hang_ups


class FakeTransport:
    def __init__(self, sock):
        self.sock = sock

    def get_extra_info(self, name):
        assert name == "socket"
        return self.sock


class FakeConnection:
    def __init__(self):
        self.hang_ups = 0

    def check_hang_up(self):
        self.hang_ups += 1


def test_a_peer_that_shut_its_side_behind_unread_bytes_is_noticed_and_others_are_not():
    gone, there = FakeConnection(), FakeConnection()
    (a, peer_a), (b, peer_b) = socket.socketpair(), socket.socketpair()
    with a, b, peer_a, peer_b:
        peer_a.send(b"unread")
        peer_b.send(b"unread")
        peer_a.shutdown(socket.SHUT_WR)
        check_hang_ups({gone: FakeTransport(a), there: FakeTransport(b)})
    assert (gone.hang_ups, there.hang_ups) == (1, 0)


def test_closed_and_missing_sockets_are_passed_over():
    sock, peer = socket.socketpair()
    sock.close()
    peer.close()
    closed, missing = FakeConnection(), FakeConnection()
    check_hang_ups({closed: FakeTransport(sock), missing: FakeTransport(None)})
    check_hang_ups({})
    assert (closed.hang_ups, missing.hang_ups) == (0, 0)


def test_of_many_some_are_asked_about_at_once_and_the_others_next():
    asked = []

    class Asked(FakeTransport):
        def get_extra_info(self, name):
            asked.append(self)

    paused = {FakeConnection(): Asked(None) for _ in range(LOOKED_AT * 5 // 2)}
    everyone = list(paused.values())
    for _ in range(3):
        check_hang_ups(paused)
    assert asked == [*everyone, *everyone[: LOOKED_AT // 2]]
