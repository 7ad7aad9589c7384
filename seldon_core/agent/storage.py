"""Finds the files of models that are on remotes, by what the scheduler says of these.

What a remote's type does is a function here: it makes the files lie on this machine, and says
where. Everything in it blocks: call it on a thread. No error shows a parameter of a remote.
"""

import posixpath
from collections.abc import Callable, Mapping
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.remote import Remote


class Remotes:
    """The remotes that the models of one agent are on, by the models' internal names."""

    def __init__(self) -> None:
        self._by_model: dict[str, Remote] = {}

    def put(self, model: str, remote: Remote | None) -> None:
        """Have the loads of `model` from now on go by `remote`; None: by none."""
        if remote is None:
            self.drop(model)
        else:
            self._by_model[model] = remote

    def drop(self, model: str) -> None:
        """Forget by which remote `model` was loaded, if by any: it is gone."""
        self._by_model.pop(model, None)

    def of(self, model: str) -> Remote | None:
        """Return the remote that a model is on, None if on none; from any thread."""
        return self._by_model.get(model)


def fetch(uri: str, remote: Remote) -> str:
    """Return the path where the files are by now that `uri` means, which is on `remote`.

    Raises InvalidResourceError if they cannot be had.
    """
    fetch_from = _TYPES.get(remote.type)
    if fetch_from is None:
        raise InvalidResourceError(
            uri,
            f"is on the remote {remote.name!r} of type {remote.type!r}, which is not yet supported "
            f"here; supported types: {', '.join(_TYPES)}",
        )
    return fetch_from(uri, remote)


def _path_on(uri: str, remote: Remote) -> str:
    return uri.removeprefix(f"{remote.name}:")


def _of_alias(uri: str, remote: Remote) -> str:
    """Files below the folder that `parameters.remote` names."""
    folder = remote.parameters.get("remote", "")
    if not folder.startswith("/"):
        raise InvalidResourceError(
            uri,
            f"is on the remote {remote.name!r}, an alias whose parameter 'remote' is missing or no "
            "absolute path of this machine",
        )
    path = posixpath.normpath(posixpath.join("/", _path_on(uri, remote)))
    return posixpath.join(folder, path.lstrip("/"))


def _of_this_machine(uri: str, remote: Remote) -> str:
    """Files at the absolute path that follows the remote's name."""
    path = _path_on(uri, remote)
    if not path.startswith("/"):
        raise InvalidResourceError(uri, f"needs an absolute path behind {remote.name}:")
    return posixpath.normpath(f"/{path.lstrip('/')}")


_TYPES: Final[Mapping[str, Callable[[str, Remote], str]]] = {
    "alias": _of_alias,
    "local": _of_this_machine,
}
"""What gets the files that are on a remote, by rclone's name of its type."""
