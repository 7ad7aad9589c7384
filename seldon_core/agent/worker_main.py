"""A worker process: holds models and runs them, one call after the other, for its agent.

Started as `python -m seldon_core.agent.worker_main --fd N --log JSON`, where N is one end of a
socket pair and JSON how the agent logs (the fields of `LogSettings`): this process logs alike.
It speaks `frames` and ends when the other end is closed. It imports little: a machine-learning
library comes with the first model that needs it.

A load delays the calls to the other models of the same worker; loading beside them would need a
thread, which slows them down as much (both hold the GIL).
"""

import argparse
import ctypes
import json
import signal
import socket
import sys
from time import perf_counter
from typing import Any

from seldon_core.agent import frames
from seldon_core.agent.runtimes import runtime_named
from seldon_core.agent.runtimes.base import LoadedModel
from seldon_core.agent.runtimes.measured import load_measured
from seldon_core.config.settings import LogSettings
from seldon_core.errors import InvalidRequestError, ModelRuntimeError
from seldon_core.observability.logs import configure_logs
from seldon_core.protocol.inference import Buffer

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve the agent at the socket that `--fd` names until it closes it."""
    parser = argparse.ArgumentParser(description="Runs models for an agent, which starts it.")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--log", type=json.loads, required=True)
    arguments = parser.parse_args()
    # Ctrl-C and a service manager's SIGTERM reach the whole group, but the agent drains first and
    # closes the socket when nothing needs this process any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with_parent()
    configure_logs(LogSettings(**arguments.log), sys.stderr)
    with socket.socket(fileno=arguments.fd) as link:
        serve(link)


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its agent dies, even in the middle of a long call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(link: socket.socket) -> None:
    """Answer the requests that come through `link` until it is closed.

    Raises ValueError if what comes is not this version's protocol.
    """
    models = _Models()
    reader = frames.FrameReader()
    try:
        _send(link, frames.encode("hello", 0, [frames.VERSION]))
        while count := link.recv_into(reader.room()):
            for frame in reader.received(count):
                _send(link, _answer(models, frame))
    except (BrokenPipeError, ConnectionResetError):
        return  # the agent has gone; nobody is left to answer


def _send(link: socket.socket, parts: list[Buffer]) -> None:
    for part in parts:
        link.sendall(part)


def _answer(models: "_Models", frame: frames.Frame) -> list[Buffer]:
    try:
        match frame.kind:
            case "hello":
                if frame.fields != [frames.VERSION]:
                    raise InvalidRequestError(
                        f"the worker speaks version {frames.VERSION}, the agent {frame.fields}"
                    )
                return []
            case "load":
                return frames.encode("load", frame.call, models.load(frame.fields))
            case "infer":
                model, outputs = frame.fields
                started = perf_counter()
                arrays = models.named(model).infer(frame.arrays, outputs)
                return frames.encode("infer", frame.call, [perf_counter() - started], arrays)
            case "unload":
                models.unload(*frame.fields)
                return frames.encode("unload", frame.call)
            case _:
                raise InvalidRequestError(f"the worker knows no request {frame.kind!r}")
    except Exception as error:  # noqa: BLE001 - a model's code may raise anything
        return frames.encode("error", frame.call, frames.error_fields(error))


class _Models:
    """What is loaded here."""

    def __init__(self) -> None:
        self._models: dict[str, LoadedModel] = {}

    def load(self, fields: list[Any]) -> list[Any]:
        artifact = frames.artifact_from(fields)
        model, grown = load_measured(runtime_named(artifact.runtime), artifact)
        self._models[artifact.model] = model
        return [frames.signature_fields(model.signature), grown]

    def named(self, name: str) -> LoadedModel:
        model = self._models.get(name)
        if model is None:
            raise ModelRuntimeError(f"{name} is not loaded in its worker process")
        return model

    def unload(self, name: str) -> None:
        self._models.pop(name, None)


if __name__ == "__main__":
    main()
