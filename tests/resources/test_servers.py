"""The servers that exist without being declared."""

from seldon_core.resources.servers import DEFAULT_SERVERS


def test_seldons_default_servers_have_seldons_capabilities():
    assert {server.name: ",".join(server.capabilities) for server in DEFAULT_SERVERS} == {
        "mlserver": "mlserver,alibi-detect,alibi-explain,huggingface,lightgbm,mlflow,python,"
        "sklearn,spark-mlib,xgboost",
        "triton": "triton,dali,fil,onnx,openvino,python,pytorch,tensorflow,tensorrt",
    }
