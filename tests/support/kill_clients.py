"""Clients of one life of a server: some change models all the time, others call them.

They end when the server is gone, or when they are told to. What they see, they tell a `Witness`.
"""

import http.client
import json
import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import grpc

from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of, spec_of
from seldon_core.transport.control_client import RpcError, SchedulerClient
from tests.support.numbered_models import INPUT, OUTPUT, ArtifactShop, Sort
from tests.support.witness import Request, Witness

CHANGES = ("new", "new", "new", "broken", "homeless", "deployment", "again", "delete", "wait")
BODY = json.dumps(
    {"inputs": [{"name": INPUT, "shape": [1], "datatype": "FP32", "data": [0.0]}]}
).encode()
INFER = "/inference.GRPCInferenceService/ModelInfer"


class Changer:
    """Declares, changes and deletes models of its own, one request at a time.

    `changes` are the words for what it does, `pause_s` seconds after the one before; `replicas` are
    the numbers that it scales models to.
    """

    def __init__(
        self,
        models: Sequence[str],
        port: int,
        shop: ArtifactShop,
        witness: Witness,
        chance: random.Random,
        changes: Sequence[str] = CHANGES,
        replicas: Sequence[int] = (1,),
        pause_s: float = 0.0,
    ) -> None:
        self._models = models
        self._replicas = replicas
        self._pause_s = pause_s
        self._changes = changes
        self._address = f"127.0.0.1:{port}"
        self._shop = shop
        self._witness = witness
        self._chance = chance

    def run(self, stop: threading.Event) -> None:
        """Go on until the server is gone or `stop` is set."""
        with SchedulerClient(self._address) as client:
            try:
                while not stop.wait(self._pause_s):
                    self._change(client, self._chance.choice(self._models))
            except RpcError as error:
                if monotonic() < self._witness.killed_at:
                    self._witness.violations.append(f"a request failed: {error}")

    def _change(self, client: SchedulerClient, model: str) -> None:
        last = self._witness.last(model)
        change = self._chance.choice(self._changes)
        if last is None or last.spec is None:
            change = self._chance.choice(("new", "new", "new", "broken", "homeless"))
        if change == "scale":
            assert last is not None
            assert last.spec is not None
            spec = replace(last.spec, replicas=self._chance.choice(self._replicas))
            self._declare(client, spec, last.number, last.sort)
        elif change == "wait":
            self._wait(client, model)
        elif change == "delete":
            self._delete(client, model)
        elif change in ("deployment", "again"):
            assert last is not None
            assert last.spec is not None
            flipped = last.spec.log_payloads != (change == "deployment")
            spec = replace(last.spec, log_payloads=flipped)
            self._declare(client, spec, last.number, last.sort)
        else:
            sort = Sort.HEALTHY if change == "new" else Sort(change)
            number, spec = self._shop.make(model, sort)
            before = last.spec if last is not None else None
            replicas = before.replicas if before else self._chance.choice(self._replicas)
            self._declare(client, replace(spec, replicas=replicas), number, sort)
            if self._chance.random() < 0.5:
                self._wait(client, model)

    def _declare(self, client: SchedulerClient, spec, number: int, sort: Sort) -> None:
        request = self._witness.send(spec.name, spec, number, sort, monotonic())
        try:
            client.load_model(pb.LoadModelRequest(model=message_of(spec)))
        except RpcError as error:
            self._on_refused(request, error)
        else:
            self._witness.keep(request, monotonic())

    def _delete(self, client: SchedulerClient, model: str) -> None:
        request = self._witness.send(model, None, 0, Sort.HEALTHY, monotonic())
        client.unload_model(pb.UnloadModelRequest(model=pb.ModelReference(name=model)))
        self._witness.keep(request, monotonic())

    def _on_refused(self, request: Request, error: RpcError) -> None:
        if error.code != "FailedPrecondition" or "still being deleted" not in error.detail:
            raise error
        self._witness.refuse(request)

    def _wait(self, client: SchedulerClient, model: str) -> None:
        """Ask for a model's status until nothing is under way, or for some time."""
        for _ in range(self._chance.randrange(1, 60)):
            request = pb.ModelStatusRequest(model=pb.ModelReference(name=model))
            asked = monotonic()
            (status,) = client.model_status(request)
            (latest,) = status.versions
            spec = spec_of(latest.modelDefn)
            state = latest.state
            if (
                state.state == pb.ModelStatus.ModelAvailable
                and state.availableReplicas >= spec.replicas
            ):
                self._witness.see(model, spec, latest.version, monotonic(), asked)
            if latest.state.state not in (
                pb.ModelStatus.ModelProgressing,
                pb.ModelStatus.ModelTerminating,
            ):
                return


class RestCaller:
    """Calls models over REST, on one connection."""

    def __init__(self, port: int, witness: Witness) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._witness = witness

    def call(self, model: str) -> int | None:
        """Call a model once; return the artifact that answered, None if none did.

        Raises OSError or HTTPException if the server is gone.
        """
        began = monotonic()
        self._connection.request(
            "POST", f"/v2/models/{model}/infer", BODY, {"content-type": "application/json"}
        )
        answer = self._connection.getresponse()
        content = answer.read()
        ended = monotonic()
        if answer.status != 200:
            reason = f"{answer.status} {content.decode(errors='replace')}"
            self._witness.refused(model, reason, began, ended)
            return None
        told = json.loads(content)
        number = int(told["outputs"][0]["data"][0])
        self._witness.answered(model, number, told["model_name"], began, ended)
        return number

    def run(self, models: Sequence[str], stop: threading.Event, chance: random.Random) -> None:
        """Call models until the server is gone or `stop` is set."""
        try:
            while not stop.is_set():
                self.call(chance.choice(models))
        except (OSError, http.client.HTTPException) as error:
            if monotonic() < self._witness.killed_at:
                self._witness.violations.append(f"a REST call failed: {error!r}")
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class GrpcCaller:
    """Calls models over gRPC, on one channel."""

    def __init__(self, port: int, witness: Witness) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._infer = self._channel.unary_unary(
            INFER,
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelInferResponse.FromString,
        )
        self._witness = witness

    def call(self, model: str) -> int | None:
        """Call a model once; return the artifact that answered, None if none did.

        Raises ConnectionError if the server is gone.
        """
        request = oip.ModelInferRequest(model_name=model)
        tensor = request.inputs.add(name=INPUT, datatype="FP32", shape=[1])
        tensor.contents.fp32_contents.append(0.0)
        began = monotonic()
        try:
            answer = self._infer(request, timeout=30)
        except grpc.RpcError as error:
            ended = monotonic()
            reason = f"{error.code()} {error.details()}"
            if ended >= self._witness.killed_at:
                raise ConnectionError(reason) from error
            self._witness.refused(model, reason, began, ended)
            return None
        ended = monotonic()
        (output,) = answer.outputs
        assert output.name == OUTPUT
        number = int(output.contents.fp32_contents[0])
        self._witness.answered(model, number, answer.model_name, began, ended)
        return number

    def run(self, models: Sequence[str], stop: threading.Event, chance: random.Random) -> None:
        """Call models until the server is gone or `stop` is set."""
        try:
            while not stop.is_set():
                self.call(chance.choice(models))
        except ConnectionError:
            pass  # killed
        finally:
            self.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
