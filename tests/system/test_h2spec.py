"""h2spec, the conformance suite for HTTP/2, against the data port and a control port."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from perf.harness import peers

pytestmark = pytest.mark.system

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

PATIENCE_S = 2
"""How long h2spec waits for an answer. What is excluded is waited for so long each time."""
TIMEOUT_S = 180

IS_CLOSED = (
    "RFC 9113, 5.1, of a closed stream: a frame on it MAY be a connection error (RFC 7540: MUST). "
    "Both sides have ended it or the client has reset it; the frame is discarded"
)
UNSEEN = (
    "The library says nothing of it; to see it ourselves would take a look at the head of every "
    "frame: 0.8 µs of each call where eight come in a read, 3 where one does. To look only at "
    "reads that nothing came of is no way: where a head begins is known only to who has followed "
    "all before it, and the body of a stream that is gone may look like any frame"
)
IS_ANSWERED = (
    "passes if the frame comes before the answer has ended the stream. "
    "Afterwards the stream is closed: " + IS_CLOSED
)
EXCLUDED = {
    "http2/3.5: Sends invalid connection preface": (
        "the port speaks HTTP/1.1 too, and what is no preface is a request of that: it is answered "
        "with 400 and closed. RFC 9113, 3.4, lets the GOAWAY be omitted, as the peer may not be "
        "using HTTP/2; h2spec only takes a close without a word"
    ),
    "http2/5.1: half closed (remote): Sends a DATA frame": IS_ANSWERED,
    "http2/5.1: half closed (remote): Sends a HEADERS frame": IS_ANSWERED,
    "http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame": IS_CLOSED,
    "http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame": IS_CLOSED,
    "http2/5.1: closed: Sends a DATA frame": IS_CLOSED,
    "http2/5.1: closed: Sends a HEADERS frame": IS_CLOSED,
    'http2/6.1: Sends a DATA frame on the stream that is not in "open" or "half-closed (local)" '
    "state": IS_ANSWERED + ". 6.1 still says MUST for any stream that is not open",
    "http2/5.1.1: Sends stream identifier that is numerically smaller than previous": (
        "RFC 9113, 5.1.1, wants a connection error. libnghttp2 discards the frame, as it cannot "
        "tell it from one on a stream that has been closed: no stream is opened by it. " + UNSEEN
    ),
    "http2/5.3.1: Sends PRIORITY frame that depend on itself": (
        "RFC 9113, 5.3, deprecates priorities, and with them this rule of RFC 7540"
    ),
    "http2/6.3: Sends a PRIORITY frame with 0x0 stream identifier": (
        "RFC 9113, 6.3, wants a connection error. libnghttp2 discards PRIORITY unread, whatever is "
        "in it, as priorities are deprecated. " + UNSEEN
    ),
    "http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above "
    "2^31-1 on a stream": (
        "RFC 9113, 6.9.1: either the stream or the connection is terminated. libnghttp2 sends a "
        "GOAWAY with FLOW_CONTROL_ERROR; h2spec only takes a RST_STREAM"
    ),
}
"""The cases whose failure is no fault, or a known one, and why."""


@dataclass(frozen=True)
class Outcome:
    """`failures` by name, `package: description`, each with what h2spec saw."""

    cases: int
    failures: dict[str, str]


def check_with_h2spec(program, port, folder) -> Outcome:
    report = folder / f"{port}.xml"
    command = [program, "--strict", "--timeout", str(PATIENCE_S), "-p", str(port), "-j", report]
    run = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert report.exists(), run.stdout + run.stderr
    # Of frames that it did not expect it writes the bytes, also those that XML cannot have.
    text = _NOT_IN_XML.sub("?", report.read_bytes().decode("utf-8", "replace"))
    cases = list(ElementTree.fromstring(text.encode()).iter("testcase"))
    return Outcome(
        len(cases),
        {
            f"{case.get('package')}: {case.get('classname')}": f"wanted and seen: {trouble.text}"
            for case in cases
            for trouble in case
        },
    )


@pytest.fixture(scope="module")
def outcomes(server, tmp_path_factory) -> dict[str, Outcome]:
    """What h2spec says of each port; it waits most of the time, so both are checked at once."""
    try:
        program = peers.h2spec_program()
    except peers.AbsentError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}; or perf/peers h2spec, for this alone")
    folder = tmp_path_factory.mktemp("h2spec")
    ports = {name: server.ports[name] for name in ("inference", "scheduler")}
    with ThreadPoolExecutor() as threads:
        runs = threads.map(lambda port: check_with_h2spec(program, port, folder), ports.values())
        return dict(zip(ports, runs, strict=True))


@pytest.mark.parametrize("port", ["inference", "scheduler"])
def test_h2spec_passes_but_for_what_is_argued(outcomes, port, capsys):
    outcome = outcomes[port]
    with capsys.disabled():
        for name in sorted(outcome.failures.keys() & EXCLUDED.keys()):
            sys.stdout.write(f"\nh2spec, {port} port, excluded: {name}\n  {EXCLUDED[name]}\n")
    assert outcome.cases >= 146
    assert outcome.failures.keys() <= EXCLUDED.keys(), {
        name: seen for name, seen in outcome.failures.items() if name not in EXCLUDED
    }


def test_the_server_still_serves_after_h2spec(outcomes, server):
    run = subprocess.run(
        [
            "curl",
            "-s",
            "--http2-prior-knowledge",
            "-w",
            "%{http_code}",
            f"{server.url}/v2/models/iris/ready",
        ],
        capture_output=True,
        text=True,
    )
    assert run.stdout == "200"
    assert "closed by a bug" not in server.output
