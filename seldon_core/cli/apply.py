"""`apply`: declare what manifests say."""

from collections.abc import Sequence
from typing import Final, assert_never

from seldon_core.cli.lookup import open_lookup
from seldon_core.cli.manifest_files import read_specs
from seldon_core.cli.output import say, say_error, say_note, say_warning
from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.experiment_message import experiment_message
from seldon_core.protocol.model_message import message_of
from seldon_core.protocol.pipeline_message import pipeline_message
from seldon_core.protocol.secret_message import agent_config_message, secret_message
from seldon_core.protocol.server_message import server_config_message_of, server_message_of
from seldon_core.resources.declared_kinds import Spec
from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.transport.control_client import RpcError, SchedulerClient

_Change = control_pb2.ApplyModelResponse.Change

_WORDS: Final[dict[int, str]] = {
    _Change.CREATED: "created",
    _Change.CONFIGURED: "configured",
    _Change.UNCHANGED: "unchanged",
}


def apply(
    files: Sequence[str], recursive: bool, namespace: str | None, scheduler_host: str | None
) -> int:
    """Declare every resource of the manifests and say what that changed; return the exit code.

    Nothing is declared if a manifest is wrong. What the scheduler refuses does not stop the rest.
    Raises FaultsError, or SeldonError if the scheduler cannot be reached.
    """
    found = read_specs(files, recursive, namespace)
    refused = 0
    with open_lookup(scheduler_host) as lookup:
        for declared in found:
            for notice in declared.notices:
                say_note(f"{declared.target}: {notice}")
            try:
                change = _apply(lookup.client, declared.spec)
            except RpcError as error:
                if error.is_out_of_reach:  # then so it is for the others
                    raise
                say_error(f"{declared.target} is refused: {error.detail}")
                refused += 1
            else:
                say(f"{declared.target} {_WORDS.get(change, 'applied')}")
    return 1 if refused else 0


def _apply(client: SchedulerClient, spec: Spec) -> int:
    """Declare a resource; return the change's number, which is the same for all kinds."""
    match spec:
        case ModelSpec():
            return client.apply_model(pb.LoadModelRequest(model=message_of(spec))).change
        case PipelineSpec():
            pipeline = pipeline_message(spec)
            return client.apply_pipeline(pb.LoadPipelineRequest(pipeline=pipeline)).change
        case ExperimentSpec():
            request = pb.StartExperimentRequest(experiment=experiment_message(spec))
            return client.apply_experiment(request).change
        case ServerSpec():
            return client.apply_server(server_message_of(spec)).change
        case ServerConfigSpec():
            return client.apply_server_config(server_config_message_of(spec)).change
        case SecretSpec() | AgentConfigSpec():
            return _apply_secret(client, spec)
        case _:
            assert_never(spec)


def _apply_secret(client: SchedulerClient, spec: SecretSpec | AgentConfigSpec) -> int:
    """Declare a Secret or the ConfigMap, and say if others may read it on its way."""
    if client.overheard_at:
        say_warning(
            f"what {spec.name} holds goes to {client.overheard_at}, another machine, in plain "
            "text; set up TLS (control.tls there, a `seldon config` here)"
        )
    if isinstance(spec, SecretSpec):
        return client.apply_secret(secret_message(spec)).change
    return client.apply_agent_config(agent_config_message(spec)).change
