"""The scikit-learn runtime, over small estimators fitted here."""

import numpy as np
import pytest
from sklearn import __version__
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from seldon_core.agent.runtimes.base import Artifact
from seldon_core.agent.runtimes.sklearn import SklearnRuntime, _tensor
from seldon_core.errors import InvalidRequestError, InvalidResourceError, ModelRuntimeError
from seldon_core.protocol.inference import Parameters, TensorSpec
from tests.support.models import write_joblib

ROWS, SPECIES = load_iris(return_X_y=True)
NUMPY: Parameters = {"content_type": "np"}


def load(folder, estimator, settings=None, name="model.joblib"):
    return SklearnRuntime().load(write_joblib(folder, estimator, settings, name))


class ByItsBatch(BaseEstimator):
    """Its answer depends on the other rows."""

    n_features_in_ = 2

    def predict(self, rows):
        return rows[:, 0] - rows[:, 0].mean()


class Answering(BaseEstimator):
    """Answers what it was made with, whatever it is asked."""

    n_features_in_ = 2

    def __init__(self, answer=None):
        self.answer = answer

    def predict(self, rows):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Frame:
    """As much of a data frame as is looked at."""

    def to_numpy(self):
        return np.array([[1.5]])


def test_a_classifier_answers_as_it_does_in_mlserver(tmp_path):
    model = load(tmp_path, LogisticRegression(max_iter=1000).fit(ROWS, SPECIES))
    assert model.signature.platform == "sklearn_joblib"
    assert model.signature.inputs == (TensorSpec("predict", "FP32", (-1, 4)),)
    assert model.signature.outputs == (
        TensorSpec("predict", "INT64", (-1, 1), NUMPY),
        TensorSpec("predict_proba", "FP64", (-1, 3), NUMPY),
        TensorSpec("decision_function", "FP64", (-1, 3), NUMPY),
    )
    assert model.signature.default_outputs == ("predict",)
    assert not model.signature.names_matter
    assert model.signature.batchable
    rows = np.array([[5.1, 3.5, 1.4, 0.2], [1, 2, 3, 4]], np.float32)
    probabilities, classes = model.infer([rows], ("predict_proba", "predict"))
    assert classes.tolist() == [[0], [2]]
    assert classes.dtype == np.int64
    assert probabilities.sum(axis=1) == pytest.approx([1, 1])


@pytest.mark.parametrize("dtype", [np.int8, np.uint32, np.float16, np.float64])
def test_any_numeric_datatype_is_taken(tmp_path, dtype):
    model = load(tmp_path, LogisticRegression(max_iter=1000).fit(ROWS, SPECIES))
    assert model.infer([np.array([[1, 2, 3, 4]], dtype)], ("predict",))[0].tolist() == [[2]]


@pytest.mark.parametrize(
    ("targets", "datatype", "shape"),
    [
        (SPECIES.astype(float), "FP64", (-1, 1)),
        (np.array(["a", "b", "c"])[SPECIES], "BYTES", (-1, 1)),
        (np.array(["a", "b", "c"], dtype=object)[SPECIES], "BYTES", (-1, 1)),
        (SPECIES == 1, "BOOL", (-1, 1)),
        (np.stack([SPECIES, SPECIES], axis=1), "INT64", (-1, 2)),
    ],
    ids=["floats", "text", "text objects", "booleans", "several targets"],
)
def test_predictions_have_the_targets_datatype(tmp_path, targets, datatype, shape):
    forest = RandomForestClassifier(3, random_state=0, n_jobs=4).fit(ROWS, targets)
    model = load(tmp_path, forest)
    assert model.signature.outputs[0] == TensorSpec("predict", datatype, shape, NUMPY)
    (answer,) = model.infer([ROWS[:2]], ("predict",))
    assert answer.shape == (2, shape[1])
    if datatype == "BYTES":
        assert answer.tolist() == [[b"a"], [b"a"]]


def test_an_output_of_several_arrays_is_not_offered(tmp_path):
    targets = np.stack([SPECIES, SPECIES], axis=1)
    estimator = MultiOutputClassifier(LogisticRegression(max_iter=1000)).fit(ROWS, targets)
    model = load(tmp_path, estimator)
    assert [spec.name for spec in model.signature.outputs] == ["predict"]


