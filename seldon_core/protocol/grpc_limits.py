"""What a ModelInferRequest may hold, found out from its bytes before protobuf reads them."""

from typing import Final

from seldon_core.errors import PayloadTooLargeError
from seldon_core.protocol.inference import Buffer
from seldon_core.protocol.protobuf_wire import field_tag, scan

TENSORS: Final = (field_tag(5), field_tag(6))
"""The fields of a request that are messages of their own: inputs, and the outputs wanted."""

RAW_INPUT: Final = field_tag(7)
"""The field of a request that is an input's bytes."""


def check_typed_size(message: Buffer, limit: int) -> None:
    """Raise PayloadTooLargeError if a request has more than `limit` bytes besides raw contents.

    Of typed contents each number becomes an object on its way: 4 MiB of them can take 0.1 s, in
    which nothing else is done. Also raises InvalidRequestError if there are too many fields.
    """
    nbytes = len(message)
    if nbytes <= limit:
        return
    for tag, start, end in scan(message) or ():
        if tag == RAW_INPUT:
            nbytes -= end - start
    if nbytes > limit:
        raise PayloadTooLargeError(
            f"a request may have {limit} bytes besides its raw contents, this has {nbytes}: send "
            "large tensors in raw_input_contents, not in contents"
        )
