import pytest

from seldon_core.scheduler.fleet_values import LOOP_AFTER, ReportEnd
from seldon_core.transport.control import ReplicaId


@pytest.mark.parametrize(("ends", "is_loop"), [(LOOP_AFTER - 1, False), (LOOP_AFTER, True)])
def test_a_process_that_ends_again_and_again_dies_in_a_loop(ends, is_loop):
    assert ReportEnd(ReplicaId("a", 0), "exit code 1", ends, 0.5).is_loop is is_loop