def test_a_regressor_offers_only_predictions(tmp_path):
    model = load(tmp_path, LinearRegression().fit(ROWS, SPECIES))
    assert [spec.name for spec in model.signature.outputs] == ["predict"]


def test_a_transformer_transforms_and_sparse_becomes_dense(tmp_path):
    model = load(tmp_path, StandardScaler().fit(ROWS))
    assert model.signature.default_outputs == ("transform",)
    assert model.infer([ROWS[:1]], ("transform",))[0].shape == (1, 4)
    model = load(tmp_path, OneHotEncoder().fit([[0, 0], [1, 1]]))
    assert model.signature.outputs == (TensorSpec("transform", "FP64", (-1, 4), NUMPY),)
    assert model.infer([np.array([[0, 1]])], ("transform",))[0].tolist() == [[1, 0, 0, 1]]


def test_what_takes_doubles_alone_says_so(tmp_path):
    model = load(tmp_path, KMeans(2, n_init=1, random_state=0).fit(ROWS))
    assert model.signature.inputs == (TensorSpec("predict", "FP64", (-1, 4)),)
    assert model.signature.outputs[0] == TensorSpec("predict", "INT32", (-1, 1), NUMPY)
    assert model.infer([ROWS[:1]], ("predict",))[0].shape == (1, 1)


def test_text_goes_to_what_makes_features_of_it(tmp_path):
    estimator = make_pipeline(CountVectorizer(), LogisticRegression())
    model = load(tmp_path, estimator.fit(["good", "very good", "bad"], ["up", "up", "down"]))
    assert model.signature.inputs == (TensorSpec("predict", "BYTES", (-1,)),)
    for shape in ((2,), (2, 1)):
        texts = np.array([b"good", b"bad"], dtype=object).reshape(shape)
        assert model.infer([texts], ("predict",))[0].tolist() == [[b"up"], [b"down"]]


def test_text_columns_keep_their_shape_and_are_described_by_settings(tmp_path):
    settings = {
        "inputs": [
            {"name": "colour", "datatype": "BYTES", "shape": [-1, 2], "parameters": {"a": "b"}}
        ]
    }
    encoder = OneHotEncoder(handle_unknown="ignore")
    encoder.fit(np.array([["red", "s"], ["blue", "l"]], dtype=object))
    model = load(tmp_path, encoder, settings)
    assert model.signature.inputs == (TensorSpec("colour", "BYTES", (-1, 2), {"a": "b"}),)
    assert model.signature.batchable
    rows = np.array([[b"red", b"l"]], dtype=object)
    assert model.infer([rows], ("transform",))[0].tolist() == [[0, 1, 1, 0]]


def test_what_counts_no_features_may_take_any_number_of_them(tmp_path):
    model = load(tmp_path, FunctionTransformer(np.log1p))
    assert model.signature.inputs == (TensorSpec("predict", "FP32", (-1, -1)),)


@pytest.mark.parametrize(
    ("estimator", "spec"),
    [
        (Answering(ValueError("no")), TensorSpec("predict", "FP64", (-1, 1), NUMPY)),
        (
            OneHotEncoder().fit(np.array([["red"], ["blue"]], dtype=object)),
            TensorSpec("transform", "FP64", (-1, -1), NUMPY),
        ),
    ],
    ids=["predictions", "others"],
)
def test_what_cannot_be_tried_is_offered_but_not_batched(tmp_path, estimator, spec):
    model = load(tmp_path, estimator)
    assert model.signature.outputs == (spec,)
    assert not model.signature.batchable


