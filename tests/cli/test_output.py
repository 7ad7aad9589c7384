import errno
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seldon_core.cli.output import (
    Console,
    OutputError,
    say,
    say_columns,
    say_error,
    say_failure,
    say_note,
    say_table,
    say_warning,
)
from seldon_core.config.load import load_settings
from seldon_core.errors import OverloadedError
from seldon_core.protocol.inference import ModelMetadata, TensorSpec
from seldon_core.running import Ports
from seldon_core.scheduler.state import ModelState
from tests.support.scheduler_worlds import a_status

GIB = 2**30


@pytest.fixture
def console():
    return Console(Path("/data"))


def status(name="iris", state=ModelState.AVAILABLE, reason=""):
    return a_status(name, state, reason)


def open_on(console, host="127.0.0.1"):
    sizes = {"agent.memory": 3 * GIB, "payload.inFlightBytes": GIB}
    console.opened(Ports(host, 1, 2, 3, 4), load_settings(None, {}, sizes).settings)


def test_seldons_commands_end_in_their_own_words(capsys):
    say_failure("it is wrong")
    say_note("see the help")
    assert capsys.readouterr() == ("", "Error: it is wrong\nsee the help\n")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("out", "line"),
    [(io.StringIO(), "iris\t1"), (Terminal(), "iris   1")],
    ids=["pipe", "terminal"],
)
def test_a_table_is_tabbed_for_a_pipe_and_drawn_on_a_terminal(monkeypatch, out, line):
    monkeypatch.setattr(sys, "stdout", out)
    say_table(("model", "n"), [("iris", "1")])
    assert out.getvalue().splitlines()[-1].rstrip() == line


def test_answers_go_out_and_troubles_to_the_error_stream(capsys):
    say("well")
    say_error("ill")
    say_warning("so so")
    assert capsys.readouterr() == ("well\n", "error: ill\nwarning: so so\n")


def test_the_start_shows_every_port_the_memory_and_the_data_folder(console, capsys):
    open_on(console)
    text = capsys.readouterr().out
    for part in ("http://127.0.0.1:1 ", "127.0.0.1:2 ", "127.0.0.1:3 ", "http://127.0.0.1:4 "):
        assert part in text
    assert "3 GiB for models on each of mlserver/0 and triton/0, 10 % over-commit" in text
    assert "1 GiB for requests in flight" in text
    assert "/data" in text


@pytest.mark.parametrize(
    ("host", "address", "is_open"),
    [
        ("0.0.0.0", "0.0.0.0:1", True),
        ("::", "[::]:1", True),
        ("fe80::1", "[fe80::1]:1", True),
        ("a.example", "a.example:1", True),
        ("127.0.0.2", "127.0.0.2:1", False),
        ("::1", "[::1]:1", False),
        ("localhost", "localhost:1", False),
    ],
    ids=[
        "every address",
        "every address of IPv6",
        "IPv6",
        "name",
        "loopback",
        "loopback of IPv6",
        "name of loopback",
    ],
)
def test_a_port_that_others_reach_is_said_to_be_open(console, capsys, host, address, is_open):
    open_on(console, host)
    line = capsys.readouterr().out.splitlines()[0]
    assert f"http://{address} " in line
    assert ("open to the network, without authentication or TLS" in line) == is_open


def test_the_request_to_paste_goes_to_an_address_that_can_be_called(console, capsys):
    open_on(console, "0.0.0.0")
    console.loaded([status()], 0, ModelMetadata("iris", "onnx", (), ()))
    assert "curl -s http://localhost:1/v2" in capsys.readouterr().out


class ClosedTerminal(io.StringIO):
    def flush(self):
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("stream", ["ClosedTerminal", "ClosedPipe"])
def test_a_server_whose_words_nobody_can_read_goes_on(monkeypatch, console, stream):
    monkeypatch.setattr(sys, "stdout", globals()[stream]())
    console.draining(1.0)


def test_a_refused_model_is_a_warning(console, capsys):
    console.refused("iris", OverloadedError("too many"))
    assert capsys.readouterr().err == "warning: iris is not served as its folder says: too many\n"


