import socketserver
import threading

import pytest

from perf import traced
from perf.scenarios import p06_images


@pytest.fixture
def tracing():
    """The port of `perf.traced`, in this process."""
    traced.tracemalloc.start()
    with socketserver.TCPServer(("127.0.0.1", 0), traced.Asked) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
    traced.tracemalloc.stop()


def test_the_peak_is_the_most_of_one_request_and_not_of_earlier_ones(tracing):
    sizes = [50_000_000] * p06_images.WARM_UP + [10_000_000]

    def send():
        return bytes(sizes.pop(0))

    ratio = p06_images.peak("x", tracing, 10_000_000, send).measure(1.0)
    assert sizes == []
    assert ratio == pytest.approx(1.0, abs=0.05)


def test_what_was_allocated_before_does_not_count(tracing):
    kept = bytes(20_000_000)
    ratio = p06_images.peak("x", tracing, 10_000_000, lambda: bytes(5_000_000)).measure(1.0)
    assert ratio == pytest.approx(0.5, abs=0.05)
    assert kept
