"""A running process as one thing: what clients and operators see of it, and when it is ready."""

import gc
from collections.abc import Iterable, Mapping, Sequence

from seldon_core.errors import SeldonError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import ModelMetadata, Payload, ServerMetadata
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.reloading import Reloadable
from seldon_core.resources.model import FoundModels, RefusedModel
from seldon_core.router.handler import RouterHandler
from seldon_core.running import Drains, Reporter, drain_all, server_metadata
from seldon_core.scheduler.service import Scheduler
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.scheduler.status import ModelStatus
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteUpdate
from seldon_core.transport.handler import InferCall
from seldon_core.transport.listener import Listener


class Process:
    """A running process: what clients and operators see of it as a whole.

    It is the data path's `ServerState`, the admin port's `ProcessState`, and the scheduler's
    `RouteSink`: what is published for a model on its way to the router tells when it is settled.
    Without a `router` there is no data port. Models that were on replicas in other processes when
    it ran last wait for these for `patience_s` at most. It is not ready before every model of
    `found` is, and every one that was kept from the last time; those that are refused are shown,
    and make nobody wait.
    """

    def __init__(
        self,
        router: RouterHandler | None,
        found: FoundModels,
        reporter: Reporter,
        patience_s: float = 0.0,
    ) -> None:
        self.reloadable = Reloadable()
        self._patience_s = patience_s
        self.listener: Listener | None = None
        self.inside: Drains | None = None
        self._router = router
        self._reporter = reporter
        self._found = found.specs
        self._loading = {spec.name for spec in found.specs}
        self._unanswered = set(self._loading)
        self._refused = list(found.refused)
        self._is_draining = False

    def attach(self, scheduler: Scheduler) -> None:
        """Take the scheduler, which itself needs this process to publish to."""
        self._scheduler = scheduler

    def expect(self, names: Iterable[str]) -> None:
        """Wait for models that were kept from the last time, too."""
        self._loading |= set(names)

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update`, and wait for the model no longer if that settles it.

        Until the folder's declaration of a model is answered, an update is about what was kept: one
        that was deleted is gone by that, and yet to be loaded.
        """
        if self._router is not None:
            self._router.publish(update)
        if update.name in self._loading and update.name not in self._unanswered:
            self._settle(update.name)

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """Reach `replica` at `address` from now on; None: it is gone."""
        if self._router is not None:
            self._router.publish_replica(replica, address)

    def live(self) -> bool:
        """Return True: whoever asks is answered by the loop that serves."""
        return True

    def ready(self) -> bool:
        """Return whether every model asked for at start is settled, and the process goes on."""
        return not self._loading and not self._is_draining

    def metadata(self) -> ServerMetadata:
        """Return name, version and the extensions that work."""
        return server_metadata(has_scheduler=True, has_agent=True)

    def not_ready(self) -> Sequence[str]:
        """Return what is not ready, one sentence each."""
        reasons = [f"model {name} is loading" for name in sorted(self._loading)]
        return ["the process is stopping", *reasons] if self._is_draining else reasons

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each model, then for each that was refused; `version` is 0 there.

        One that was refused at start and is there by now was mended and loaded since.
        """
        models = self._models()
        mended = {model.name for model in models} - {spec.name for spec in self._found}
        rows: list[Mapping[str, object]] = [
            {
                "name": model.name,
                "version": model.latest.version.version,
                "state": model.latest.state.value,
                "reason": model.latest.reason,
                "replicas": [
                    str(ReplicaId(model.latest.server, replica.replica_idx))
                    for replica in model.latest.replicas
                    if replica.state is ReplicaState.AVAILABLE
                ],
                "desiredReplicas": model.latest.version.spec.replicas,
            }
            for model in models
        ]
        rows += [
            {
                "name": refused.name,
                "version": 0,
                "state": "Refused",
                "reason": refused.reason,
                "source": refused.source,
                "replicas": [],
                "desiredReplicas": 0,
            }
            for refused in self._refused
            if refused.name not in mended
        ]
        return rows

    async def begin(self) -> None:
        """Ask for every model and wait until all are settled; one that fails stops no other."""
        scheduler = self._scheduler
        scheduler.sync(self._patience_s)
        answers = [(spec, scheduler.load_model(spec, from_folder=True)) for spec in self._found]
        for spec, answer in answers:
            try:
                await answer
            except SeldonError as error:
                self._refused.append(RefusedModel(spec.storage_uri, str(error), spec.name))
                self._reporter.refused(spec.name, error)
            self._unanswered.discard(spec.name)
            self._settle(spec.name)  # one that is refused may be there, as it was declared before
        await scheduler.settled(self._loading)
        self._loading.clear()  # each was settled once, though one may be tried again by now
        # What was made up to here stays: later collections need not look at it again, which
        # would cost a request tens of milliseconds now and then.
        gc.collect()
        gc.freeze()
        self._reporter.loaded(self._models(), len(self._refused), await self._example())

    def _models(self) -> list[ModelStatus]:
        """Every model that is not gone."""
        models = self._scheduler.models()
        return [model for model in models if model.latest.state is not ModelState.TERMINATED]

    def _settle(self, name: str) -> None:
        model = self._scheduler.model(name)
        versions = model.versions if model is not None else ()
        if all(version.state is not ModelState.PROGRESSING for version in versions):
            self._loading.discard(name)

    async def _example(self) -> ModelMetadata | None:
        if self._router is None:
            return None
        for model in self._models():
            if model.latest.state is ModelState.AVAILABLE:
                name = model.name
                call = InferCall(
                    Verb.MODEL_METADATA, name, "", {}, Payload(JSON_CODEC, b""), "rest", ""
                )
                try:
                    return await self._router.metadata(call)
                except SeldonError:
                    continue  # it was deleted since, or has no route while the disk is full
        return None

    async def drain(self, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""
        self._is_draining = True
        ports = (self.listener, self.inside)
        await drain_all([each for each in ports if each is not None], timeout_s)
