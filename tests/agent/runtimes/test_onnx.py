"""The ONNX runtime, over graphs of one or two operators."""

import numpy as np
import onnx
import pytest

from seldon_core.agent.runtimes import onnx as runtime_module
from seldon_core.agent.runtimes.onnx import OnnxRuntime
from seldon_core.errors import InvalidRequestError, ModelRuntimeError
from seldon_core.protocol.inference import TensorSpec
from tests.support.models import FLOAT, HALF, INT64, STRING, node, tensor, write_onnx


def double(folder, shape=("rows", 2), result=None):
    return write_onnx(
        folder,
        [node("Add", ["x", "x"], ["y"])],
        [tensor("x", FLOAT, shape)],
        [tensor("y", FLOAT, result or shape)],
    )


def test_a_model_says_what_it_takes_and_gives(tmp_path):
    artifact = write_onnx(
        tmp_path,
        [node("Cast", ["x"], ["y"], to=INT64), node("Cast", ["x"], ["z"], to=STRING)],
        [tensor("x", HALF, ["rows", 3, None])],
        [tensor("y", INT64, ["rows", 3, None]), tensor("z", STRING, ["rows", 3, None])],
    )
    signature = OnnxRuntime().load(artifact).signature
    assert signature.platform == "onnxruntime_onnx"
    assert signature.inputs == (TensorSpec("x", "FP16", (-1, 3, -1)),)
    assert signature.outputs == (
        TensorSpec("y", "INT64", (-1, 3, -1)),
        TensorSpec("z", "BYTES", (-1, 3, -1)),
    )
    assert signature.default_outputs == ("y", "z")
    assert signature.names_matter
    assert signature.batchable


def test_outputs_come_in_the_order_asked_for(tmp_path):
    model = OnnxRuntime().load(
        write_onnx(
            tmp_path,
            [node("Add", ["a", "b"], ["sum"]), node("Sub", ["a", "b"], ["difference"])],
            [tensor("a", FLOAT, ["n", 1]), tensor("b", FLOAT, ["n", 1])],
            [tensor("sum", FLOAT, ["n", 1]), tensor("difference", FLOAT, ["n", 1])],
        )
    )
    inputs = [np.full((1, 1), 5, np.float32), np.full((1, 1), 3, np.float32)]
    assert [a.item() for a in model.infer(inputs, ("difference", "sum"))] == [2, 8]
    assert [a.item() for a in model.infer(inputs, ["sum"])] == [8]


def test_text_goes_in_and_comes_out_as_bytes(tmp_path):
    model = OnnxRuntime().load(
        write_onnx(
            tmp_path,
            [node("Identity", ["x"], ["y"])],
            [tensor("x", STRING, ["n"])],
            [tensor("y", STRING, ["n"])],
        )
    )
    (answer,) = model.infer([np.array(["é".encode()], dtype=object)], ("y",))
    assert answer.tolist() == ["é".encode()]
    assert not model.signature.batchable  # text cannot be tried
    with pytest.raises(InvalidRequestError, match="not UTF-8"):
        model.infer([np.array([b"\xff"], dtype=object)], ("y",))


@pytest.mark.parametrize(
    ("shape", "result"),
    [((2, 2), (2, 2)), (("n", 2), (3, 2)), ((), ())],
    ids=["fixed input", "fixed output", "no dimensions"],
)
def test_without_a_variable_first_dimension_nothing_is_batched(tmp_path, shape, result, caplog):
    caplog.set_level("DEBUG")
    model = OnnxRuntime().load(double(tmp_path, shape, result))
    assert not model.signature.batchable
    assert "without a variable first dim" in caplog.text


def test_rows_that_influence_each_other_are_not_batched(tmp_path, caplog):
    caplog.set_level("DEBUG")
    model = OnnxRuntime().load(
        write_onnx(
            tmp_path,
            [node("Softmax", ["x"], ["y"], axis=0)],
            [tensor("x", FLOAT, ["n", 4])],
            [tensor("y", FLOAT, ["n", 4])],
        )
    )
    assert not model.signature.batchable
    assert "answered differently" in caplog.text


def test_a_model_that_needs_room_is_tried_with_more(tmp_path):
    artifact = write_onnx(
        tmp_path,
        [node("AveragePool", ["x"], ["y"], kernel_shape=[9, 9])],
        [tensor("x", FLOAT, ["n", 1, "h", "w"])],
        [tensor("y", FLOAT, ["n", 1, "oh", "ow"])],
    )
    assert OnnxRuntime().load(artifact).signature.batchable


def test_a_model_that_random_rows_do_not_fit_is_not_batched(tmp_path, caplog):
    caplog.set_level("DEBUG")
    model = OnnxRuntime().load(
        write_onnx(
            tmp_path,
            [node("Reshape", ["x", "shape"], ["y"])],
            [tensor("x", FLOAT, ["n", "k"])],
            [tensor("y", FLOAT, ["n", 7])],
            {"shape": np.array([-1, 7], np.int64)},
        )
    )
    assert not model.signature.batchable
    assert "cannot be tried with random rows" in caplog.text


