"""A scheduler as Seldon's is towards agents, made with gRPC's own library and messages by hand."""

import asyncio
from contextlib import asynccontextmanager

import grpc

from tests.support.seldon_agent import MESSAGES, seldons_version

_NAMES = {2: "LOADED", 3: "LOAD_FAILED", 4: "UNLOADED", 5: "UNLOAD_FAILED"}


class SeldonScheduler:
    """Takes any agent. `subscriptions` and `events` are what it was told, in order.

    `faults` are what the next reports are answered with instead: codes of gRPC, None for well.
    """

    def __init__(self):
        self.port = 0
        self.subscriptions = []
        self.events = []
        self.drains = 0
        self.faults = []
        self.refusal = None
        self._orders = asyncio.Queue()
        self._changed = asyncio.Event()

    def order(self, operation, name, version=1, **model):
        message = MESSAGES["ModelOperationMessage"](
            operation=operation, modelVersion=seldons_version(name, version, **model)
        )
        self.pass_on(message)

    def pass_on(self, message):
        self._orders.put_nowait(message)

    def end_stream(self):
        self._orders.put_nowait(None)

    async def has(self, is_so):
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    def reports(self):
        return [f"{e.modelName} {e.modelVersion} {_NAMES[e.event]}" for e in self.events]

    async def subscribe(self, request, context):
        if self.refusal is not None:
            await context.abort(*self.refusal)
        self.subscriptions.append(request)
        self._changed.set()
        while (order := await self._orders.get()) is not None:
            yield order

    async def event(self, request, context):
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            await context.abort(fault, "not now")
        self.events.append(request)
        self._changed.set()
        return MESSAGES["ModelEventResponse"]()

    async def drain(self, request, context):
        self.drains += 1
        self._changed.set()
        return MESSAGES["AgentDrainResponse"](success=True)


def _handler(kind, name, method):
    return kind(method, MESSAGES[name].FromString, lambda message: message.SerializeToString())


@asynccontextmanager
async def a_seldon_scheduler(port=0):
    scheduler = SeldonScheduler()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    methods = {
        "Subscribe": _handler(stream, "AgentSubscribeRequest", scheduler.subscribe),
        "AgentEvent": _handler(unary, "ModelEventMessage", scheduler.event),
        "AgentDrain": _handler(unary, "AgentDrainRequest", scheduler.drain),
    }
    service = grpc.method_handlers_generic_handler("seldon.mlops.agent.AgentService", methods)
    server.add_generic_rpc_handlers([service])
    scheduler.port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield scheduler
    finally:
        await server.stop(0)
