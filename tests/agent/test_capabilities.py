"""What the default servers can do with the libraries that are there."""

from seldon_core.agent import capabilities
from seldon_core.agent.capabilities import capabilities_here
from seldon_core.resources.servers import MLSERVER, TRITON


def test_a_capability_whose_library_is_missing_is_left_out_and_its_extra_named(monkeypatch, caplog):
    monkeypatch.setattr(capabilities, "find_spec", lambda name: None if name == "sklearn" else name)
    assert capabilities_here(MLSERVER) == ("mlserver",)
    assert {"triton", "onnx"} <= set(capabilities_here(TRITON))
    assert "seldon-core[sklearn]" in caplog.text
