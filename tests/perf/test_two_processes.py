"""P5's processes: the ceiling's protocols in memory, and the real ones."""

import asyncio

import orjson
import pytest

from perf.ceilings import rest, two_processes
from perf.harness import bodies
from perf.harness.artifacts import Artifacts
from perf.harness.loads import post_once
from perf.harness.servers import start_two


class Written:
    """A transport that keeps what is written."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data

    def is_closing(self):
        return False

    def take(self):
        taken, self.data = self.data, b""
        return taken


def test_the_ceiling_passes_a_body_on_and_its_answer_back():
    async def test():
        upstream = two_processes.Upstream(asyncio.get_running_loop())
        worker = two_processes.Worker(rest.answer_for("json", ""))
        front = two_processes.Front(upstream)
        client, to_worker, from_worker = Written(), Written(), Written()
        upstream.connection_made(to_worker)
        worker.connection_made(from_worker)
        front.connection_made(client)
        front.data_received(bodies.pipelined_requests("/", bodies.IRIS_JSON, 2))
        await asyncio.sleep(0)
        worker.data_received(to_worker.take())
        upstream.data_received(from_worker.take())
        _, first, second = client.data.split(b"HTTP/1.1 200 OK")
        assert first == second
        assert orjson.loads(first.partition(b"\r\n\r\n")[2])["outputs"][0]["data"] == [0]

    asyncio.run(test())


@pytest.mark.system
def test_our_two_processes_answer(tmp_path):
    artifacts = Artifacts(tmp_path / "artifacts").make()
    router, agent = start_two(tmp_path, artifacts.one)
    try:
        answer = orjson.loads(post_once(router.port, "/v2/models/iris/infer", bodies.IRIS_JSON))
        assert answer["model_name"] == "iris_1"
    finally:
        router.process.stop()
        agent.process.stop()
