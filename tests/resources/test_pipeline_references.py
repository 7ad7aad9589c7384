import pytest

from seldon_core.resources.pipeline import (
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.resources.pipeline_references import (
    external_fault,
    full_external,
    is_external_tensor,
    is_reference,
    is_tensor,
    normalised,
    source_of,
)


def test_a_bare_step_means_its_outputs_and_the_pipeline_its_inputs() -> None:
    step = PipelineStep("b", inputs=("a", "p", "a.inputs", "a.outputs.T"), triggers=("a", "p"))
    spec = PipelineSpec("p", (PipelineStep("a"), step), output=PipelineOutput(("b", "a.inputs")))

    full = normalised(spec)

    assert full.steps[1].inputs == ("a.outputs", "p.inputs", "a.inputs", "a.outputs.T")
    assert full.steps[1].triggers == ("a.outputs", "p.inputs")
    assert full.output is not None
    assert full.output.steps == ("b.outputs", "a.inputs")


def test_a_step_without_inputs_keeps_none() -> None:
    full = normalised(PipelineSpec("p", (PipelineStep("a"),)))

    assert full.steps[0].inputs == ()
    assert full.input is None
    assert full.output is None


def test_references_to_other_pipelines_get_their_outputs() -> None:
    feed = PipelineInput(("q", "q.step.s", "q.inputs"), ("r", "r.outputs.T"))

    full = normalised(PipelineSpec("p", (PipelineStep("a"),), input=feed)).input

    assert full is not None
    assert full.external_inputs == ("q.outputs", "q.step.s.outputs", "q.inputs")
    assert full.external_triggers == ("r.outputs", "r.outputs.T")


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("q.outputs.T", "q.outputs.T", id="tensor"),
        pytest.param("q.step.s.inputs", "q.step.s.inputs", id="inputs of a step"),
    ],
)
def test_what_is_full_or_empty_stays_as_it_is(reference: str, full: str) -> None:
    assert full_external(reference) == full


def test_normalising_twice_is_normalising_once() -> None:
    steps = (PipelineStep("a", ("p",)), PipelineStep("b", ("a",), triggers=("a.inputs.x",)))
    once = normalised(PipelineSpec("p", steps, PipelineInput(("q",)), PipelineOutput(("b",))))

    assert normalised(once) == once


@pytest.mark.parametrize(
    ("reference", "is_one"),
    [
        pytest.param("a.outputs", True, id="outputs"),
        pytest.param("a.inputs.T", True, id="tensor"),
        pytest.param("a", False, id="bare"),
        pytest.param("a.other", False, id="specifier"),
        pytest.param("a.outputs.", False, id="empty tensor"),
        pytest.param("a.outputs.T.U", False, id="too many parts"),
    ],
)
def test_a_reference_has_two_or_three_parts(reference: str, is_one: bool) -> None:
    assert is_reference(reference) is is_one
    assert source_of(reference) == "a"


@pytest.mark.parametrize(
    ("key", "is_own", "is_external"),
    [
        pytest.param("a.outputs.T", True, True, id="tensor"),
        pytest.param("a.outputs.T.U", True, True, id="dot in the name of the tensor"),
        pytest.param("q.step.s.outputs.T", False, True, id="tensor of a step of another"),
        pytest.param("a.outputs", False, False, id="no tensor"),
        pytest.param("a.results.T", False, False, id="specifier"),
        pytest.param(".outputs.T", False, False, id="no source"),
        pytest.param("q.step.s.outputs", False, False, id="no tensor of a step"),
    ],
)
def test_keys_of_tensor_maps_name_one_tensor(key: str, is_own: bool, is_external: bool) -> None:
    assert is_tensor(key) is is_own
    assert is_external_tensor(key) is is_external


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        pytest.param("q.outputs", "", id="outputs"),
        pytest.param("q.inputs.T", "", id="tensor"),
        pytest.param("q.step.s.outputs", "", id="step"),
        pytest.param("q.step.s.outputs.T", "", id="tensor of a step"),
        pytest.param(".outputs", "the name of the pipeline is empty", id="no name"),
        pytest.param("q.results", "'results' is not inputs, outputs or step", id="specifier"),
        pytest.param("q.step.s.results", "after step", id="specifier of a step"),
        pytest.param("q.step", "after step", id="no step"),
        pytest.param("q.outputs.T.U", "more parts", id="too many parts"),
        pytest.param("q.outputs.", "a part of it is empty", id="empty tensor"),
    ],
)
def test_what_is_wrong_with_a_reference_to_another_pipeline_is_told(
    reference: str, said: str
) -> None:
    fault = external_fault(reference)

    assert said in fault
    assert bool(said) is bool(fault)
