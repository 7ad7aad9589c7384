"""What servers can do with the libraries that are there."""

import pytest

from seldon_core.agent import capabilities
from seldon_core.agent.capabilities import capabilities_here
from seldon_core.resources.servers import MLSERVER, TRITON, ServerDefinition


def test_a_capability_whose_library_is_missing_is_left_out_and_its_extra_named(monkeypatch, caplog):
    monkeypatch.setattr(capabilities, "find_spec", lambda name: None if name == "sklearn" else name)
    assert capabilities_here(MLSERVER) == ("mlserver",)
    assert {"triton", "onnx"} <= set(capabilities_here(TRITON))
    assert "seldon-core[sklearn]" in caplog.text


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("mine", ("mine", "sklearn", "huggingface"), ("mine", "sklearn")),
        ("mine", ("sklearn", "onnx", "python"), ("sklearn", "onnx", "python")),
        ("mine", ("mlserver", "python", "onnx"), ("mlserver",)),
        ("mine", ("triton", "python"), ("triton", "python")),
        ("triton", ("sklearn", "gpu"), ("gpu",)),
    ],
    ids=["own words", "of both", "of one", "of the other", "by its name"],
)
def test_a_server_of_the_users_can_what_the_default_servers_can(name, given, found):
    assert capabilities_here(ServerDefinition(name, given)) == found
