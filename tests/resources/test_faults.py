import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from seldon_core.resources.faults import describe_faults


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inner: list[Inner] = []


def faults(document):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(document)
    return describe_faults(caught.value, {(): Outer, ("inner",): Inner})


def test_a_fault_has_its_place_and_the_nearest_field_there():
    assert faults({"inner": [{}, {"cuont": 1}]}) == [
        ("inner.1.cuont", "unknown field, did you mean count?")
    ]


def test_of_very_many_faults_the_first_are_described():
    described = faults({f"q{i}": 0 for i in range(13)})
    assert len(described) == 11
    assert described[-1] == ("", "and 3 faults more")


def test_a_fault_without_words_of_ours_is_in_pydantics():
    ((place, message),) = faults({"inner": [{"count": "x"}]})
    assert place == "inner.0.count"
    assert message.startswith("input should be a valid integer")
    assert message.endswith(", not 'x'")
