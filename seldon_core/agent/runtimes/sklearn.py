"""Runs scikit-learn estimators from joblib and pickle files, as MLServer does.

A call costs about 120 µs for iris, nearly all of it scikit-learn's own checks. They stay on:
`assume_finite` would save 8 % and answer NaN with nonsense where MLServer answers an error, and
`skip_parameter_validation` saves nothing that can be measured. What pays is running the rows of
several callers as one call: 16 rows take as long as one.

These files are programs: `repository.open_artifact` lets only trusted folders come here.
"""

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from seldon_core.agent.runtimes.base import Artifact, Signature, failed, words_of
from seldon_core.agent.runtimes.probe import ROWS, Trial, random_rows, try_rows
from seldon_core.agent.runtimes.text import decoded, encoded
from seldon_core.errors import InvalidRequestError, InvalidResourceError, ModelRuntimeError
from seldon_core.protocol.inference import Parameters, TensorSpec
from seldon_core.protocol.tensors import NUMPY_DTYPES

_log = logging.getLogger(__name__)

METHODS = ("predict", "predict_proba", "decision_function", "transform")
"""The methods that can be asked for as outputs; the first that an estimator has is its default."""

_DATATYPES = {dtype: name for name, dtype in NUMPY_DTYPES.items() if name != "BF16"}
_NUMPY_CONTENT: Parameters = {"content_type": "np"}
_HELP = (
    "only values such as it was fitted on can succeed; for text, declare an input of datatype "
    "BYTES in model-settings.json; an estimator that picks a data frame's columns by name must be "
    "fitted again on arrays, picking them by position"
)
_TEXTS = (b"one", b"two words", b"three more words")


class SklearnModel:
    """An estimator's methods. `features` is how many columns a row has, None for text."""

    __slots__ = ("_methods", "features", "signature")

    signature: Signature

    def __init__(self, estimator: Any, methods: Sequence[str]) -> None:
        self.features: int | None = getattr(estimator, "n_features_in_", None)
        self._methods = {name: getattr(estimator, name) for name in methods}

    def infer(
        self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[str]
    ) -> list[npt.NDArray[Any]]:
        """Call the methods named by `outputs` on the one input.

        Raises InvalidRequestError if it does not have the estimator's columns, or no rows and the
        estimator needs some; ModelRuntimeError with the estimator's message if it fails.
        """
        rows = inputs[0]
        if self.features is not None and (rows.ndim != 2 or rows.shape[1] != self.features):
            raise InvalidRequestError(
                f"the model takes rows of {self.features} features, shape [-1,{self.features}]; "
                f"got the shape {list(rows.shape)}"
            )
        if rows.dtype == np.object_:
            rows = decoded(rows)
            if self.features is None:
                rows = rows.ravel()  # what makes features of text takes a list of texts
        try:
            return [_tensor(self._methods[name](rows)) for name in outputs]
        except ModelRuntimeError:
            raise
        except Exception as error:  # an estimator may raise anything
            raise failed(words_of(error), inputs) from error


class SklearnRuntime:
    """Loads joblib and pickle files. A run holds the GIL, so a long one goes to a worker."""

    name = "sklearn"
    releases_gil = False
    inline_limit_s = 500e-6

    def __init__(self) -> None:
        # A tensor has no column names; an estimator fitted on a data frame would say so each time.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")

    def load(self, artifact: Artifact, known: Signature | None = None) -> SklearnModel:
        """Unpickle an estimator and, unless its signature is known, try what it answers.

        Raises ModelRuntimeError naming the file and what is wrong with it, InvalidResourceError if
        its settings name a `predict_fn` that it does not have.
        """
        estimator = _unpickle(artifact)
        methods = [name for name in METHODS if callable(getattr(estimator, name, None))]
        if not methods:
            raise ModelRuntimeError(
                f"{artifact.path}: holds a {type(estimator).__name__}, which has none of "
                f"{', '.join(METHODS)}"
            )
        _use_one_thread(estimator)
        model = SklearnModel(estimator, methods)
        if known is None:
            _describe(model, estimator, methods, artifact)
        else:
            model.signature = known  # trying takes half of a small model's load
        return model