class ByColumnName(BaseEstimator):
    """Picks its columns as from a data frame, which it never gets."""

    n_features_in_ = 2

    def predict(self, rows):
        return rows["weight"]

    def transform(self, rows):
        return rows


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (
            make_pipeline(ColumnTransformer([("kept", "passthrough", [0])]), StandardScaler()).fit(
                ROWS, SPECIES
            ),
            None,
        ),
        (ByColumnName(), "output=predict reason='IndexError: only integers, slices"),
        (Answering(KeyError("weight")), "output=predict reason=\"KeyError: 'weight'\" help="),
        (
            OneHotEncoder().fit(np.array([["red"], ["blue"]], dtype=object)),
            "output=transform reason=\"TypeError: ufunc 'isnan'",
        ),
    ],
    ids=["by position", "by name", "every output", "text it was not fitted on"],
)
def test_who_serves_what_fails_each_trial_is_told_once(tmp_path, estimator, words, caplog):
    model = load(tmp_path, estimator)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == (words is not None)
    if words:
        assert warned[0].startswith("model failed for all the rows that it was tried with")
        assert f"model=m_1 {words}" in warned[0]
        assert "must be fitted again on arrays" in warned[0]
    artifact = write_joblib(tmp_path, estimator)
    caplog.clear()
    SklearnRuntime().load(artifact, model.signature)
    assert not caplog.records


def test_classes_tell_the_datatype_of_what_cannot_be_tried(tmp_path):
    estimator = Answering(ValueError("no"))
    estimator.classes_ = np.array(["a", "b"])
    assert load(tmp_path, estimator).signature.outputs[0].datatype == "BYTES"
    estimator.classes_ = [1, 2]
    assert load(tmp_path, estimator).signature.outputs[0].datatype == "INT64"


def test_rows_that_influence_each_other_are_not_batched(tmp_path, caplog):
    caplog.set_level("DEBUG")
    assert not load(tmp_path, ByItsBatch()).signature.batchable
    assert "answered differently" in caplog.text


def test_an_answer_without_rows_is_described_as_it_is(tmp_path):
    model = load(tmp_path, Answering(np.array([1.0, 2.0])))
    assert model.signature.outputs[0].shape == (2, 1)
    assert not model.signature.batchable


def test_settings_choose_the_default_output(tmp_path):
    settings = {"parameters": {"extra": {"predict_fn": "predict_proba"}}}
    estimator = LogisticRegression(max_iter=1000).fit(ROWS, SPECIES)
    assert load(tmp_path, estimator, settings).signature.default_outputs == ("predict_proba",)
    with pytest.raises(InvalidResourceError, match=r"predict_fn: is 'predict_proba'; .* predict"):
        load(tmp_path, LinearRegression().fit(ROWS, SPECIES), settings)


def test_declared_columns_are_taken_as_one_input(tmp_path, caplog):
    settings = {"inputs": [{"name": "a"}, {"name": "b"}]}
    model = load(tmp_path, LinearRegression().fit(ROWS[:, :2], SPECIES), settings)
    assert model.signature.inputs == (TensorSpec("predict", "FP32", (-1, 2)),)
    assert "declared inputs are ignored model=m_1" in caplog.text


@pytest.mark.parametrize("shape", [(1, 3), (4,), (1, 4, 1)], ids=str)
def test_rows_of_other_widths_are_refused_with_both(tmp_path, shape):
    model = load(tmp_path, LogisticRegression(max_iter=1000).fit(ROWS, SPECIES))
    with pytest.raises(InvalidRequestError, match=r"shape \[-1,4\]; got the shape \["):
        model.infer([np.zeros(shape)], ("predict",))


def test_what_is_not_a_number_is_refused_in_the_librarys_words(tmp_path):
    model = load(tmp_path, LogisticRegression(max_iter=1000).fit(ROWS, SPECIES))
    with pytest.raises(ModelRuntimeError, match=r"^ValueError: Input X contains NaN\.$"):
        model.infer([np.full((1, 4), np.nan)], ("predict",))


def test_a_request_without_rows_is_refused_where_some_are_needed(tmp_path):
    model = load(tmp_path, LogisticRegression(max_iter=1000).fit(ROWS, SPECIES))
    with pytest.raises(InvalidRequestError, match=r"at least one row; got the shape \[0, 4\]: Val"):
        model.infer([np.zeros((0, 4))], ("predict",))


def test_an_error_without_words_is_named_by_its_kind(tmp_path):
    model = load(tmp_path, Answering(ZeroDivisionError()))
    with pytest.raises(ModelRuntimeError, match=r"^ZeroDivisionError$"):
        model.infer([np.zeros((1, 2))], ("predict",))


