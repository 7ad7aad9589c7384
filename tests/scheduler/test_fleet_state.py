from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.fleet_state import of_processes


def test_what_only_a_process_of_its_own_can_be_is_named():
    assert list(of_processes(ServerSpec("a", capabilities=("b",), replicas=3))) == []
    whole = ServerSpec(
        "a",
        memory_bytes=1,
        over_commit_percentage=0,
        python="/p",
        environment_name="e",
        environment_variables={"A": "b"},
        device_count=1,
    )
    names = ["memory", "overCommitPercentage", "python", "environment", "env", "devices"]
    assert list(of_processes(whole)) == names
