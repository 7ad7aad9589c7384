import pytest

from seldon_core.cli.seen_models import SeenModel
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.cli.wait import Wanted, parse_wanted, wait
from seldon_core.errors import InvalidRequestError
from seldon_core.resources.kubernetes import KINDS
from tests.support.toy_scheduler import a_model, a_server, gone, toy_scheduler

MODEL, SERVER = KINDS["Model"], KINDS["Server"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as started:
        yield started


def wait_for(toy, wanted, *words, timeout="5s", namespace=None):
    return wait(words, [], False, wanted, timeout, namespace, toy.address)


def test_what_is_met_is_told_of_each(toy, capsys):
    toy.keep(a_model("iris", "ModelProgressing"), a_model("iris", "ModelProgressing"), a_model())
    toy.keep(a_model("wine"))
    assert wait_for(toy, "condition=ready", "model", "iris", "wine") == 0
    assert capsys.readouterr().out == (
        "model.mlops.seldon.io/iris condition met\nmodel.mlops.seldon.io/wine condition met\n"
    )


def test_a_kind_without_names_means_all_of_it(toy, capsys):
    toy.servers = {"mlserver": a_server("mlserver"), "triton": a_server("triton")}
    assert wait_for(toy, "condition=ready", "servers") == 0
    assert capsys.readouterr().out.count("condition met") == 2


def test_in_vain_is_told_with_what_was_seen(toy, capsys):
    toy.keep(a_model("iris", "ScheduleFailed", reason="no server"))
    toy.keep(a_model("wine"))
    assert wait_for(toy, "condition=ready", "model/iris", "model/wine", timeout="0s") == 1
    out, err = capsys.readouterr()
    assert out == "model.mlops.seldon.io/wine condition met\n"
    assert err == (
        "error: timed out waiting for the condition on models/iris: ScheduleFailed: no server\n"
    )


def test_what_goes_while_it_is_waited_for_is_told(toy, capsys):
    toy.keep(a_model("iris", "ModelFailed"), gone("iris"))
    assert wait_for(toy, "condition=ready", "model/iris", timeout="0s") == 1
    assert capsys.readouterr().err == (
        "error: timed out waiting for the condition on models/iris: it is gone\n"
    )


def test_a_missing_resource_is_not_waited_for(toy, capsys):
    assert wait_for(toy, "condition=ready", "model/iris", timeout="-1s") == 1
    assert capsys.readouterr().err == (
        'Error from server (NotFound): models.mlops.seldon.io "iris" not found\n'
    )


def test_an_end_is_met_by_what_there_is_not(toy, capsys):
    toy.keep(a_model("iris", "ModelTerminating", deleted=True), gone("iris"))
    assert wait_for(toy, "delete", "model/iris", "model/never") == 0
    assert capsys.readouterr().out.count("condition met") == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("condition=ready", Wanted("ready", "true")),
        ("condition=ModelReady=False", Wanted("modelready", "false")),
        ("Condition=ScheduleFailed", Wanted("schedulefailed", "true")),
        ("condition=ready=Unknown", Wanted("ready", "unknown")),
        ("delete", Wanted()),
        ("Delete", Wanted()),
    ],
)
def test_what_to_wait_for_is_read_as_kubectl_does(text, wanted):
    assert parse_wanted(text, [MODEL]) == wanted


@pytest.mark.parametrize(
    ("text", "kind", "error"),
    [
        ("condition=redy", MODEL, "--for: a model has no condition 'redy', did you mean Ready?"),
        (
            "condition=ModelAvailible",
            MODEL,
            "--for: a model has no condition 'ModelAvailible', did you mean ModelAvailable?",
        ),
        (
            "condition=zzz",
            SERVER,
            (
                "--for: a server has no condition 'zzz'; "
                "there are: StatefulSetOrDeploymentReady, Ready"
            ),
        ),
        (
            "conditon=ready",
            MODEL,
            "--for: 'conditon=ready' is not understood, did you mean condition=ready?",
        ),
        ("delte", MODEL, "--for: 'delte' is not understood, did you mean delete?"),
        (
            "jsonpath={.a}=1",
            MODEL,
            (
                "--for: 'jsonpath={.a}=1' is not understood; "
                "write condition=NAME, condition=NAME=VALUE or delete"
            ),
        ),
        (
            "condition=ready=yes",
            MODEL,
            "--for: a condition is true, false or unknown, not 'yes'",
        ),
    ],
    ids=[
        "mistyped condition",
        "mistyped state",
        "no condition of a server",
        "mistyped word",
        "mistyped delete",
        "a path",
        "no truth",
    ],
)
def test_what_is_not_understood_suggests_the_right_word(text, kind, error):
    with pytest.raises(InvalidRequestError) as caught:
        parse_wanted(text, [kind])
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("wanted", "seen", "is_met"),
    [
        (Wanted("ready"), SeenModel(a_model()), True),
        (Wanted("ready"), SeenModel(a_model(state="ModelFailed")), False),
        (Wanted("ready", "false"), SeenModel(a_model(state="ModelFailed")), True),
        (Wanted("ready", "unknown"), SeenModel(a_model()), False),
        (Wanted("ready"), None, False),
        (Wanted("modelfailed"), SeenModel(a_model(state="ModelFailed")), True),
        (Wanted("modelfailed"), SeenModel(a_model()), False),
        (Wanted("modelfailed", "false"), SeenModel(a_model()), True),
        (Wanted("modelfailed", "false"), SeenModel(a_model(state="ModelFailed")), False),
        (Wanted("ready"), SeenServer(a_server()), True),
        (Wanted(), None, True),
        (Wanted(), SeenModel(a_model()), False),
    ],
)
def test_a_condition_holds_or_does_not(wanted, seen, is_met):
    assert wanted.is_met(seen) is is_met


def test_a_time_that_is_none_is_refused_before_anything_is_asked():
    with pytest.raises(InvalidRequestError, match="--timeout: '3' is no duration"):
        wait(["model/iris"], [], False, "delete", "3", None, "127.0.0.1:1")
