"""A small HTTP server that answers as told and keeps what it was sent."""

import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HttpPeer:
    """`answers` are status, headers and body, one after the other; the last one stays."""

    address: str = ""
    answers: list[Any] = field(default_factory=lambda: [(200, [], b"{}")])
    requests: list[Any] = field(default_factory=list)  # method, path, headers, body


@contextmanager
def http_peer(tls=None):
    """Serve on a free port; `tls` are the paths of a certificate and its key."""
    peer = HttpPeer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            peer.requests.append((self.command, self.path, self.headers, body))
            status, headers, text = (
                peer.answers.pop(0) if len(peer.answers) > 1 else peer.answers[0]
            )
            if status == 0:
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - the name that the library looks for

        def log_message(self, *arguments):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    peer.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
