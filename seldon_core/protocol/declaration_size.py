"""How large a declaration may be."""

from typing import Final

from google.protobuf.message import Message

from seldon_core.errors import InvalidResourceError

# A status tells the whole declaration, and clients take 4 MiB in at most. So much as well `kubectl
# apply` notes of a manifest.
MAX_DECLARATION_BYTES: Final = 256 * 1024


def check_size(message: Message, path: str) -> None:
    """Raise InvalidResourceError at `path` if the declaration `message` is too large."""
    if message.ByteSize() > MAX_DECLARATION_BYTES:
        raise InvalidResourceError(
            path,
            f"the declaration has {message.ByteSize()} bytes, {MAX_DECLARATION_BYTES} is the most",
        )
