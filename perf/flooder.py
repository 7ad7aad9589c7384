"""A client that keeps many requests outstanding on one HTTP/1.1 connection, until it is killed.

    python -m perf.flooder PORT PATH DEPTH

DEPTH 1 is a client that waits for each answer; more is one that pipelines without regard for
others. Answers are read and counted by their status line, never decoded.
"""

import selectors
import socket
import sys

from perf.harness import bodies

STATUS_LINE = b"HTTP/1.1 "


def run(port: int, path: str, depth: int) -> None:
    """Send and read for ever. Raises ConnectionError when the server closes."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setblocking(False)
    request = bodies.pipelined_requests(path, bodies.IRIS_JSON, 1)
    unsent = memoryview(b"")
    outstanding, tail = 0, b""
    selector = selectors.DefaultSelector()
    selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
    while True:
        if not unsent and outstanding <= depth // 2:
            unsent = memoryview(request * (depth - outstanding))
            outstanding = depth
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
        selector.modify(connection, wanted)
        ((_, ready),) = selector.select()
        if ready & selectors.EVENT_WRITE:
            unsent = unsent[connection.send(unsent) :]
        if ready & selectors.EVENT_READ:
            received = connection.recv(1 << 18)
            if not received:
                raise ConnectionError("the server closed the connection")
            # A status line may come in two pieces: what could be its beginning is kept.
            answered = tail + received
            outstanding -= answered.count(STATUS_LINE)
            tail = answered[-(len(STATUS_LINE) - 1) :]


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
