from seldon_core.resources.fault import Fault


def test_a_fault_becomes_an_error_at_its_place() -> None:
    error = Fault("steps.0", "is wrong").error("iris.yaml: spec.")

    assert error.path == "iris.yaml: spec.steps.0"
    assert str(error) == "iris.yaml: spec.steps.0: is wrong"
