"""A scheduler for tests of its API: it does what it is told and nothing else."""

import asyncio
from contextlib import contextmanager

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.scheduler.status import (
    ModelReplicaStatus,
    ModelStatus,
    ModelVersionStatus,
    ServerReplicaStatus,
    ServerStatus,
)
from seldon_core.scheduler.watching import Watches


class FakeScheduler:
    """Keeps what it is given. `change` or `error` answers whoever declares or deletes a model."""

    def __init__(self, *, change=Change.CREATED, error=None):
        self.change = change
        self.error = error
        self.asked = []
        self.verdicts = []
        self.chapters = []
        self.stories = []
        self._models = {}
        self._servers = {}
        self._model_watches, self._server_watches = Watches(), Watches()
        self._ask_watches, self._asked = Watches(), {}
        self.watchers = 0
        self.declared = None  # what it says of pipelines nobody asks it
        self.is_carried_out = asyncio.Event()
        self.is_carried_out.set()
        self.is_complete = asyncio.Event()
        self.is_complete.set()

    async def carried_out(self):
        await self.is_carried_out.wait()

    async def complete(self):
        await self.is_complete.wait()

    def load_model(self, spec, *, actor=""):
        self.asked.append(("load", spec, actor))
        return self._answer()

    def unload_model(self, name, *, meta=None, actor=""):
        self.asked.append(("unload", name, meta, actor))
        return self._answer()

    def model_names(self):
        return list(self._models)

    def model(self, name):
        return self._models.get(name)

    def servers(self):
        return list(self._servers.values())

    def server(self, name):
        return self._servers.get(name)

    def explain(self, name):
        return self.verdicts

    def story(self, name):
        self.stories.append(name)
        return self.chapters

    def mark_model(self, name):
        self._model_watches.mark(name)

    def watch_models(self):
        return self._counted(self._model_watches)

    def watch_servers(self):
        return self._counted(self._server_watches)

    def watch_asks(self):
        return self._ask_watches.open()

    def asked_replicas(self, name):
        return self._asked.get(name)

    def ask_for(self, name, replicas):
        """Have somebody want so many replicas of a server."""
        self._asked[name] = replicas
        self._ask_watches.mark(name)
        self._server_watches.mark(name)

    def set_model(self, status):
        """Have a model's status be another one, and tell who watches."""
        self._models[status.name] = status
        self._model_watches.mark(status.name)

    def forget_model(self, name):
        """Have no such model any more."""
        del self._models[name]
        self._model_watches.mark(name)

    def set_server(self, status):
        """Have a server's status be another one, and tell who watches."""
        self._servers[status.name] = status
        self._server_watches.mark(status.name)

    def mark_server(self, name):
        """Say that a server changed, which need not be known."""
        self._server_watches.mark(name)

    def end(self):
        """Stop."""
        self._model_watches.end()
        self._server_watches.end()

    @contextmanager
    def _counted(self, watches):
        self.watchers += 1
        try:
            with watches.open() as watch:
                yield watch
        finally:
            self.watchers -= 1

    def _answer(self):
        answer = asyncio.get_running_loop().create_future()
        if self.error is None:
            answer.set_result(self.change)
        else:
            answer.set_exception(self.error)
        return answer


def a_version(number=1, state=ModelState.AVAILABLE, *, name="iris", reason="", spec=None):
    """Return a version that is on replica 0 of mlserver."""
    spec = spec or ModelSpec(name, f"/{name}")
    replica = ModelReplicaStatus(0, ReplicaState.AVAILABLE, "", 1_700_000_000.25)
    available = int(state is ModelState.AVAILABLE)
    return ModelVersionStatus(
        ModelVersion(spec, number),
        "mlserver",
        state,
        reason,
        1_700_000_000.5,
        available,
        1 - available,
        (replica,),
    )


def a_model(*versions, name="iris", is_deleted=False):
    """Return a model with these versions, or with one that is available."""
    return ModelStatus(name, is_deleted, versions or (a_version(name=name),))


def a_server(name="mlserver", *, loaded=1):
    """Return a server with one replica that has so many models."""
    replica = ServerReplicaStatus(0, 1_000, 600, 10, loaded)
    return ServerStatus(name, -1, ("sklearn",), (replica,))
