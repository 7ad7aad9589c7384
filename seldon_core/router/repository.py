"""What a router in a process of its own says of models, and what it leaves to the scheduler."""

from collections.abc import Mapping, Sequence

from seldon_core.errors import UnsupportedError
from seldon_core.protocol.repository import IndexState, ModelIndex
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaId,
    RouteCandidate,
    RouteSink,
    RouteUpdate,
)
from seldon_core.transport.handler import Setting


class RouteIndex:
    """A RouteSink on the way to `routes`; it is the data port's Repository, too."""

    def __init__(self, routes: RouteSink) -> None:
        self._routes = routes
        self._known: dict[str, RouteUpdate] = {}

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update` from the next call on."""
        if update.candidates or update.notice:
            self._known[update.name] = update
        else:
            self._known.pop(update.name, None)
        self._routes.publish(update)

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """Reach `replica` at `address` from now on; None: it is gone."""
        self._routes.publish_replica(replica, address)

    def rows(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each version that calls go to, and for each name that has none."""
        return [
            {
                "name": row.name,
                "version": int(row.version or 0),
                "state": row.state.value,
                "reason": row.reason,
            }
            for row in self._index()
        ]

    async def index(self, *, only_ready: bool) -> Sequence[ModelIndex]:
        """Return every version that calls go to, and each name that has none."""
        return [row for row in self._index() if not only_ready or row.state is IndexState.READY]

    async def load(self, model: str, parameters: Mapping[str, str], actor: str) -> None:
        """Raise UnsupportedError."""
        raise _not_here("loads models")

    async def unload(self, model: str, actor: str) -> None:
        """Raise UnsupportedError."""
        raise _not_here("unloads models")

    def _index(self) -> list[ModelIndex]:
        rows: dict[tuple[str, str], ModelIndex] = {}
        for name in sorted(self._known):
            update = self._known[name]
            for candidate in update.candidates:
                row = _index_of(candidate, update.notice)
                rows[row.name, row.version] = row
            if not update.candidates:
                row = ModelIndex(name, "", IndexState.UNAVAILABLE, update.notice)
                rows[name, ""] = row
        return list(rows.values())


class NoTraces:
    """Traces are written where models run: the data port's settings of them are refused here."""

    def current(self, model: str = "") -> Mapping[str, Setting]:
        """Raise UnsupportedError."""
        raise _not_here("traces calls", "ask the agent")

    def change(
        self, changes: Mapping[str, Setting | None], actor: str, model: str = ""
    ) -> Mapping[str, Setting]:
        """Raise UnsupportedError."""
        raise _not_here("traces calls", "ask the agent")


def _index_of(candidate: RouteCandidate, notice: str) -> ModelIndex:
    """Return the row of a version; one on no replica is loaded by a call, if it can be."""
    version = str(candidate.version)
    if candidate.replicas:
        return ModelIndex(candidate.model, version, IndexState.READY)
    if notice:
        return ModelIndex(candidate.model, version, IndexState.UNAVAILABLE, notice)
    reason = "scaled to zero; the next call loads it"
    return ModelIndex(candidate.model, version, IndexState.READY, reason)


def _not_here(what: str, who: str = "ask the scheduler (seldon-core apply)") -> UnsupportedError:
    return UnsupportedError(f"this process is a router, which never {what}: {who}")
