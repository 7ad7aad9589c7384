import pytest

from seldon_core.cli.kinds import Target, parse_kind, parse_targets
from seldon_core.errors import InvalidRequestError
from seldon_core.resources.kubernetes import KINDS

MODEL, SERVER = KINDS["Model"], KINDS["Server"]


@pytest.mark.parametrize(
    "word", ["model", "models", "mlm", "Models", "model.mlops.seldon.io", "models.mlops.seldon.io"]
)
def test_a_kind_has_several_names(word):
    assert parse_kind(word) is MODEL


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("modle", "there is no kind of resource 'modle', did you mean 'model'?"),
        ("sevrers", "there is no kind of resource 'sevrers', did you mean 'servers'?"),
        (
            "wine",
            (
                "there is no kind of resource 'wine'; there are: "
                "models, servers, serverconfigs, pipelines, experiments, secrets, configmaps; "
                "a model by its name is model/wine"
            ),
        ),
        ("seldonruntime", "resources of kind SeldonRuntime are not served yet"),
        ("seldonconfigs", "resources of kind SeldonConfig are not served yet"),
    ],
    ids=["mistyped", "mistyped plural", "somebody else's", "not served", "not served plural"],
)
def test_a_kind_that_there_is_not_suggests_one(word, error):
    with pytest.raises(InvalidRequestError) as caught:
        parse_kind(word)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        ([], []),
        (["models"], [Target(MODEL)]),
        (["models,servers"], [Target(MODEL), Target(SERVER)]),
        (["model", "iris", "wine"], [Target(MODEL, "iris"), Target(MODEL, "wine")]),
        (["model/iris", "mls/triton"], [Target(MODEL, "iris"), Target(SERVER, "triton")]),
        (["model,server", "a"], [Target(MODEL, "a"), Target(SERVER, "a")]),
        (["model/iris", "mlm/iris"], [Target(MODEL, "iris")]),
    ],
    ids=["nothing", "kind", "kinds", "names", "pairs", "kinds with a name", "twice"],
)
def test_words_name_resources(words, targets):
    assert parse_targets(words) == targets


@pytest.mark.parametrize(
    "words",
    [["model/iris", "wine"], ["model/"], ["/iris"], ["model/a/b"], ["model,server/a"]],
    ids=["mixed", "no name", "no kind", "too many parts", "two kinds"],
)
def test_forms_are_not_mixed(words):
    with pytest.raises(InvalidRequestError, match="is not KIND/NAME; write all resources as"):
        parse_targets(words)


def test_a_target_is_written_as_kubectl_does():
    target = Target(MODEL, "iris")
    assert str(target) == "model.mlops.seldon.io/iris"
    assert target.not_found == (
        'Error from server (NotFound): models.mlops.seldon.io "iris" not found'
    )
