"""Asks the scheduler about resources of any kind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from seldon_core.cli.control import SUBSCRIBER, open_scheduler_client
from seldon_core.cli.kinds import Target
from seldon_core.cli.seen import Resource
from seldon_core.cli.seen_experiments import SeenExperiment
from seldon_core.cli.seen_models import SeenModel
from seldon_core.cli.seen_pipelines import SeenPipeline
from seldon_core.cli.seen_secrets import SeenAgentConfig, SeenSecret
from seldon_core.cli.seen_server_configs import SeenServerConfig
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.proto import secrets_pb2, servers_pb2
from seldon_core.resources.kubernetes import (
    CONFIG_MAP,
    EXPERIMENT,
    MODEL,
    PIPELINE,
    SECRET,
    SERVER_CONFIG,
    Kind,
)
from seldon_core.resources.secret import AGENT_CONFIG
from seldon_core.transport.control_client import RpcError, SchedulerClient

_UNKNOWN: Final = ("FailedPrecondition", "NotFound")  # Seldon's scheduler answers with the first


@contextmanager
def open_lookup(scheduler_host: str | None) -> Iterator["Lookup"]:
    """Hold a connection to the scheduler at `scheduler_host`, or where config and variable say.

    Raises UpstreamError, with the scheduler's words, for what it refuses, and ConfigError.
    """
    with open_scheduler_client(ControlOptions(scheduler_host)) as client:
        try:
            yield Lookup(client)
        except RpcError as error:
            raise UpstreamError(error.detail) from error


class Lookup:
    """Reads resources through `client`; every method raises RpcError."""

    def __init__(self, client: SchedulerClient) -> None:
        self.client = client

    def find(self, target: Target, namespace: str | None = None) -> Resource | None:
        """Return a resource; None if there is none, it is gone, or is in another namespace."""
        seen = self.recall(target, namespace)
        return None if seen is None or seen.is_gone else seen

    def recall(self, target: Target, namespace: str | None = None) -> Resource | None:
        """Return a resource as `find` does, also one that is gone but not forgotten."""
        try:
            seen = next(self._ask(target.kind, target.name), None)
        except RpcError as error:
            if error.code in _UNKNOWN:
                return None
            raise
        if seen is None or not _is_in(seen, namespace):
            return None
        return seen if _is_in(seen, target.namespace or None) else None

    def list(
        self, kind: Kind, namespace: str | None = None, *, all_versions: bool = False
    ) -> list[Resource]:
        """Return all resources of a kind that are not gone, by name."""
        found = [
            seen
            for seen in self._ask(kind, "", all_versions)
            if not seen.is_gone and _is_in(seen, namespace)
        ]
        return sorted(found, key=lambda seen: seen.name)

    def each(self, targets: Sequence[Target], namespace: str | None = None) -> Iterator[Target]:
        """Yield the targets, in the place of a kind without a name all that there are of it."""
        for target in targets:
            if target.name:
                yield target
            else:
                for seen in self.list(target.kind, namespace):
                    yield Target(target.kind, seen.name)

    def watch(self, kind: Kind, namespace: str | None = None) -> Iterator[Resource]:
        """Yield every resource of a kind and then each that changes, until the scheduler stops."""
        for seen in self._subscribe(kind):
            if _is_in(seen, namespace):
                yield seen

    def _ask(self, kind: Kind, name: str, all_versions: bool = False) -> Iterator[Resource]:
        """Yield the resource of this name, or all of the kind; of a model its latest version."""
        if kind.name == MODEL:
            reference = pb.ModelReference(name=name) if name else None
            about_models = pb.ModelStatusRequest(
                subscriberName=SUBSCRIBER, model=reference, allVersions=all_versions
            )
            for model in self.client.model_status(about_models):
                yield SeenModel(model)
        elif kind.name == PIPELINE:
            about_pipelines = pb.PipelineStatusRequest(
                subscriberName=SUBSCRIBER, name=name or None, allVersions=all_versions
            )
            for pipeline in self.client.pipeline_status(about_pipelines):
                yield SeenPipeline(pipeline)
        elif kind.name == EXPERIMENT:
            about_experiments = pb.ExperimentStatusRequest(
                subscriberName=SUBSCRIBER, name=name or None
            )
            for experiment in self.client.experiment_status(about_experiments):
                yield SeenExperiment(experiment)
        elif kind.name in (SECRET, CONFIG_MAP):
            yield from self._ask_about_secrets(kind, name)
        else:
            yield from self._ask_about_servers(kind, name)

    def _ask_about_secrets(self, kind: Kind, name: str) -> Iterator[Resource]:
        try:
            listed = self.client.list_secrets(secrets_pb2.ListSecretsRequest())
        except RpcError as error:
            if error.code == "Unimplemented":  # a scheduler of Seldon's
                return
            raise
        if kind.name == SECRET:
            for secret in listed.secrets:
                if name in ("", secret.name):
                    yield SeenSecret(secret)
        elif listed.HasField("agentConfig") and name in ("", AGENT_CONFIG):
            yield SeenAgentConfig(listed.agentConfig)

    def _ask_about_servers(self, kind: Kind, name: str) -> Iterator[Resource]:
        if kind.name == SERVER_CONFIG:
            for config in self._declared_servers().configs:
                if name in ("", config.name):
                    yield SeenServerConfig(config)
            return
        request = pb.ServerStatusRequest(subscriberName=SUBSCRIBER, name=name or None)
        statuses = list(self.client.server_status(request))
        declared = self._declared_servers()
        for status in statuses:
            yield SeenServer.of(status, declared)

    def _declared_servers(self) -> servers_pb2.ListServersResponse:
        """Return what was declared of servers; nothing if the scheduler is Seldon's."""
        try:
            return self.client.list_servers(servers_pb2.ListServersRequest())
        except RpcError as error:
            if error.code == "Unimplemented":
                return servers_pb2.ListServersResponse()
            raise

    def _subscribe(self, kind: Kind) -> Iterator[Resource]:
        if kind.name == MODEL:
            to_models = pb.ModelSubscriptionRequest(subscriberName=SUBSCRIBER)
            for model in self.client.watch_models(to_models):
                yield SeenModel(model)
        elif kind.name == PIPELINE:
            to_pipelines = pb.PipelineSubscriptionRequest(subscriberName=SUBSCRIBER)
            for pipeline in self.client.watch_pipelines(to_pipelines):
                yield SeenPipeline(pipeline)
        elif kind.name == EXPERIMENT:
            to_experiments = pb.ExperimentSubscriptionRequest(subscriberName=SUBSCRIBER)
            for experiment in self.client.watch_experiments(to_experiments):
                yield SeenExperiment(experiment)
        elif kind.name in (SERVER_CONFIG, SECRET, CONFIG_MAP):
            raise InvalidRequestError(f"{kind.plural} cannot be watched: they have no status")
        else:
            to_servers = pb.ServerSubscriptionRequest(subscriberName=SUBSCRIBER)
            for server in self.client.watch_servers(to_servers):
                if server.type != pb.ServerStatusResponse.ScalingRequest:  # no status of it
                    yield SeenServer(server)


def _is_in(seen: Resource, namespace: str | None) -> bool:
    return namespace is None or seen.namespace in (namespace, "")
