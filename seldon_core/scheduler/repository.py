"""The model repository extension: what is declared or lies in a folder, loaded and unloaded.

A model that a folder declares is loaded as the folder says by now: it is searched again for each
load. One that somebody declared by hand stands, and is loaded anew from its files. Every load is a
new version, whether or not files changed, and the old one serves until that is there.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from seldon_core.aio.threads import ThreadPool
from seldon_core.errors import ConfigError, ModelRuntimeError, NotFoundError
from seldon_core.protocol.repository import IndexState, ModelIndex
from seldon_core.resources.load_config import configured
from seldon_core.resources.model import FoundModels, ModelSpec
from seldon_core.resources.words import without_folders
from seldon_core.scheduler.service import Scheduler
from seldon_core.scheduler.state import HAS_COME, ModelState
from seldon_core.scheduler.status import ModelStatus, ModelVersionStatus

Search = Callable[[], FoundModels]
"""Looks into the folders that the process serves. Blocks. Raises ConfigError if one is gone."""

_STATUSES_A_TURN = 50  # of 20 µs each; then requests on the loop have their turn

_log = logging.getLogger(__name__)


class ModelRepository:
    """Implements `transport.handler.Repository` over the scheduler and the folders.

    `threads` has one thread: a search of thousands of folders takes a second, so those who ask
    while another one runs are answered by one search after it.
    """

    def __init__(self, scheduler: Scheduler, search: Search, threads: ThreadPool) -> None:
        self._scheduler = scheduler
        self._search = search
        self._threads = threads
        self._asked = self._answered = 0  # how often, and of these by `_found`
        self._found = FoundModels()

    async def index(self, *, only_ready: bool) -> Sequence[ModelIndex]:
        """Return each version of every model that is known, by name.

        A model of a folder that is not loaded is one without a version.
        """
        found = await self._find()
        rows = {spec.name: [_not_loaded(spec.name, "not loaded")] for spec in found.specs}
        for refused in found.refused:
            if refused.name:
                rows.setdefault(refused.name, [_not_loaded(refused.name, refused.reason)])
        await self._scheduler.carried_out()
        for count, name in enumerate(self._scheduler.model_names()):
            if count % _STATUSES_A_TURN == _STATUSES_A_TURN - 1:
                await asyncio.sleep(0)
            model = self._scheduler.model(name)
            its = [_index_of(model, v) for v in model.versions if not _is_over(v)] if model else []
            if its:
                rows[name] = its
            elif name in rows:
                rows[name] = [_not_loaded(name, "unloaded")]
        return [
            row
            for name in sorted(rows)
            for row in rows[name]
            if not only_ready or row.state is IndexState.READY
        ]

    async def load(self, model: str, parameters: Mapping[str, str], actor: str) -> None:
        """Load a model anew; return once its new version can be called.

        Raises NotFoundError, InvalidRequestError for parameters without effect, ModelRuntimeError
        if it cannot be loaded (what served goes on then), and what the scheduler refuses with.
        """
        scheduler = self._scheduler
        found = await self._find()
        known = scheduler.model(model)
        if known is not None and known.is_deleted:
            await scheduler.settled({model})  # before it is gone it cannot be declared
        spec, from_folder = self._spec_of(model, found)
        spec = configured(spec, parameters)
        await scheduler.load_model(spec, actor=actor, from_folder=from_folder, is_again=True)
        await scheduler.settled({model})
        status = scheduler.model(model)
        if status is None or status.is_deleted:
            raise ModelRuntimeError("it was deleted while it was loading")
        if status.latest.state not in HAS_COME:
            raise ModelRuntimeError(status.latest.reason)

    async def unload(self, model: str, actor: str) -> None:
        """Unload every version of a model; return once they are gone. Again, it does nothing.

        Raises NotFoundError, ModelRuntimeError if a replica does not let go of it (it cannot be
        called any more), and what the scheduler refuses with.
        """
        scheduler = self._scheduler
        await scheduler.unload_model(model, actor=actor)
        await scheduler.settled({model})
        status = scheduler.model(model)
        for version in status.versions if status is not None else ():
            if version.state is ModelState.TERMINATE_FAILED:
                raise ModelRuntimeError(
                    f"model {model!r} takes no calls any more, but is not unloaded: "
                    f"{version.reason}"
                )

    def _spec_of(self, name: str, found: FoundModels) -> tuple[ModelSpec, bool]:
        """Return what to declare under a name, and whether it is a folder's."""
        status = self._scheduler.model(name)
        declared = None if status is None or status.is_deleted else status
        if declared is not None and not declared.from_folder:
            return declared.latest.version.spec, False
        for spec in found.specs:
            if spec.name == name:
                return spec, True
        for refused in found.refused:
            if refused.name == name:
                raise ModelRuntimeError(refused.reason)
        if declared is not None:  # its folder is gone; the load says what is missing
            return declared.latest.version.spec, True
        raise NotFoundError("model", name, "in the folders of --models, and not declared")

    async def _find(self) -> FoundModels:
        self._asked += 1
        try:
            return await self._threads.run(self._found_for, self._asked)
        except ConfigError as error:  # so there is nothing in it
            _log.warning("the model folders cannot be searched reason=%r", str(error))
            return FoundModels()

    def _found_for(self, ask: int) -> FoundModels:
        """On the thread. A search answers everyone who asked before it began."""
        if ask > self._answered:
            asked = self._asked
            self._found = self._search()
            self._answered = asked
        return self._found


def _not_loaded(name: str, reason: str) -> ModelIndex:
    return ModelIndex(name, "", IndexState.UNAVAILABLE, without_folders(reason))


def _is_over(version: ModelVersionStatus) -> bool:
    return version.state is ModelState.TERMINATED


def _index_of(model: ModelStatus, version: ModelVersionStatus) -> ModelIndex:
    number = str(version.version.version)
    reason = without_folders(version.reason, version.version.spec.storage_uri)
    match version.state:
        case ModelState.TERMINATING:
            return ModelIndex(model.name, number, IndexState.UNLOADING, "unloading")
        case ModelState.TERMINATE_FAILED:
            return ModelIndex(model.name, number, IndexState.UNAVAILABLE, reason)
        case _ if version.available_replicas:
            return ModelIndex(model.name, number, IndexState.READY)
        case ModelState.PROGRESSING:
            return ModelIndex(model.name, number, IndexState.LOADING, reason or "loading")
        case ModelState.SCALED_DOWN:
            # With a reason it sleeps, and can be called.
            state = IndexState.READY if reason else IndexState.UNAVAILABLE
            return ModelIndex(model.name, number, state, reason or "scaled down to no replica")
        case _:
            return ModelIndex(model.name, number, IndexState.UNAVAILABLE, reason)
