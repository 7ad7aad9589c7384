"""`apply`: declare what manifests say."""

from collections.abc import Sequence
from typing import Final

from seldon_core.cli.kinds import Target
from seldon_core.cli.lookup import open_lookup
from seldon_core.cli.manifest_files import read_specs
from seldon_core.cli.output import say, say_error
from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.kubernetes import KINDS, MODEL
from seldon_core.transport.control_client import RpcError

_Change = control_pb2.ApplyModelResponse.Change

_WORDS: Final = {
    _Change.CREATED: "created",
    _Change.CONFIGURED: "configured",
    _Change.UNCHANGED: "unchanged",
}


def apply(
    files: Sequence[str], recursive: bool, namespace: str | None, scheduler_host: str | None
) -> int:
    """Declare every model of the manifests and say what that changed; return the exit code.

    Nothing is declared if a manifest is wrong. What the scheduler refuses does not stop the rest.
    Raises FaultsError, or SeldonError if the scheduler cannot be reached.
    """
    specs = read_specs(files, recursive, namespace)
    refused = 0
    with open_lookup(scheduler_host) as lookup:
        for spec in specs:
            target = Target(KINDS[MODEL], spec.name)
            try:
                request = pb.LoadModelRequest(model=message_of(spec))
                answer = lookup.client.apply_model(request)
            except RpcError as error:
                if error.is_out_of_reach:  # then so it is for the others
                    raise
                say_error(f"{target} is refused: {error.detail}")
                refused += 1
            else:
                say(f"{target} {_WORDS.get(answer.change, 'applied')}")
    return 1 if refused else 0
