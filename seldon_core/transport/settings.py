"""Every limit of a listener, with its unit, its default and the reason for it."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

TYPED_BYTES = 4 * MIB
"""The default of `typed_bytes`."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where to listen and what one client may ask of the server.

    - `host`, `port`: the address; loopback unless the operator says otherwise, port 0 is any free.
    - `backlog`: connections that wait to be accepted; a burst of new clients fits.
    - `connections`: open connections at once; one more is closed at once. Below the usual limit of
      file descriptors with room for everything else.
    - `streams`: calls of one HTTP/2 connection at once. gRPC clients multiplex everything over one
      connection, and 100, which many servers choose, is what their users run into.
    - `resets_per_s`, `settings_per_s`, `pings_per_s`, `empty_data_per_s`, `window_updates_per_s`:
      such frames of one HTTP/2 connection a second, on average over `floods.BURST_S`; beyond it
      the connection ends with ENHANCE_YOUR_CALM. A reset costs the start of a call, of which
      libnghttp2 by itself lets a thousand pass, too. Settings are sent once. Go's clients
      measure the round trip by a ping each time data arrives, many acknowledge each DATA frame
      with two window updates: both rates are what would take a hundredth of a core or two.
    - `header_bytes`: one request's head; what Envoy allows (60 KiB), rounded up.
    - `header_count`: header lines of one request; Envoy's default.
    - `body_bytes`: one request's body, also after decompression; Seldon's own limit.
    - `json_bytes`: that part of a body which is JSON; parsing more would hold all others up.
    - `typed_bytes`: one gRPC message without its raw contents; what gRPC allows by default. In
      typed contents each number is an object on its way: 4 MiB of them can take 0.1 s.
    - `gzip_ratio`: decompressed to compressed size; real tensors stay far below 100.
    - `in_flight_bytes`: bodies of all requests that are being received or answered; over it new
      calls are refused. The composition root sets a share of the machine's memory.
    - `outstanding`: requests of one HTTP/1 connection that may wait for their answers.
    - `requests_per_turn`: requests of one connection begun in one turn of the loop; with 25 µs each
      a flooder holds its neighbours up for less than a millisecond.
    - `write_buffer_bytes`: unsent answers of one connection above which nothing more is begun.
    - `request_timeout_s`: time to answer once the request is complete.
    - `head_timeout_s`: time from a connection's first byte of a request to the end of its headers.
    - `body_idle_timeout_s`: longest pause inside a body, and the time over which its rate counts.
    - `body_bytes_per_s`: rate at which a body must come; half of a slow mobile uplink. Without it
      one byte a minute would hold a request for ever.
    - `stall_timeout_s`: what `body_idle_timeout_s` and `write_idle_timeout_s` are while
      `in_flight_bytes` is used up: then who does not send or read keeps others out.
    - `write_idle_timeout_s`: longest time in which a client reads nothing of what it is sent, and
      the time over which its rate counts.
    - `write_bytes_per_s`: rate at which a client must take what it is sent.
    - `idle_timeout_s`: longest pause between requests; above the 600 s after which common load
      balancers close idle connections, so that they close first and never race us.
    - `keep_alive_s`: silence after which TCP asks whether the client's machine is there, then every
      20 s, three times; 0 for never. A stream on which nothing is said may be open for ever, also
      if its client's machine has vanished.
    - `ping_s`, `ping_timeout_s`: a client with a stream of messages open is asked by a ping whether
      it is there, so long after its last answer, and given up if it does not answer for so long.
      0 for never: it is for ports where whoever has a stream is relied on.
    - `linger_s`: time to read on after a refusal, so that the client sees it and not a reset.
    - `stream_format`: what the answers of ModelStreamInfer look like to who does not say it,
      `triton` or `mlserver`; most clients that stream are Triton's.
    """

    host: str = "127.0.0.1"
    port: int = 9000
    backlog: int = 1024
    connections: int = 10_000
    streams: int = 256
    resets_per_s: int = 100
    settings_per_s: int = 100
    pings_per_s: int = 10_000
    empty_data_per_s: int = 1000
    window_updates_per_s: int = 100_000
    header_bytes: int = 64 * KIB
    header_count: int = 100
    body_bytes: int = 1000 * MIB
    json_bytes: int = 64 * MIB
    typed_bytes: int = TYPED_BYTES
    gzip_ratio: int = 100
    in_flight_bytes: int = 1024 * MIB
    outstanding: int = 64
    requests_per_turn: int = 32
    write_buffer_bytes: int = 64 * KIB
    request_timeout_s: float = 600.0
    head_timeout_s: float = 30.0
    body_idle_timeout_s: float = 60.0
    body_bytes_per_s: int = 4 * KIB
    write_idle_timeout_s: float = 60.0
    write_bytes_per_s: int = 1 * KIB
    stall_timeout_s: float = 5.0
    idle_timeout_s: float = 620.0
    keep_alive_s: int = 600
    ping_s: float = 0.0
    ping_timeout_s: float = 10.0
    linger_s: float = 2.0
    stream_format: str = "triton"
