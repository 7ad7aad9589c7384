"""Names to routes: everything that a call needs is prepared when a route is published.

A call costs two look-ups whatever the number of routes: 0.2 µs for a route with one candidate on
one replica, with 1 and with 10,000 routes (`perf/micro/bench_table.py`).
"""

from collections.abc import Callable, Mapping

from seldon_core.errors import NotFoundError, NotReadyError, UnreachableError
from seldon_core.router.choose import choose_weighted, cumulate, two_of
from seldon_core.router.unknown import UnknownReplica
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.handler import InferHandler

MODEL_HEADER = b"seldon-model"
ROUTE_HEADER = b"x-seldon-route"

Sleeper = Callable[[RouteCandidate, bool], InferHandler]
"""Makes what answers for a version on no replica, given whether nothing is known to be in the way
of loading it."""


class Upstream:
    """A replica's handler, and how many calls it has been given that it has not answered.

    One for all routes, so that a replica busy with one model is spared by the calls to another. Its
    handler may change: a replica that was started anew is somewhere else.
    """

    __slots__ = ("handler", "in_flight")

    def __init__(self, handler: InferHandler) -> None:
        self.handler = handler
        self.in_flight = 0


class Candidate:
    """One version that may answer.

    `internal_model` is `<model>_<version>`, `hop` the header that names it on the answer, `marker`
    the header's value, which a sticky caller sends back.
    """

    __slots__ = ("hop", "internal_model", "marker", "upstreams")

    def __init__(self, candidate: RouteCandidate, upstreams: tuple[Upstream, ...]) -> None:
        self.internal_model = f"{candidate.model}_{candidate.version}"
        self.marker = f":{self.internal_model}:".encode()
        self.hop = (ROUTE_HEADER, self.marker)
        self.upstreams = upstreams

    def upstream(self, random: Callable[[], float]) -> Upstream:
        """Return the less busy of two replicas taken at random; the only one without randomness.

        Two at random, as Envoy's least-request balancing does: the work does not grow with the
        number of replicas, and equal replicas share evenly.
        """
        upstreams = self.upstreams
        if len(upstreams) == 1:
            return upstreams[0]
        one, other = two_of(len(upstreams), random(), random())
        if upstreams[other].in_flight < upstreams[one].in_flight:
            return upstreams[other]
        return upstreams[one]


class Route:
    """Where calls to one name go. Without candidates, `notice` says why it cannot answer."""

    __slots__ = ("candidates", "cumulative", "name", "notice")

    def __init__(
        self, name: str, candidates: tuple[Candidate, ...], cumulative: tuple[int, ...], notice: str
    ) -> None:
        self.name = name
        self.candidates = candidates
        self.cumulative = cumulative
        self.notice = notice

    def candidate(
        self, headers: dict[bytes, bytes], random: Callable[[], float], before: str = ""
    ) -> Candidate:
        """Return the version that answers a call with `headers`.

        The one that was chosen for it `before`, by its internal name, if the route still has it.
        Else the first one that the caller's `x-seldon-route` names, or else one by weight: a header
        from before an experiment ended or a version went is no error.
        """
        candidates = self.candidates
        if len(candidates) == 1:
            return candidates[0]
        if before:
            for candidate in candidates:
                if candidate.internal_model == before:
                    return candidate
        sticky = headers.get(ROUTE_HEADER)
        if sticky:
            for candidate in candidates:
                if candidate.marker in sticky:
                    return candidate
        return candidates[choose_weighted(self.cumulative, random())]


