"""`delete`: take resources away and, unless told otherwise, wait until nothing of them is left."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seldon_core.cli.durations import parse_duration
from seldon_core.cli.get import targets_of
from seldon_core.cli.kinds import Target
from seldon_core.cli.lookup import Lookup, open_lookup
from seldon_core.cli.output import say, say_error, say_note
from seldon_core.cli.seen import Resource
from seldon_core.cli.wait import timed_out
from seldon_core.cli.waiting import wait_until
from seldon_core.errors import InvalidRequestError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.proto.secrets_pb2 import SecretReference
from seldon_core.proto.servers_pb2 import ServerReference
from seldon_core.resources import kubernetes
from seldon_core.transport.control_client import RpcError, SchedulerClient

_FAILED: Final = ("ModelTerminateFailed", "PipelineFailedTerminating")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete. `timeout` is a duration, of which 0 means as long as it takes."""

    namespace: str | None = None
    is_all: bool = False
    is_patient: bool = True
    timeout: str = "0s"
    ignores_missing: bool = False


def delete(
    words: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    options: DeleteOptions,
    scheduler_host: str | None,
) -> int:
    """Delete what is named; return the exit code, 1 if some of it is missing or was not unloaded.

    Raises InvalidRequestError if something cannot be deleted or is not named, and SeldonError as
    `get` does.
    """
    timeout_s = parse_duration(options.timeout, "--timeout")
    targets = targets_of(words, files, recursive, "delete model/iris")
    for target in targets:
        _check(target, options)
    with open_lookup(scheduler_host) as lookup:
        deleted: list[Target] = []
        failed = False
        for target in lookup.each(targets, options.namespace):
            if lookup.find(target, options.namespace) is None:
                if not (options.ignores_missing or options.is_all):  # else another deleted it
                    say_note(target.not_found)
                    failed = True
            elif _unload(lookup, target):
                deleted.append(target)
            else:
                failed = True
        if options.is_patient:
            end = time.monotonic() + (timeout_s if timeout_s > 0 else float("inf"))
            for target in deleted:
                failed |= not _is_gone_by(lookup, target, end)
    return 1 if failed else 0


def _check(target: Target, options: DeleteOptions) -> None:
    kind = target.kind
    if bool(target.name) == options.is_all:
        problem = f"{target.name!r} and --all exclude each other" if target.name else "no name"
        raise InvalidRequestError(
            f"{problem}: write delete {kind.singular} NAME, or delete {kind.plural} --all"
        )


def _unload(lookup: Lookup, target: Target) -> bool:
    try:
        _ask_to_unload(lookup.client, target)
    except RpcError as error:
        if error.is_out_of_reach:  # then so it is for the others
            raise
        say_error(f"{target} is not deleted: {error.detail}")
        return False
    say(f'{target.kind.resource} "{target.name}" deleted')
    return True


def _ask_to_unload(client: SchedulerClient, target: Target) -> None:
    match target.kind.name:
        case kubernetes.PIPELINE:
            client.unload_pipeline(pb.UnloadPipelineRequest(name=target.name))
        case kubernetes.EXPERIMENT:
            client.stop_experiment(pb.StopExperimentRequest(name=target.name))
        case kubernetes.SERVER:
            client.delete_server(ServerReference(name=target.name))
        case kubernetes.SERVER_CONFIG:
            client.delete_server_config(ServerReference(name=target.name))
        case kubernetes.SECRET:
            client.delete_secret(SecretReference(name=target.name))
        case kubernetes.CONFIG_MAP:
            client.delete_agent_config(SecretReference(name=target.name))
        case _:
            reference = pb.ModelReference(name=target.name)
            client.unload_model(pb.UnloadModelRequest(model=reference))


def _is_gone_by(lookup: Lookup, target: Target, end: float) -> bool:
    """Wait until nothing is left of a resource, or an unload failed, and say so if it is late.

    One that is not deleted is another, which was declared when the first was gone.
    """

    def is_over(seen: Resource | None) -> bool:
        return seen is None or not seen.is_deleted or seen.state in _FAILED

    seen, is_met = wait_until(
        lambda: lookup.find(target), is_over, max(0.0, end - time.monotonic())
    )
    if seen is None or not seen.is_deleted:
        return True
    say_error(f"{target} is not unloaded: {seen.summary}" if is_met else timed_out(target, seen))
    return False
