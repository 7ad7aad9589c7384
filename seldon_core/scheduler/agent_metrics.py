"""One scrape for a machine: the metrics of this process and of the agent processes that it runs."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import SeldonError
from seldon_core.observability.merging import Heard, Merger
from seldon_core.scheduler.server_api import Runner
from seldon_core.transport.agent_messages import Hello
from seldon_core.transport.control import ReplicaId
from seldon_core.transport.fetching import fetch

_log = logging.getLogger(__name__)

PATIENCE_S: Final = 1.0
"""A tenth of what Prometheus has by default: who does not answer by then is hung, not busy."""


class AgentMetrics:
    """Asks the agents that `runner` runs at each scrape; `hello_of` says where each answers."""

    def __init__(self, runner: Runner, hello_of: Callable[[ReplicaId], Hello | None]) -> None:
        self._runner = runner
        self._hello_of = hello_of
        self._merger = Merger()
        self._turn = asyncio.Lock()  # what was said earlier must not be taken in later

    async def merge(self, own: str) -> str:
        """Return `own` with the metrics of the agents; one that does not answer holds nobody up."""
        await asyncio.sleep(0)  # up to its first wait a request has no task, which time-outs need
        async with self._turn:
            replicas = self._runner.replicas()
            if not replicas:
                return own
            async with open_tasks("scrape") as tasks:
                asked = {
                    str(replica): tasks.start(self._ask(replica), name=str(replica))
                    for replica in replicas
                }
                heard = {name: await task for name, task in asked.items()}
            return self._merger.merge(own, heard)

    async def _ask(self, replica: ReplicaId) -> Heard | None:
        hello = self._hello_of(replica)
        if hello is None or not hello.admin_port or replica not in self._runner.pids:
            return None  # between two processes, or somebody else's
        try:
            text = await fetch(hello.admin_port, "/metrics", PATIENCE_S)
        except SeldonError as error:
            _log.debug("agent tells no metrics replica=%s reason=%r", replica, str(error))
            return None
        return Heard(hello.instance, text)