def test_the_summary_ends_with_a_request_to_paste(console, capsys):
    open_on(console)
    capsys.readouterr()
    inputs = (
        TensorSpec("x", "FP32", (-1, 2)),
        TensorSpec("words", "BYTES", (1,)),
        TensorSpec("on", "BOOL", (1,)),
    )
    models = [status(), status("other", ModelState.FAILED)]
    console.loaded(models, 0, ModelMetadata("iris", "sklearn", inputs, ()))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "serving 1 of 2 models; Ctrl-C stops"
    assert lines[1] == "try:  curl -s http://127.0.0.1:1/v2/models/iris/infer \\"
    body = lines[-1].strip().removeprefix("-d '").removesuffix("'")
    assert json.loads(body)["inputs"] == [
        {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0, 0]},
        {"name": "words", "shape": [1], "datatype": "BYTES", "data": [""]},
        {"name": "on", "shape": [1], "datatype": "BOOL", "data": [False]},
    ]


def test_an_image_is_no_request_to_paste(console, capsys):
    image = TensorSpec("image", "FP32", (-1, 3, 224, 224))
    console.loaded([status()], 0, ModelMetadata("iris", "onnx", (image,), ()))
    assert capsys.readouterr().out == "serving 1 of 1 models; Ctrl-C stops\n"


def test_a_model_whose_older_version_answers_is_served(console, capsys):
    (older,), (latest,) = status().versions, status(state=ModelState.FAILED).versions
    console.loaded([replace(status(), versions=(older, latest))], 0, None)
    assert capsys.readouterr().out == "serving 1 of 1 models; Ctrl-C stops\n"


def test_without_a_model_that_works_there_is_nothing_to_try(console, capsys):
    console.loaded([status(state=ModelState.FAILED)], 0, None)
    assert capsys.readouterr().out == "serving 0 of 1 models; Ctrl-C stops\n"


@pytest.mark.parametrize(
    ("models", "line"),
    [([status()], "serving 1 of 1 models, 2 more refused"), ([], "serving 0 of 0 models, 2 more")],
    ids=["some served", "none served"],
)
def test_the_summary_counts_what_was_refused(console, capsys, models, line):
    console.loaded(models, 2, None)
    assert line in capsys.readouterr().out


def test_without_models_the_way_to_some_is_shown(console, capsys):
    console.loaded([], 0, None)
    assert "--models" in capsys.readouterr().out


def test_the_end_says_how_long_it_may_take(console, capsys):
    console.draining(120.0)
    assert "have 120 s" in capsys.readouterr().out


def test_an_answer_that_nobody_can_read_any_more_ends_the_program(monkeypatch):
    monkeypatch.setattr(sys, "stdout", ClosedTerminal())
    with pytest.raises(OutputError, match=r"^the answer cannot be written: Input/output error$"):
        say("hello?")


class ClosedPipe(io.StringIO):
    def flush(self):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_reader_that_has_enough_is_left_to_click(monkeypatch):
    monkeypatch.setattr(sys, "stdout", ClosedPipe())
    with pytest.raises(BrokenPipeError):
        say("hello?")


@pytest.mark.parametrize("tell", [say, lambda text: say_table(("a",), [(text,)])])
def test_a_terminal_is_told_nothing_that_it_would_obey(monkeypatch, tell):
    hostile = "a\x1b[31mb\x07\x9b\x7f"
    monkeypatch.setattr(sys, "stdout", Terminal())
    tell(hostile)
    assert sys.stdout.getvalue().splitlines()[-1].rstrip() == r"a\x1b[31mb\x07\x9b\x7f"
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    tell(hostile)
    assert hostile in sys.stdout.getvalue()


def test_troubles_are_no_orders_either_and_keep_their_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    say_error("a\tb\nc\rd")
    assert sys.stderr.getvalue() == "error: a\tb\nc\\x0dd\n"


@pytest.mark.parametrize(
    ("stream", "has_header", "text"),
    [
        (io.StringIO, True, "NAME   WHY\niris   well"),
        (io.StringIO, False, "iris   well"),
        (Terminal, True, "NAME  WHY \niris  well"),
        (Terminal, False, "iris   well"),
    ],
    ids=["pipe", "pipe without titles", "terminal", "terminal without titles"],
)
def test_an_answer_may_be_a_table(monkeypatch, stream, has_header, text):
    monkeypatch.setattr(sys, "stdout", stream())
    say_columns(("NAME", "WHY"), [("iris", "well")], has_header=has_header)
    assert sys.stdout.getvalue() == f"{text}\n"
