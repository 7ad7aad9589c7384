"""What clients may change of the running server: its models and its settings.

Only from this machine: a client is not yet known by anything else, and a load runs the model's
code.
"""

from collections.abc import Mapping

from seldon_core.errors import (
    InvalidRequestError,
    ModelRuntimeError,
    NotReadyError,
    UnsupportedError,
)
from seldon_core.protocol.tensors import brief
from seldon_core.transport.handler import Adjustable, Repository, Setting
from seldon_core.transport.locality import Caller, check_is_local


async def load_model(
    repository: Repository, model: str, parameters: Mapping[str, object], caller: Caller
) -> None:
    """Load a model for a client.

    Raises ForbiddenError if it is not of this machine, UnsupportedError for files in the request,
    InvalidRequestError with the reason if the model cannot be loaded, as Triton answers that, and
    NotFoundError.
    """
    check_is_local(caller, "load a model")
    texts = {name: _text(name, value) for name, value in parameters.items()}
    try:
        await repository.load(model, texts, caller.peer)
    except (ModelRuntimeError, NotReadyError) as error:
        raise InvalidRequestError(f"model {model} was not loaded: {error}") from error


async def unload_model(
    repository: Repository, model: str, parameters: Mapping[str, object], caller: Caller
) -> None:
    """Unload a model for a client.

    `unload_dependents` changes nothing: no model is loaded for another's sake. Raises
    ForbiddenError if the client is not of this machine, InvalidRequestError for a parameter that
    is not understood, and NotFoundError.
    """
    check_is_local(caller, "unload a model")
    for name, value in parameters.items():
        if name != "unload_dependents":
            raise InvalidRequestError(
                f"parameters.{brief(name)}: unload takes unload_dependents only"
            )
        if type(value) is not bool:
            raise InvalidRequestError(f"parameters.{name}: must be a boolean, found {brief(value)}")
    await repository.unload(model, caller.peer)


def changed_settings(
    adjustable: Adjustable, changes: Mapping[str, Setting | None], caller: Caller, model: str = ""
) -> Mapping[str, Setting]:
    """Change settings for a client and return all; without changes anyone may ask.

    Raises ForbiddenError if it is not of this machine, and what `adjustable` raises.
    """
    if not changes:
        return adjustable.current(model)
    check_is_local(caller, "change settings")
    return adjustable.change(changes, caller.peer, model)


def _text(name: str, value: object) -> str:
    """Return the text that a parameter of a load is."""
    if name.startswith("file:"):
        raise UnsupportedError(
            f"parameters.{brief(name)}: files are not taken from a request, since loading a "
            "model's file can run code: put it into the model's folder, then load the model"
        )
    if type(value) is not str:
        raise InvalidRequestError(
            f"parameters.{brief(name)}: must be a string, found {brief(value)}"
        )
    return value
