from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.pipeline import (
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.resources.pipeline_checks import checked, pipeline_fault
from seldon_core.resources.pipeline_references import normalised


def step(name: str, *inputs: str, triggers: tuple[str, ...] = ()) -> PipelineStep:
    return PipelineStep(name, inputs, triggers=triggers)


def pipeline(*steps: PipelineStep, output: tuple[str, ...] = ()) -> PipelineSpec:
    return PipelineSpec("p", steps, output=PipelineOutput(output) if output else None)


# Every pipeline has the fault of its row, and those of the rows after it as far as they can be.
FAULTS = [
    pytest.param(
        replace(pipeline(step("a"), step("a")), name="P_"),
        "steps.1.name",
        "step 'a' is in pipeline 'P_' more than once",
        id="duplicate step",
    ),
    pytest.param(
        replace(pipeline(step("P.")), name="P."), "name", "must be lower-case letters", id="name"
    ),
    pytest.param(pipeline(), "steps", "pipeline 'p' has no step", id="no step"),
    pytest.param(
        pipeline(step("p", "")), "steps.0.name", "is named like its pipeline", id="own name"
    ),
    pytest.param(
        pipeline(step("a.b", "")), "steps.0.name", "is no name of a model", id="dotted step"
    ),
    pytest.param(
        pipeline(step("a", "", triggers=("",))),
        "steps.0.inputs.0",
        "step 'a' of pipeline 'p' has an empty input",
        id="empty input",
    ),
    pytest.param(
        pipeline(step("a", "b.results", triggers=("",))),
        "steps.0.inputs.0",
        "'b.results' of step 'a' of pipeline 'p' is not an input",
        id="malformed input",
    ),
    pytest.param(
        pipeline(step("a", "b", triggers=(".",))),
        "steps.0.triggers.0",
        "step 'a' of pipeline 'p' has an empty trigger",
        id="empty trigger",
    ),
    pytest.param(
        pipeline(step("a", "b", triggers=("b.x.y.z",))),
        "steps.0.triggers.0",
        "'b.x.y.z' of step 'a' of pipeline 'p' is not a trigger",
        id="malformed trigger",
    ),
    pytest.param(
        pipeline(step("a", "b"), output=("c",)),
        "steps.0.inputs.0",
        "'b.outputs' of step 'a' names 'b', which is no step of pipeline 'p'; there are: a",
        id="unknown step",
    ),
    pytest.param(
        pipeline(step("a", triggers=("b",)), output=("c",)),
        "steps.0.triggers.0",
        "'b.outputs' of step 'a' names 'b'",
        id="unknown step of a trigger",
    ),
    pytest.param(
        pipeline(step("a", "a"), output=("c.results",)),
        "output.steps.0",
        "'c.results' names 'c', which is no step",
        id="unknown output",
    ),
    pytest.param(
        pipeline(step("a", "a"), output=("a.results",)),
        "output.steps.0",
        "'a.results' of pipeline 'p' is not an output",
        id="malformed output",
    ),
    pytest.param(
        pipeline(
            step("a", "c"), step("b", "a", triggers=("a",)), step("c", triggers=("b.inputs",))
        ),
        "steps",
        "wait for each other: a -> b -> c -> a",
        id="cycle",
    ),
    pytest.param(
        replace(
            pipeline(step("a"), step("b", "a", triggers=("a.outputs",))), input=PipelineInput()
        ),
        "steps.1.triggers.0",
        "'a.outputs' is both an input and a trigger of step 'b'",
        id="overlap",
    ),
    pytest.param(
        replace(pipeline(step("a")), input=PipelineInput(external_triggers=("q",))),
        "input.externalInputs",
        "has an input that names no external one",
        id="no external input",
    ),
    pytest.param(
        replace(pipeline(step("a")), input=PipelineInput(("q.results",), ("",))),
        "input.externalInputs.0",
        "'q.results' of pipeline 'p': 'results' is not inputs, outputs or step",
        id="malformed external input",
    ),
    pytest.param(
        replace(pipeline(step("a")), input=PipelineInput(("q",), ("",))),
        "input.externalTriggers.0",
        "the name of the pipeline is empty",
        id="malformed external trigger",
    ),
    pytest.param(
        pipeline(PipelineStep("a", tensor_map={"p.inputs": "X"})),
        "steps.0.tensorMap",
        "'p.inputs': 'X' of pipeline 'p' renames nothing",
        id="map of a step",
    ),
    pytest.param(
        replace(pipeline(step("a")), output=PipelineOutput(("a",), tensor_map={"a.outputs.X": ""})),
        "output.tensorMap",
        "renames nothing",
        id="map of the output",
    ),
    pytest.param(
        replace(pipeline(step("a")), input=PipelineInput(("q",), tensor_map={"q.step.s": "X"})),
        "input.tensorMap",
        "write pipeline.outputs.tensor",
        id="map of the input",
    ),
]


@pytest.mark.parametrize(("spec", "path", "said"), FAULTS)
def test_the_first_fault_is_told_with_its_place(spec: PipelineSpec, path: str, said: str) -> None:
    with pytest.raises(InvalidResourceError) as raised:
        checked(spec, "spec.")

    assert raised.value.path == f"spec.{path}"
    assert said in str(raised.value)


def test_a_valid_pipeline_comes_back_in_its_full_form() -> None:
    spec = replace(
        pipeline(
            step("a", "p"),
            PipelineStep("b", ("a",), tensor_map={"a.outputs.X.1": "Y"}, triggers=("a.inputs.T",)),
            output=("b", "a"),
        ),
        input=PipelineInput(("q.step.s",), ("r",), tensor_map={"q.step.s.outputs.X": "Y"}),
    )

    assert checked(spec) == normalised(spec)


def test_a_pipeline_without_an_output_is_valid() -> None:
    assert pipeline_fault(pipeline(step("a"))) is None


def test_cycles_that_are_allowed_are_no_fault() -> None:
    spec = replace(pipeline(step("a", "b.outputs"), step("b", "a.outputs")), allow_cycles=True)

    assert pipeline_fault(spec) is None


def test_a_name_may_have_253_characters_and_no_more() -> None:
    assert pipeline_fault(replace(pipeline(step("a")), name="p" * 253)) is None
    assert pipeline_fault(replace(pipeline(step("a")), name="p" * 254)) is not None


def test_a_long_chain_is_looked_through() -> None:
    chain = [step("s0"), *(step(f"s{n}", f"s{n - 1}.outputs") for n in range(1, 500))]

    assert pipeline_fault(pipeline(*chain)) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_a_cycle_is_found_where_there_is_one(edges: list[tuple[int, int]]) -> None:
    steps = [
        step(f"s{to}", *(f"s{start}.outputs" for start, end in edges if end == to))
        for to in range(6)
    ]
    reached = {(start, end) for start, end in edges}
    for middle in range(6):
        for start in range(6):
            for end in range(6):
                if (start, middle) in reached and (middle, end) in reached:
                    reached.add((start, end))

    fault = pipeline_fault(pipeline(*steps))

    assert (fault is not None) == any(start == end for start, end in reached)
    if fault is not None:
        circle = fault.message.split("each other: ")[1].split(";")[0].split(" -> ")
        assert circle[0] == circle[-1]
        named = {(f"s{start}", f"s{end}") for start, end in edges}
        assert set(pairwise(circle)) <= named
