import asyncio

import pytest

from seldon_core.errors import UpstreamError
from seldon_core.scheduler import agent_metrics
from seldon_core.scheduler.agent_metrics import AgentMetrics
from seldon_core.transport.agent_messages import Hello
from seldon_core.transport.control import ReplicaId

ONE, TWO = ReplicaId("mlserver", 1), ReplicaId("mlserver", 2)
OWN = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"


class Runner:
    """Runs these replicas, those with a process id now."""

    def __init__(self, pids, pausing=()):
        self.pids = pids
        self._pausing = pausing

    def replicas(self):
        return dict.fromkeys([*self.pids, *self._pausing])


class Pages:
    """What is fetched, by port; the numbers of calls at the same time are noted."""

    def __init__(self, pages):
        self.pages = pages
        self.at_once = self.most = 0

    async def fetch(self, port, path, timeout_s):
        assert path == "/metrics"
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        page = self.pages[port]
        if isinstance(page, Exception):
            raise page
        return page


@pytest.fixture
def pages(monkeypatch):
    pages = Pages({})
    monkeypatch.setattr(agent_metrics, "fetch", pages.fetch)
    return pages


def merged(runner, hellos, scrapes=1):
    async def scenario():
        metrics = AgentMetrics(runner, hellos.get)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(metrics.merge(OWN)) for _ in range(scrapes)]
        return [task.result() for task in tasks]

    return asyncio.run(scenario())


def hello(port):
    return Hello(1, 1, "1.0", "x", port)


def test_agents_are_asked_at_the_same_time(pages):
    pages.pages = {7001: OWN, 7002: OWN}
    (text,) = merged(Runner({ONE: 1, TWO: 2}), {ONE: hello(7001), TWO: hello(7002)})
    assert 'a_total{process="mlserver/1"} 1' in text
    assert 'a_total{process="mlserver/2"} 1' in text
    assert pages.most == 2


def test_scrapes_come_one_after_the_other(pages):
    pages.pages = {7001: OWN}
    assert len(merged(Runner({ONE: 1}), {ONE: hello(7001)}, scrapes=3)) == 3
    assert pages.most == 1


def test_without_agent_processes_it_is_the_process_s_own_text(pages):
    assert merged(Runner({}), {}) == [OWN]


@pytest.mark.parametrize(
    ("runner", "hellos"),
    [
        (Runner({ONE: 1}), {}),
        (Runner({ONE: 1}), {ONE: hello(0)}),
        (Runner({}, pausing=[ONE]), {ONE: hello(7001)}),
        (Runner({ONE: 1}), {ONE: hello(7002)}),
    ],
    ids=["not-connected", "without-a-port", "between-two-processes", "does-not-answer"],
)
def test_an_agent_that_cannot_be_asked_is_down(pages, runner, hellos):
    pages.pages = {7001: OWN, 7002: UpstreamError("hung")}
    (text,) = merged(runner, hellos)
    assert 'seldon_agent_process_up{process="mlserver/1"} 0' in text
    assert "a_total 1" in text
