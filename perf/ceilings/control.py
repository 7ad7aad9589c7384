"""The least that a control plane can do for a LoadModel: read it, write it to the disk, answer.

    python -m perf.ceilings.control PORT FOLDER

gRPC and LMDB as our server has them: the same library, a thread for the store, one transaction for
those that wait together. Nothing is decided, loaded, routed or logged.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import lmdb
import uvloop

from seldon_core.proto import scheduler_pb2 as pb


class Bare:
    """Keeps requests by the model's name."""

    def __init__(self, folder: Path) -> None:
        self._store = lmdb.open(str(folder), map_size=1 << 30)
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[bytes, bytes, asyncio.Future[None]]] = []
        self._wakeup = asyncio.Event()

    async def load_model(self, request: Any, _: Any) -> Any:
        """The handler of LoadModel."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        name = request.model.meta.name.encode()
        self._waiting.append((name, request.SerializeToString(), kept))
        self._wakeup.set()
        await kept
        return pb.LoadModelResponse()

    async def keep(self) -> None:
        """Write what waits, for ever."""
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            waiting, self._waiting = self._waiting, []
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._write, waiting)
            for _, _, kept in waiting:
                kept.set_result(None)

    def _write(self, waiting: list[tuple[bytes, bytes, asyncio.Future[None]]]) -> None:
        with self._store.begin(write=True) as transaction:
            for name, record, _ in waiting:
                transaction.put(name, record)


async def main(port: int, folder: Path) -> None:
    bare = Bare(folder)
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        bare.load_model, pb.LoadModelRequest.FromString, pb.LoadModelResponse.SerializeToString
    )
    service = "seldon.mlops.scheduler.Scheduler"
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"LoadModel": handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await bare.keep()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), Path(sys.argv[2])))
