"""Our server with its allocations traced, and a port that tells how much memory they took at most.

    python -m perf.traced PORT serve …

What follows PORT is for `seldon-core`. A line sent to PORT, `reset`, begins anew and is answered
with the bytes allocated now; any other, with the most since then. The server is several times
slower: this is for figures of memory alone.
"""

import runpy
import socketserver
import sys
import threading
import tracemalloc
from collections.abc import Sequence


class Asked(socketserver.StreamRequestHandler):
    """One question a connection."""

    def handle(self) -> None:
        if self.rfile.readline().strip() == b"reset":
            tracemalloc.reset_peak()
            answer, _ = tracemalloc.get_traced_memory()
        else:
            _, answer = tracemalloc.get_traced_memory()
        self.wfile.write(b"%d\n" % answer)


def main(arguments: Sequence[str]) -> None:
    port, *rest = arguments
    tracemalloc.start()
    server = socketserver.TCPServer(("127.0.0.1", int(port)), Asked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.argv = ["seldon-core", *rest]
    runpy.run_module("seldon_core", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