def _unpickle(artifact: Artifact) -> Any:
    """Load the file, which may run code; its warnings become one line of the log."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = joblib.load(artifact.path)
        except ModuleNotFoundError as error:
            raise ModelRuntimeError(
                f"{artifact.path}: needs the Python module {error.name!r}, which is not installed"
            ) from error
        except Exception as error:  # unpickling runs the file's code, which may raise anything
            raise ModelRuntimeError(
                f"{artifact.path}: cannot be loaded as a joblib or pickle file: {words_of(error)}"
            ) from error
    if caught:
        texts = dict.fromkeys(_text(warning.message) for warning in caught)
        _log.warning(
            "model loaded with warnings model=%s warnings=%r", artifact.model, "; ".join(texts)
        )
    return estimator


def _text(warning: Warning | str) -> str:
    """One line of a warning. The one about another version comes for every step of a pipeline."""
    if saved_by := getattr(warning, "original_sklearn_version", None):
        return (
            f"saved by scikit-learn {saved_by}, loaded by "
            f"{getattr(warning, 'current_sklearn_version', 'another')}: answers may differ"
        )
    return _first_line(warning)


def _use_one_thread(estimator: Any) -> None:
    """Set every `n_jobs` to 1: requests run beside each other already, and starting joblib's
    threads for each call costs more (some 10 ms) than most models.

    An estimator that another version saved may lack settings of this one, and then cannot name
    any, though it predicts; its threads stay as they are.
    """
    if not hasattr(estimator, "get_params"):
        return
    try:
        settings = estimator.get_params(deep=True)
    except AttributeError as error:
        _log.debug("n_jobs stays as it is reason='%s'", _first_line(error))
        return
    several = {
        name: 1
        for name, value in settings.items()
        if name.rpartition("__")[2] == "n_jobs" and value not in (None, 1)
    }
    if several:
        estimator.set_params(**several)


def _describe(
    model: SklearnModel, estimator: Any, methods: Sequence[str], artifact: Artifact
) -> None:
    """Give `model` its signature, found out by trying it with some rows."""
    default = _default_method(methods, artifact)
    declared = _declared_input(artifact)
    candidates = _candidate_inputs(model.features, declared)
    spec, trials = candidates[-1][0], dict[str, Trial]()
    reasons: list[str] = []
    for candidate, rows in candidates:
        tried = {name: _try(model, name, rows) for name in methods}
        worked = {name: trial for name, trial in tried.items() if isinstance(trial, Trial)}
        if default in worked or (worked and not trials):
            spec, trials = candidate, worked
        if default in worked:
            break
        reasons.append(str(tried[default]))
    if default not in trials:
        _log.warning(
            "model failed for all the rows that it was tried with model=%s output=%s reason=%r "
            "help=%r",
            artifact.model,
            default,
            "; ".join(dict.fromkeys(reasons)),
            _HELP,
        )
    influence = next((t.influence for t in trials.values() if t.influence), None)
    if influence:
        _log.debug("model is not batched model=%s reason=%r", artifact.model, influence)
    # A method that fails where others answer is one that the protocol cannot carry (an array for
    # each target); if all fail, random rows are not what the estimator is for.
    offered = [name for name in methods if not trials or name in trials or name == default]
    model.signature = Signature(
        platform="sklearn_joblib" if artifact.path.endswith(".joblib") else "sklearn_pickle",
        inputs=(spec,),
        outputs=tuple(_output_spec(name, trials.get(name), estimator) for name in offered),
        default_outputs=(default,),
        names_matter=False,
        batchable=bool(trials) and influence is None,
    )


def _default_method(methods: Sequence[str], artifact: Artifact) -> str:
    wanted = artifact.settings.get("parameters", {}).get("extra", {}).get("predict_fn", methods[0])
    if wanted not in methods:
        raise InvalidResourceError(
            f"{artifact.folder}/model-settings.json: parameters.extra.predict_fn",
            f"is {wanted!r}; the estimator has {', '.join(methods)}",
        )
    return str(wanted)


def _declared_input(artifact: Artifact) -> dict[str, Any]:
    """Return what `model-settings.json` says of the input, {} if nothing that can be used."""
    declared = artifact.settings.get("inputs", [])
    if len(declared) > 1:
        _log.warning(
            "declared inputs are ignored model=%s declared=%d taken=1",
            artifact.model,
            len(declared),
        )
    return dict(declared[0]) if len(declared) == 1 else {}


def _candidate_inputs(
    features: int | None, declared: dict[str, Any]
) -> list[tuple[TensorSpec, npt.NDArray[Any]]]:
    """Return what the input may be, the likeliest last, each with ROWS rows to try it with."""
    name = declared.get("name", "predict")
    parameters = declared.get("parameters")
    datatype = declared.get("datatype", "FP32")
    text = np.array(_TEXTS, dtype=object)
    if features is None:
        return [
            (TensorSpec(name, "BYTES", (-1,), parameters), text),
            (TensorSpec(name, datatype, (-1, -1), parameters), random_rows([4], np.float32)),
        ]
    spec = TensorSpec(name, datatype, (-1, features), parameters)
    if datatype == "BYTES":
        return [(spec, np.repeat(text[:, None], features, axis=1))]
    # Encoders know only the categories that they were fitted on, and 0 and 1 are often among them.
    numbers: list[tuple[TensorSpec, npt.DTypeLike]] = [
        (spec, NUMPY_DTYPES.get(datatype, np.float32)),
        (spec, np.int64),
    ]
    if "datatype" not in declared:  # clusters of doubles take doubles alone
        numbers.insert(1, (TensorSpec(name, "FP64", (-1, features), parameters), np.float64))
    return [(given, random_rows([features], dtype)) for given, dtype in numbers]


def _try(
    model: SklearnModel, method: str, rows: npt.NDArray[Any]
) -> Trial | ModelRuntimeError | InvalidRequestError:
    """Return what came out, or how it failed."""
    try:
        return try_rows(lambda inputs: model.infer(inputs, (method,)), [rows])
    except (ModelRuntimeError, InvalidRequestError) as error:
        return error


def _output_spec(method: str, trial: Trial | None, estimator: Any) -> TensorSpec:
    """Describe an output by what was seen, or by what the estimator says of its classes."""
    if trial is not None:
        seen = trial.together[0]
        rows = -1 if seen.shape[0] == ROWS else seen.shape[0]
        return TensorSpec(method, _DATATYPES[seen.dtype], (rows, *seen.shape[1:]), _NUMPY_CONTENT)
    if method != "predict":
        return TensorSpec(method, "FP64", (-1, -1), _NUMPY_CONTENT)
    classes: Any = getattr(estimator, "classes_", None)
    datatype = "FP64" if classes is None else _DATATYPES.get(np.asarray(classes).dtype, "BYTES")
    return TensorSpec(method, datatype, (-1, 1), _NUMPY_CONTENT)


def _tensor(result: Any) -> npt.NDArray[Any]:
    """Return what a method gave as a dense, row-major array of a datatype of the protocol.

    Raises ModelRuntimeError if it is none.
    """
    if not isinstance(result, np.ndarray):
        if hasattr(result, "toarray"):  # a sparse matrix
            result = result.toarray()
        elif hasattr(result, "to_numpy"):  # a data frame
            result = result.to_numpy()
        else:
            raise ModelRuntimeError(
                f"the estimator gives a {type(result).__name__}, which is not one array"
            )
    if result.ndim == 1:
        result = result[:, None]
    result = encoded(result)
    if result.dtype not in _DATATYPES:
        result = result.astype(np.float64 if result.dtype.kind == "f" else result.dtype.type)
        if result.dtype not in _DATATYPES:
            raise ModelRuntimeError(
                f"the estimator gives {result.dtype}, for which the protocol has no datatype"
            )
    return np.ascontiguousarray(result)


def _first_line(error: object) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
