import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.pipeline_message import (
    pipeline_message,
    pipeline_of,
    pipeline_version_message,
)
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
    PipelineVersion,
)

FULL = PipelineSpec(
    "p",
    (
        PipelineStep("b", batch_size=0, batch_window_ms=10),
        PipelineStep(
            "a",
            ("b.outputs",),
            JoinOp.ANY,
            0,
            {"b.outputs.X": "Y"},
            ("p.inputs.T",),
            JoinOp.OUTER,
        ),
    ),
    PipelineInput(
        ("q.outputs",), ("q.step.s.outputs",), JoinOp.OUTER, JoinOp.ANY, 0, {"q.outputs.X": "Y"}
    ),
    PipelineOutput(("a.outputs",), JoinOp.ANY, 9, {"a.outputs.X": "Y"}),
    clean_topics_on_delete=True,
    allow_cycles=True,
    max_step_revisits=5,
    meta=KubernetesMeta("team", 3),
)
LEAST = PipelineSpec("p", (PipelineStep("a"),))


@pytest.mark.parametrize(
    "spec", [pytest.param(FULL, id="every field"), pytest.param(LEAST, id="none")]
)
def test_what_a_message_declares_is_read_back(spec: PipelineSpec) -> None:
    assert pipeline_of(pipeline_message(spec)) == spec


NAMES = st.one_of(
    st.sampled_from(["a", "b", "p", "a.outputs", "p.inputs.T", ""]),
    st.text(st.characters(codec="utf-8"), max_size=5),
)
STEPS = st.builds(
    PipelineStep,
    NAMES,
    st.lists(NAMES, max_size=3).map(tuple),
    st.sampled_from(list(JoinOp)),
    st.none() | st.integers(0, 2**32 - 1),
    st.dictionaries(NAMES, NAMES, max_size=2),
    st.lists(NAMES, max_size=2).map(tuple),
)


@given(st.lists(STEPS, max_size=4).map(tuple), st.lists(NAMES, max_size=2), st.booleans())
def test_any_declaration_is_read_or_refused_at_a_place(
    steps: tuple[PipelineStep, ...], output: list[str], allows_cycles: bool
) -> None:
    declared = PipelineSpec(
        "p", steps, output=PipelineOutput(tuple(output)), allow_cycles=allows_cycles
    )
    place = ""
    try:
        read = pipeline_of(pipeline_message(declared))
    except InvalidResourceError as error:
        place = error.path.split(".")[0]
    else:
        assert pipeline_of(pipeline_message(read)) == read
    assert place in ("", "steps", "output")


def test_defaults_are_left_out_of_a_message() -> None:
    assert pipeline_message(LEAST) == pb.Pipeline(name="p", steps=[pb.PipelineStep(name="a")])


def test_a_version_tells_its_number_its_id_and_sorted_steps() -> None:
    message = pipeline_version_message(PipelineVersion(FULL, 4, "id"))

    assert (message.version, message.uid) == (4, "id")
    assert [step.name for step in message.steps] == ["a", "b"]


def test_references_come_in_their_full_form() -> None:
    message = pb.Pipeline(
        name="p",
        steps=[pb.PipelineStep(name="a", inputs=["p"])],
        output=pb.PipelineOutput(steps=["a"]),
    )

    spec = pipeline_of(message)

    assert spec.steps[0].inputs == ("p.inputs",)
    assert spec.output == PipelineOutput(("a.outputs",))


def test_number_and_id_of_a_declaration_are_not_looked_at() -> None:
    message = pipeline_message(LEAST)
    message.version, message.uid = 7, "id"

    assert pipeline_of(message) == LEAST


def step_joined(number: int) -> pb.PipelineStep:
    step = pb.PipelineStep(name="a")
    step.inputsJoin = number  # type: ignore[assignment]  # a number on the wire
    return step


def input_triggered(number: int) -> pb.PipelineInput:
    feed = pb.PipelineInput()
    feed.triggersJoin = number  # type: ignore[assignment]  # a number on the wire
    return feed


def output_joined(number: int) -> pb.PipelineOutput:
    output = pb.PipelineOutput()
    output.stepsJoin = number  # type: ignore[assignment]  # a number on the wire
    return output


@pytest.mark.parametrize(
    ("message", "path"),
    [
        pytest.param(pb.Pipeline(name="p"), "steps", id="not valid"),
        pytest.param(
            pb.Pipeline(name="p", steps=[step_joined(3)]),
            "steps.0.inputsJoin",
            id="unknown join",
        ),
        pytest.param(
            pb.Pipeline(name="p", input=input_triggered(-1)),
            "input.triggersJoin",
            id="negative join",
        ),
        pytest.param(
            pb.Pipeline(name="p", output=output_joined(9)),
            "output.stepsJoin",
            id="unknown join of the output",
        ),
        pytest.param(
            pb.Pipeline(name="p", kubernetesMeta=pb.KubernetesMeta(namespace="A")),
            "kubernetesMeta.namespace",
            id="namespace",
        ),
        pytest.param(
            pb.Pipeline(name="p", steps=[pb.PipelineStep(name="a" * 300_000)]),
            "pipeline",
            id="too large",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(message: pb.Pipeline, path: str) -> None:
    with pytest.raises(InvalidResourceError) as raised:
        pipeline_of(message)

    assert raised.value.path == path
