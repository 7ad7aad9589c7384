import json

import numpy as np
import pytest

from seldon_core.errors import UnsupportedError
from seldon_core.protocol.events import answer_event, encoded_event, error_event, without_binary
from seldon_core.protocol.inference import (
    Encoded,
    InferRequest,
    InferResponse,
    RequestedOutput,
    Tensor,
)
from seldon_core.protocol.oip_json import JSON_CODEC


def data_of(event):
    """The one event's data, read as browsers do."""
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert event.count(b"\n") == 2
    return json.loads(event[6:])


def test_an_answer_is_an_event_of_one_line():
    text = np.array([b"two\nlines\r\n"], object)
    response = InferResponse("m_1", [Tensor("y", "BYTES", text)], "1", "r")
    data = data_of(answer_event(JSON_CODEC, response, InferRequest([])))
    assert data["outputs"][0]["data"] == ["two\nlines\r\n"]
    assert (data["model_name"], data["id"]) == ("m_1", "r")


@pytest.mark.parametrize(
    "wish",
    [
        InferRequest([], parameters={"binary_data_output": True}),
        InferRequest([], [RequestedOutput("y", {"binary_data": True})]),
    ],
    ids=["for all", "for one"],
)
def test_outputs_are_json_even_if_they_are_wanted_as_bytes(wish):
    response = InferResponse("m_1", [Tensor("y", "INT32", np.array([7], np.int32))])
    assert data_of(answer_event(JSON_CODEC, response, wish))["outputs"][0]["data"] == [7]


def test_other_wishes_are_left_alone():
    wish = InferRequest(
        [],
        [RequestedOutput("y", {"binary_data": True, "classification": 2}), RequestedOutput("z")],
        "r",
        {"binary_data_output": True, "a": 1},
    )
    assert without_binary(wish) == InferRequest(
        [], [RequestedOutput("y", {"classification": 2}), RequestedOutput("z")], "r", {"a": 1}
    )
    assert wish.parameters == {"binary_data_output": True, "a": 1}


def test_bytes_that_are_no_text_cannot_be_an_event():
    response = InferResponse("m_1", [Tensor("y", "BYTES", np.array([b"\xff"], object))])
    with pytest.raises(UnsupportedError):
        answer_event(JSON_CODEC, response, InferRequest([]))


def test_an_error_is_an_event_too():
    assert data_of(error_event("it broke\nthere")) == {"error": "it broke\nthere"}


def test_an_answer_that_is_json_already_is_an_event_as_it_is():
    assert encoded_event(Encoded(b"", (b'{"a":', b"1}"))) == b'data: {"a":1}\n\n'