def test_a_missing_key_is_said_to_be_one(tmp_path):
    model = load(tmp_path, Answering(KeyError("a")))
    with pytest.raises(ModelRuntimeError, match=r"^KeyError: 'a'$"):
        model.infer([np.zeros((1, 2))], ("predict",))


def test_jobs_of_a_step_are_one(tmp_path):
    forest = RandomForestClassifier(2, n_jobs=-1)
    pipeline = make_pipeline(StandardScaler(), forest).fit(ROWS, SPECIES)
    model = load(tmp_path, pipeline)
    assert model._methods["predict"].__self__[-1].n_jobs == 1


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (np.array([1, 2], ">i4"), np.array([[1], [2]], "<i4")),
        (np.array([[1.5]], np.longdouble), np.array([[1.5]], np.float64)),
        (np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
        (Frame(), np.array([[1.5]])),
    ],
    ids=["foreign byte order", "long double", "by columns", "data frame"],
)
def test_every_result_becomes_a_tensor_of_the_protocol(result, expected):
    array = _tensor(result)
    assert array.tolist() == expected.tolist()
    assert array.dtype == expected.dtype
    assert array.flags.c_contiguous


@pytest.mark.parametrize(
    ("result", "words"),
    [([1, 2], "gives a list"), (np.array([1j]), "complex128, for which the protocol has no")],
    ids=["a list", "complex numbers"],
)
def test_other_results_are_refused(result, words):
    with pytest.raises(ModelRuntimeError, match=words):
        _tensor(result)


def test_a_result_that_is_no_tensor_is_said_in_our_own_words(tmp_path):
    model = load(tmp_path, Answering([1, 2]))
    with pytest.raises(ModelRuntimeError, match=r"^the estimator gives a list"):
        model.infer([np.zeros((1, 2))], ("predict",))


@pytest.mark.parametrize("name", ["model.pickle", "model.pkl"])
def test_pickles_are_read_as_well(tmp_path, name):
    model = load(tmp_path, LinearRegression().fit(ROWS, SPECIES), name=name)
    assert model.signature.platform == "sklearn_pickle"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x04\x95\xff"], ids=str)
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "model.joblib"
    path.write_bytes(content)
    with pytest.raises(ModelRuntimeError, match=r"model\.joblib: cannot be loaded as a joblib"):
        SklearnRuntime().load(Artifact("m_1", "sklearn", str(tmp_path), str(path)))


def test_a_missing_module_is_named(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cno_such_module\nThing\n.")
    with pytest.raises(ModelRuntimeError, match="needs the Python module 'no_such_module'"):
        SklearnRuntime().load(Artifact("m_1", "sklearn", str(tmp_path), str(path)))


def test_what_is_no_estimator_is_refused(tmp_path):
    with pytest.raises(ModelRuntimeError, match="holds a dict, which has none of predict"):
        load(tmp_path, {"a": 1})


def test_an_object_with_predict_alone_is_an_estimator(tmp_path):
    assert load(tmp_path, Plain()).infer([np.ones((2, 3))], ("predict",))[0].tolist() == [[3], [3]]


class Plain:
    """Not scikit-learn's, as users write them."""

    def predict(self, rows):
        return rows.sum(axis=1)


def test_an_estimator_that_lacks_settings_of_this_version_is_served(tmp_path):
    older = make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS, SPECIES)
    del older[-1].tol  # unknown to the version that saved it
    model = load(tmp_path, older)
    assert model.infer([ROWS[:1]], ("predict",))[0].shape == (1, 1)


def test_another_versions_file_is_one_line_of_the_log(tmp_path, caplog):
    estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    artifact = write_joblib(tmp_path, estimator.fit(ROWS, SPECIES))
    path = tmp_path / "model.joblib"
    version = __version__.encode()
    path.write_bytes(path.read_bytes().replace(version, b"0" * len(version)))
    SklearnRuntime().load(artifact)
    (record,) = [r for r in caplog.records if r.levelname == "WARNING"]
    assert "model=m_1" in record.getMessage()
    assert record.getMessage().count(f"loaded by {__version__}") == 1
