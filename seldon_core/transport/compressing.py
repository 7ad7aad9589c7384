"""gRPC messages compressed on their way out, bit by bit, for callers that compress theirs.

Only who asks for it gets it: with tensors of random bits it costs more time than a network takes
to send them. So a message that the first bits of which hardly shrink goes out as it is.
"""

import zlib
from asyncio import sleep
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.grpc_frames import WINDOW_BITS
from seldon_core.transport.settings import KIB

COMPRESS_FROM: Final = KIB
"""A message below is sent as it is: there is little to gain."""

_STEP = 16 * KIB  # compressed in about 1 ms if its bits are random, then others have their turn
_TRIAL = 256 * KIB  # after so many bytes it is decided whether it is worth it
_WORTH = 0.95  # of the size
_LEVEL = 1  # of 1 MiB of small integers it leaves 0.35, the usual 6 leaves 0.32 in 8 times the time


def answer_coding(headers: Mapping[bytes, bytes]) -> bytes:
    """Return how the messages that answer a call are to be compressed, b"" if they are not.

    As the caller's own are, if it says that it reads that. `headers` are the call's.
    """
    coding = headers.get(b"grpc-encoding", b"identity")
    accepted = headers.get(b"grpc-accept-encoding", b"").split(b",")
    if WINDOW_BITS.get(coding) is None or coding not in (each.strip() for each in accepted):
        return b""
    return coding


async def compressed(
    parts: Sequence[Buffer], coding: bytes, budget: InFlightBytes
) -> list[bytes] | None:
    """Return a message of `parts` in `coding`, None if it is to be sent as it is.

    Works in steps of about a millisecond, and takes turns with who else does by `budget.turn`.
    """
    size = sum(memoryview(part).nbytes for part in parts)
    if size < COMPRESS_FROM:
        return None
    window_bits = WINDOW_BITS[coding]
    assert window_bits is not None  # or it is no compression
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, window_bits)
    packed: list[bytes] = []
    taken, made = 0, 0
    for step in _steps(parts):
        async with budget.turn:
            piece = packer.compress(step)
            taken += len(step)
            if taken < size:
                await sleep(0)
        if piece:
            packed.append(piece)
            made += len(piece)
        if taken >= _TRIAL and made > taken * _WORTH:
            return None
    packed.append(packer.flush())
    made += len(packed[-1])
    return packed if made < size else None


def _steps(parts: Sequence[Buffer]) -> Iterator[memoryview]:
    for part in parts:
        view = memoryview(part).cast("B")
        for at in range(0, len(view), _STEP):
            yield view[at : at + _STEP]