class RouteTable:
    """Every route, by the name in the header (bytes) and by the name in the path (text).

    `local` holds the handlers of the replicas inside this process; those of others come and go by
    `reach`. `sleeper` makes what answers for a version on no replica. While `has_all` is not true
    a name that is not known may well be one.
    """

    def __init__(
        self, local: Mapping[ReplicaId, InferHandler], sleeper: Sleeper | None = None
    ) -> None:
        self._local = local
        self._sleeper = sleeper
        self.has_all: Callable[[], bool] = lambda: True
        self._remote: dict[ReplicaId, InferHandler] = {}
        self._upstreams: dict[ReplicaId, Upstream] = {}
        self._by_header: dict[bytes, Route] = {}
        self._by_path: dict[str, Route] = {}

    def __len__(self) -> int:
        """The number of names, aliases included."""
        return len(self._by_path)

    def replicas(self) -> list[InferHandler]:
        """Return the handler of every replica, each once."""
        return list(dict.fromkeys([*self._local.values(), *self._remote.values()]))

    def reach(self, replica: ReplicaId, handler: InferHandler | None) -> None:
        """Have calls to a replica answered by `handler` from now on; None: it cannot be reached."""
        if handler is None:
            self._remote.pop(replica, None)
        else:
            self._remote[replica] = handler
        if replica in self._upstreams:
            self._upstreams[replica].handler = self._handler_of(replica)

    def apply(self, update: RouteUpdate) -> None:
        """Route calls to `update.name` by `update` from now on; drop it if nothing is left.

        Calls that already have their candidate are not touched. A replica that is not known yet
        cannot be reached until it is.
        """
        names = _names_of(update.name)
        if not update.candidates and not update.notice:
            for name in names:
                self._by_header.pop(name.encode(), None)
                self._by_path.pop(name, None)
            return
        found = [(each, self._upstreams_of(each, update)) for each in update.candidates]
        # A candidate without any would have nowhere to go.
        live = [(candidate, upstreams) for candidate, upstreams in found if upstreams]
        route = Route(
            update.name,
            tuple(Candidate(candidate, upstreams) for candidate, upstreams in live),
            cumulate(candidate.weight for candidate, _ in live),
            update.notice or "has no replica",
        )
        for name in names:
            self._by_header[name.encode()] = route
            self._by_path[name] = route

    def resolve(self, headers: dict[bytes, bytes], named: str) -> Route:
        """Return the route of a call; it has at least one candidate.

        The header `seldon-model` decides if it is there and not empty, whatever the path says;
        else `named`, which is what path or message name ("" if nothing).
        Raises NotFoundError if there is no such route, NotReadyError if it cannot answer yet,
        UnreachableError if it is not known yet whether there is one.
        """
        header = headers.get(MODEL_HEADER)
        route = self._by_header.get(header) if header else self._by_path.get(named)
        if route is None:
            if not self.has_all():
                raise UnreachableError("the scheduler has not told yet where calls go")
            raise _not_found(header.decode("utf-8", "replace") if header else named)
        if not route.candidates:
            raise NotReadyError(f"model {route.name!r} {route.notice}")
        return route

    def _upstreams_of(self, candidate: RouteCandidate, update: RouteUpdate) -> tuple[Upstream, ...]:
        if not candidate.replicas and self._sleeper is not None:
            # One of its own for each update: so who has waited sees that the route is another one.
            return (Upstream(self._sleeper(candidate, not update.notice)),)
        for replica in candidate.replicas:
            if replica not in self._upstreams:
                self._upstreams[replica] = Upstream(self._handler_of(replica))
        return tuple(self._upstreams[replica] for replica in candidate.replicas)

    def _handler_of(self, replica: ReplicaId) -> InferHandler:
        handler = self._local.get(replica) or self._remote.get(replica)
        return handler or UnknownReplica(replica)


def _names_of(name: str) -> tuple[str, ...]:
    """A model is also known as `<name>.model`; experiments and pipelines have their suffix."""
    return (name,) if "." in name else (name, f"{name}.model")


def _not_found(name: str) -> NotFoundError:
    bare, _, suffix = name.rpartition(".")
    if bare and suffix in ("model", "experiment", "pipeline"):
        return NotFoundError(suffix, bare)
    return NotFoundError("model", name)
