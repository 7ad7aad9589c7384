import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.declaration_size import MAX_DECLARATION_BYTES, check_size


def test_a_declaration_may_be_so_large_and_no_larger() -> None:
    message = pb.Experiment(name="e" * MAX_DECLARATION_BYTES)
    largest = pb.Experiment(name="e" * (2 * MAX_DECLARATION_BYTES - message.ByteSize()))

    check_size(largest, "experiment")
    with pytest.raises(InvalidResourceError, match="262144 is the most"):
        check_size(message, "experiment")
