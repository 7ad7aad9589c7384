"""Values that operators see."""

from seldon_core.scheduler.status import ServerReplicaStatus, ServerStatus


def test_models_are_counted_on_each_replica():
    replicas = (ServerReplicaStatus(0, 9, 9, 10, 2), ServerReplicaStatus(1, 9, 9, 10, 3))
    assert ServerStatus("mlserver", -1, (), replicas).num_loaded_model_replicas == 5
    assert ServerStatus("mlserver", -1, (), ()).num_loaded_model_replicas == 0