def test_a_model_without_inputs_is_not_batched(tmp_path):
    model = OnnxRuntime().load(
        write_onnx(
            tmp_path,
            [node("RandomNormal", [], ["y"], shape=[2, 2])],
            [],
            [tensor("y", FLOAT, ["n", 2])],
        )
    )
    assert not model.signature.batchable
    assert model.infer([], ("y",))[0].shape == (2, 2)


def test_an_error_has_the_librarys_words_and_no_places_in_its_code(tmp_path):
    model = OnnxRuntime().load(
        write_onnx(
            tmp_path,
            [node("Add", ["a", "b"], ["y"])],
            [tensor("a", FLOAT, ["n", 4]), tensor("b", FLOAT, ["m", 4])],
            [tensor("y", FLOAT, ["n", 4])],
        )
    )
    with pytest.raises(ModelRuntimeError) as wrong_shape:
        model.infer([np.zeros((1, 3), np.float32), np.zeros((1, 4), np.float32)], ("y",))
    assert str(wrong_shape.value) == (
        "Got invalid dimensions for input: a for the following indices index: 1 Got: 3 "
        "Expected: 4 Please fix either the inputs/outputs or the model."
    )
    with pytest.raises(ModelRuntimeError) as while_running:
        model.infer([np.zeros((2, 4), np.float32), np.zeros((3, 4), np.float32)], ("y",))
    assert "running Add node" in str(while_running.value)
    assert "2 by 3" in str(while_running.value)
    assert not {".h:", "/onnx", "::", "\n"} & {
        word for word in (".h:", "/onnx", "::", "\n") if word in str(while_running.value)
    }


def test_a_request_without_rows_is_answered_by_none_or_refused(tmp_path):
    nothing = np.zeros((0, 2), np.float32)
    model = OnnxRuntime().load(double(tmp_path))
    assert model.infer([nothing], ("y",))[0].shape == (0, 2)
    fixed = OnnxRuntime().load(double(tmp_path, shape=(1, 2)))
    with pytest.raises(InvalidRequestError, match=r"at least one row; got the shape \[0, 2\]: Got"):
        fixed.infer([nothing], ("y",))


@pytest.mark.parametrize("content", [b"", b"nonsense"], ids=["empty", "nonsense"])
def test_a_broken_file_is_named(tmp_path, content):
    artifact = double(tmp_path)
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelRuntimeError, match="cannot be loaded as an ONNX model") as error:
        OnnxRuntime().load(artifact)
    assert str(error.value).count(artifact.path) == 1


def test_a_missing_file_is_named(tmp_path):
    artifact = double(tmp_path)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(ModelRuntimeError, match=r"model\.onnx: cannot be loaded .*doesn't exist"):
        OnnxRuntime().load(artifact)


def sequence(name):
    element = onnx.helper.make_tensor_type_proto(FLOAT, None)
    return onnx.helper.make_value_info(name, onnx.helper.make_sequence_type_proto(element))


def test_outputs_that_are_no_tensors_are_left_out(tmp_path):
    nodes = [node("Add", ["x", "x"], ["y"]), node("SequenceConstruct", ["x"], ["s"])]
    inputs = [tensor("x", FLOAT, ["n", 2])]
    artifact = write_onnx(tmp_path, nodes, inputs, [tensor("y", FLOAT, ["n", 2]), sequence("s")])
    signature = OnnxRuntime().load(artifact).signature
    assert [spec.name for spec in signature.outputs] == ["y"]
    artifact = write_onnx(tmp_path, nodes[1:], inputs, [sequence("s")])
    with pytest.raises(ModelRuntimeError, match="none of its outputs is a tensor"):
        OnnxRuntime().load(artifact)


def test_inputs_that_are_no_tensors_are_refused(tmp_path):
    artifact = write_onnx(
        tmp_path,
        [node("SequenceLength", ["s"], ["y"])],
        [sequence("s")],
        [tensor("y", INT64, [])],
    )
    with pytest.raises(ModelRuntimeError, match=r"input 's' is a seq\(tensor\(float\)\)"):
        OnnxRuntime().load(artifact)


def test_a_session_has_one_thread_and_an_arena_only_when_large(tmp_path, monkeypatch):
    path = double(tmp_path).path
    options = runtime_module._options(path)
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert not options.enable_cpu_mem_arena
    monkeypatch.setattr(runtime_module, "_ARENA_FROM_BYTES", 10)
    assert runtime_module._options(path).enable_cpu_mem_arena


def test_a_known_signature_is_taken_without_a_trial(tmp_path, monkeypatch):
    artifact = double(tmp_path)
    known = OnnxRuntime().load(artifact).signature
    monkeypatch.setattr(runtime_module, "_why_not_batchable", None)  # a call would raise
    model = OnnxRuntime().load(artifact, known)
    assert model.signature is known
    [answer] = model.infer([np.array([[1, 2]], np.float32)], ["y"])
    assert answer.tolist() == [[2, 4]]
