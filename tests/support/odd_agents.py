"""Agents and routers that do what they should not, made with gRPC's own library."""

import asyncio
from contextlib import asynccontextmanager, suppress

import grpc

from seldon_core.proto import agent_pb2, control_pb2
from tests.support.seldon_agent import AGENT, LOADED, UNLOADED

ROUTES = "/seldon_core.control.Control/SubscribeRoutes"


def request(server, idx=0, *, held=(), memory=1000, available=None, hello=None, http_port=9001):
    """What an agent subscribes with; `hello` is (newest, oldest, instance), None: Seldon's agent.

    `held` are (name, version).
    """
    asked = agent_pb2.AgentSubscribeRequest(
        serverName=server,
        shared=True,
        replicaIdx=idx,
        replicaConfig={
            "inferenceSvc": "127.0.0.1",
            "inferenceHttpPort": http_port,
            "inferenceGrpcPort": http_port,
            "memoryBytes": memory,
            "capabilities": [server],
        },
        loadedModels=[
            {"model": {"meta": {"name": name}, "modelSpec": {"uri": f"/{name}"}}, "version": number}
            for name, number in held
        ],
        availableMemoryBytes=memory if available is None else available,
    )
    if hello is not None:
        newest, oldest, instance = hello
        asked.hello.protocol, asked.hello.oldestProtocol = newest, oldest
        asked.hello.instance, asked.hello.version = instance, "9.9"
    return asked


class OddAgent:
    """Subscribes by `asked` for the length of `subscribed`; says nothing by itself.

    `orders` are the messages that came, `end` how its stream ended: (gRPC's code, text). One that
    does not read (`reads`) answers pings, and takes nothing that it is told.
    """

    def __init__(self, channel, asked, *, reads=True):
        self.asked = asked
        self._reads = reads
        self.orders = []
        self.end = None
        self._channel = channel
        self._changed = asyncio.Event()

    async def _follow(self):
        subscribe = self._channel.unary_stream(
            f"{AGENT}/Subscribe",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=agent_pb2.ModelOperationMessage.FromString,
        )
        call = subscribe(self.asked)
        try:
            if not self._reads:
                await call.wait_for_connection()
                await asyncio.Event().wait()
            async for order in call:
                self.orders.append(order)
                self._changed.set()
            self.end = (grpc.StatusCode.OK, "")
        except grpc.aio.AioRpcError as error:
            self.end = (error.code(), error.details())
        finally:
            call.cancel()
            self._changed.set()

    @asynccontextmanager
    async def subscribed(self):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._follow())
            yield self
            task.cancel()

    async def has(self, is_so):
        """Wait until `is_so()`, which is looked at whenever something has come."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    def told(self):
        """The orders in words, as `load iris 1`."""
        words = {0: "welcome", 1: "load", 2: "unload"}
        return [
            f"{words[order.operation]} {order.modelVersion.model.meta.name} "
            f"{order.modelVersion.version}".replace("welcome  0", "welcome")
            for order in self.orders
        ]

    async def report(self, name, version, event, **fields):
        """Report; return gRPC's code if it was refused, else None."""
        call = self._channel.unary_unary(
            f"{AGENT}/AgentEvent",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=agent_pb2.ModelEventResponse.FromString,
        )
        told = agent_pb2.ModelEventMessage(
            serverName=self.asked.serverName,
            replicaIdx=self.asked.replicaIdx,
            modelName=name,
            modelVersion=version,
            event=event,
            **fields,
        )
        try:
            await call(told, timeout=10)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return None

    async def obey(self, *, begin=0):
        """Report that every order from the one numbered `begin` on is done."""
        for order in self.orders[begin:]:
            event = {1: LOADED, 2: UNLOADED}.get(order.operation)
            if event is not None:
                name = order.modelVersion.model.meta.name
                await self.report(name, order.modelVersion.version, event, order=order.order)


class OddRouter:
    """Subscribes to routes and takes `takes` messages, then none any more."""

    def __init__(self, channel, *, protocol=1, takes=1):
        self.messages = []
        self.end = None
        self._channel = channel
        self._protocol = protocol
        self._takes = takes

    @asynccontextmanager
    async def subscribed(self):
        subscribe = self._channel.unary_stream(
            ROUTES,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=control_pb2.RoutesMessage.FromString,
        )
        asked = control_pb2.SubscribeRoutesRequest(
            protocol=self._protocol, oldestProtocol=self._protocol
        )
        call = subscribe(asked)
        with suppress(asyncio.CancelledError):
            try:
                for _ in range(self._takes):
                    self.messages.append(await call.read())
            except grpc.aio.AioRpcError as error:
                self.end = (error.code(), error.details())
            yield self
        call.cancel()
