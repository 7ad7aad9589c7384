"""Whether a request fits its model's signature, found out before it joins a batch.

So a request that cannot run fails alone, with a message that names what the model takes. Pure; what
depends on the model only is prepared when the model is loaded.
"""

from collections.abc import Hashable

from seldon_core.agent.batching import Array, Entry
from seldon_core.agent.runtimes.base import Signature
from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.classification import CLASSIFICATION, classes_wanted, classified
from seldon_core.protocol.inference import InferRequest, RequestedOutput, Tensor, TensorSpec
from seldon_core.protocol.tensors import NUMPY_DTYPES

_NUMERIC = frozenset(NUMPY_DTYPES) - {"BYTES"}
_DATATYPES = {dtype: name for name, dtype in NUMPY_DTYPES.items() if name != "BF16"}


class RequestCheck:
    """Turns requests to one model into entries for its batcher, and outputs into tensors."""

    def __init__(self, model: str, signature: Signature) -> None:
        self._model = model
        self._signature = signature
        self._specs = {spec.name: spec for spec in signature.outputs}
        self._default = signature.default_outputs
        self._names_matter = signature.names_matter
        # The one input whose fixed part is checked by a single comparison: nearly every model.
        self._only = self._single_fixed_input(signature)
        self._tail = self._only.shape[1:] if self._only else ()
        self._rank = len(self._only.shape) if self._only else 0
        # What the check leaves open decides who may share a batch: the outputs wanted, and the
        # datatype where any numeric one is taken. Made here once for the outputs that most want.
        takes = {self._only.datatype} if self._only else frozenset[str]()
        if self._only and not signature.names_matter and self._only.datatype in _NUMERIC:
            takes = _NUMERIC
        self._keys = {name: (self._default, (name, self._tail)) for name in takes}

    @staticmethod
    def _single_fixed_input(signature: Signature) -> TensorSpec | None:
        if len(signature.inputs) != 1 or not signature.batchable:
            return None
        spec = signature.inputs[0]
        is_fixed = len(spec.shape) > 0 and spec.shape[0] == -1 and -1 not in spec.shape[1:]
        return spec if is_fixed else None

    def entry(self, request: InferRequest) -> Entry:
        """Return `request` as an entry.

        Raises InvalidRequestError if it does not fit, naming what the model takes.
        """
        tensors = request.inputs
        only = self._only
        if only is not None and len(tensors) == 1 and not request.outputs:
            # One comparison each, and no loops: 0.5 µs instead of 2.5 by the way below.
            tensor = tensors[0]
            shape = tensor.data.shape
            key = self._keys.get(tensor.datatype)
            if (
                key is not None
                and (tensor.name == only.name or not self._names_matter)
                and len(shape) == self._rank
                and shape[1:] == self._tail
                and shape[0]
            ):
                return Entry(key, shape[0], [tensor.data], self._default)
        outputs = self._outputs(request.outputs) if request.outputs else self._default
        return self._checked_entry(tensors, outputs)

    def tensors(
        self,
        names: tuple[str, ...],
        arrays: list[Array],
        requested: list[RequestedOutput] | None = None,
    ) -> list[Tensor]:
        """Return a reply's tensors: `arrays` are the outputs `names`, in that order.

        Of those that the request, `requested`, wants the highest classes of, it is these.
        """
        specs = self._specs
        tensors = []
        for name, array in zip(names, arrays, strict=True):
            spec = specs[name]
            parameters = spec.parameters
            datatype = spec.datatype
            # Many estimators answer doubles for doubles and floats for floats; the signature has
            # what was seen when the model was tried.
            if array.dtype != NUMPY_DTYPES[datatype]:
                datatype = _DATATYPES.get(array.dtype, datatype)
            tensors.append(Tensor(name, datatype, array, parameters and dict(parameters)))
        if requested:
            for output in requested:
                if output.parameters and CLASSIFICATION in output.parameters:
                    return self._classified(tensors, requested)
        return tensors

    def _classified(self, tensors: list[Tensor], requested: list[RequestedOutput]) -> list[Tensor]:
        """Replace outputs by their highest classes where these are wanted."""
        by_row = self._signature.batchable
        replies = []
        for tensor, output in zip(tensors, requested, strict=True):
            # The datatype is looked at again: it may differ from the signature's.
            count = classes_wanted(output, tensor.datatype)
            replies.append(classified(tensor, count, by_row=by_row) if count else tensor)
        return replies

    def _outputs(self, requested: list[RequestedOutput]) -> tuple[str, ...]:
        names = tuple([output.name for output in requested])
        for output in requested:
            spec = self._specs.get(output.name)
            if spec is None:
                allowed = ", ".join(self._specs)
                raise InvalidRequestError(
                    f"model {self._model} has no output {output.name!r}; it has: {allowed}"
                )
            if output.parameters:
                classes_wanted(output, spec.datatype)  # refused before it runs
        if len(set(names)) < len(names):
            raise InvalidRequestError(f"an output is requested twice: {', '.join(names)}")
        return names

    def _checked_entry(self, tensors: list[Tensor], outputs: tuple[str, ...]) -> Entry:
        ordered = self._ordered(tensors)
        for tensor, spec in zip(ordered, self._signature.inputs, strict=True):
            self._check_datatype(tensor, spec)
            self._check_shape(tensor, spec)
        arrays = [tensor.data for tensor in ordered]
        shapes = [array.shape for array in arrays]
        rows = shapes[0][0] if shapes and shapes[0] else 1
        key: Hashable = None
        can_share = self._signature.batchable and rows and shapes
        if can_share and all(shape and shape[0] == rows for shape in shapes):
            kinds = [(t.datatype, shape[1:]) for t, shape in zip(ordered, shapes, strict=True)]
            key = (outputs, *kinds)
        return Entry(key, max(rows, 1), arrays, outputs)

    def _ordered(self, tensors: list[Tensor]) -> list[Tensor]:
        """Return the tensors in the order of the signature's inputs."""
        specs = self._signature.inputs
        if not self._signature.names_matter and len(specs) == 1:
            if len(tensors) != 1:
                raise InvalidRequestError(
                    f"model {self._model} takes one input, the request has {len(tensors)}"
                )
            return tensors
        by_name = {tensor.name: tensor for tensor in tensors}
        wanted = ", ".join(spec.name for spec in specs)
        for name in by_name:
            if not any(spec.name == name for spec in specs):
                raise InvalidRequestError(
                    f"model {self._model} has no input {name!r}; it takes: {wanted}"
                )
        if len(tensors) != len(specs) or len(by_name) != len(specs):
            found = ", ".join(tensor.name for tensor in tensors) or "none"
            raise InvalidRequestError(
                f"model {self._model} takes these inputs, each once: {wanted}; found: {found}"
            )
        return [by_name[spec.name] for spec in specs]

    def _check_datatype(self, tensor: Tensor, spec: TensorSpec) -> None:
        if tensor.datatype == spec.datatype:
            return
        if not self._signature.names_matter and spec.datatype in _NUMERIC:
            if tensor.datatype in _NUMERIC:
                return
            wanted = "a number"
        else:
            wanted = spec.datatype
        raise InvalidRequestError(
            f"input {tensor.name!r} of model {self._model} must be {wanted}, "
            f"found {tensor.datatype}"
        )

    def _check_shape(self, tensor: Tensor, spec: TensorSpec) -> None:
        shape = tensor.data.shape
        if len(shape) == len(spec.shape) and all(
            wanted in (-1, found) for wanted, found in zip(spec.shape, shape, strict=True)
        ):
            return
        raise InvalidRequestError(
            f"input {tensor.name!r} of model {self._model} must have shape {list(spec.shape)} "
            f"(-1 is any), found {list(shape)}"
        )
