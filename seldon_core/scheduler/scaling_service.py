"""What is asked of the scheduler about scaling: by routers, by people, and by new settings."""

import asyncio
import random
from collections.abc import Callable

from seldon_core.aio.clock import Clock
from seldon_core.errors import InvalidResourceError, NotFoundError, SeldonError
from seldon_core.scheduler.callers import Callers, Settling
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.events import ModelWakeRequested
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.sleeping import failure_of
from seldon_core.scheduler.state import Packing
from seldon_core.scheduler.targets import ScalingRules

_VERSIONS_TO_WAKE = 2  # a new one that cannot be had, then the one that it was to relieve


class ScalingDesk:
    """A part of the scheduler's shell: `ask` has an event handled that is answered."""

    def __init__(
        self,
        machine: SchedulerMachine,
        callers: Callers,
        settling: Settling,
        clock: Clock,
        ask: Callable[[ModelWakeRequested, asyncio.Future[Change]], None],
    ) -> None:
        self._machine = machine
        self._callers = callers
        self._settling = settling
        self._clock = clock
        self._ask = ask

    async def wake(self, name: str) -> str:
        """Have a model loaded that is scaled to zero; see `transport.control.Wake`."""
        failure = ""
        for _ in range(_VERSIONS_TO_WAKE):
            caller, answer = self._callers.register()
            self._ask(ModelWakeRequested(self._clock.wall(), name, caller), answer)
            try:
                await answer
            except SeldonError as error:
                return str(error)
            await self._settling.wait({name})
            failure = failure_of(self._machine.model(name))
            if not failure:
                break
        return failure

    def check(self, name: str) -> None:
        """Raise NotFoundError or InvalidResourceError if a model's replicas are as declared."""
        model = self._machine.model(name)
        if model is None or model.is_deleted:
            raise NotFoundError("model", name)
        if not model.latest.version.spec.is_scaled:
            raise InvalidResourceError(
                "spec.maxReplicas",
                f"model {name!r} has no bounds (spec.minReplicas, spec.maxReplicas) and no "
                "seldon-core/target-rps, so it has as many replicas as are declared",
            )

    def change(self, rules: ScalingRules) -> None:
        """Scale by other rules from the next event on."""
        self._machine.state.scaling = rules
        self._machine.state.packing = Packing(rules.packing, random.random)
