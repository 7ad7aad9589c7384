import pytest

from seldon_core.resources.words import did_you_mean, nearest, show, without_folders


@pytest.mark.parametrize(
    ("word", "meant"),
    [("modle", "Model"), ("MODEL", "Model"), ("sever", "Server"), ("zebra", "")],
    ids=["letters swapped", "other case", "a letter missing", "nothing near"],
)
def test_the_nearest_word_is_found(word, meant):
    assert nearest(word, ["Model", "Server"]) == meant


def test_a_suggestion_is_a_question_or_nothing():
    assert did_you_mean("modle", ["Model"]) == ", did you mean Model?"
    assert did_you_mean("zebra", ["Model"]) == ""


def test_a_value_is_shown_in_short():
    assert show("ab") == "'ab'"
    assert len(show("a" * 1000)) <= 80
    assert show([[["a"]]]) == "[[[...]]]"
    assert len(show([["a" * 1000] * 1000] * 1000)) <= 81


@pytest.mark.parametrize(
    ("text", "folder", "shown"),
    [
        (
            "/srv/my models/iris/1/model.joblib: is cut off",
            "/srv/my models/iris/",
            "1/model.joblib: is cut off",
        ),
        ("no model in /srv/my models/iris", "/srv/my models/iris", "no model in iris"),
        ("/srv/iris-2 is no folder of /srv/iris", "/srv/iris", "iris-2 is no folder of iris"),
        ("it needs '/usr/lib/x/libgomp.so.1' here", "/srv/iris", "it needs 'libgomp.so.1' here"),
        ("/x: is cut off", "", "x: is cut off"),
        ("gs://b/iris/m.onnx: is cut off", "gs://b/iris", "gs://b/iris/m.onnx: is cut off"),
        ("wanted 1/2 and/or [-1, 4]", "/", "wanted 1/2 and/or [-1, 4]"),
    ],
    ids=["below", "folder", "beside", "elsewhere", "root", "url", "no paths"],
)
def test_clients_are_not_told_where_files_are(text, folder, shown):
    assert without_folders(text, folder) == shown
