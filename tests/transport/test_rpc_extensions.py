"""The door to the extensions' gRPC calls, and all of them by a client library over a socket."""

import asyncio
import subprocess
import sys

import pytest
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from seldon_core.transport.listener import open_listener
from seldon_core.transport.rpc_extension_calls import ANSWERS
from seldon_core.transport.rpc_extensions import VERBS
from seldon_core.transport.settings import ListenerSettings
from tests.support.extensions import fake_services


def test_every_call_has_its_answer():
    assert ANSWERS.keys() == {*VERBS}


def test_a_process_that_is_asked_none_of_them_has_none_of_their_messages():
    program = (
        "import sys; import seldon_core.transport.rpc_extensions; "
        "assert not [name for name in sys.modules if name.endswith('extensions_pb2')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_a_client_library_finds_every_call_where_it_looks():
    async def test():
        services = fake_services()
        async with (
            open_listener(ListenerSettings(port=0), services) as listener,
            InferenceServerClient(f"127.0.0.1:{listener.port}") as client,
        ):
            assert (await client.get_model_config("iris")).config.backend == "onnxruntime"
            for asked in ({}, {"model_name": "iris"}):
                stats = await client.get_inference_statistics(**asked)
                assert stats.model_stats[0].execution_count == 4
            index = await client.get_model_repository_index()
            assert [model.state for model in index.models] == ["READY", "UNAVAILABLE"]
            await client.load_model("iris", config="{}")
            await client.unload_model("iris", unload_dependents=True)
            changed = await client.update_trace_settings("iris", {"trace_rate": "5"})
            assert changed == await client.get_trace_settings("iris")
            assert list(changed.settings["trace_rate"].value) == ["5"]
            changed = await client.update_log_settings({"log_verbose_level": 1})
            assert changed == await client.get_log_settings()
            assert changed.settings["log_verbose_level"].uint32_param == 1
            with pytest.raises(InferenceServerException, match="put it into the model's folder"):
                await client.load_model("iris", config="{}", files={"file:1/model.onnx": b"\0"})
        assert [done[:2] for done in services.repository.done] == [
            ("load", "iris"),
            ("unload", "iris"),
        ]

    asyncio.run(test())
