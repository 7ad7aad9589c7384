"""Tensors of every datatype, by hand and by Hypothesis."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from seldon_core.protocol.inference import InferRequest, Tensor
from seldon_core.protocol.tensors import NUMPY_DTYPES

DATATYPES = tuple(NUMPY_DTYPES)
SHAPES = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
NAMES = st.text(max_size=12)


def same(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors are the same bit by bit, as the wire has them."""
    return (
        left.name == right.name
        and left.datatype == right.datatype
        and left.data.dtype == right.data.dtype
        and left.data.shape == right.data.shape
        and (left.parameters or None) == (right.parameters or None)
        and left.data.tolist().__repr__() == right.data.tolist().__repr__()
    )


def cut_to_bf16(array):
    """Return float32 numbers without the bits that BF16 does not send."""
    return (np.ascontiguousarray(array).view("<u4") & 0xFFFF0000).view("<f4").reshape(array.shape)


@st.composite
def arrays(draw, /, datatype, *, finite=True, text=True):
    """Arrays of one datatype; BYTES hold UTF-8 if `text`."""
    shape = draw(SHAPES)
    if datatype == "BYTES":
        element = st.text(max_size=5).map(str.encode)
        if not text:
            element = st.binary(max_size=5)
        count = int(np.prod(shape))
        array = np.empty(count, object)
        array[:] = draw(st.lists(element, min_size=count, max_size=count))
        return array.reshape(shape)
    dtype = NUMPY_DTYPES[datatype]
    elements = None
    if dtype.kind == "f":
        elements = npst.from_dtype(dtype, allow_nan=not finite, allow_infinity=not finite)
    array = draw(npst.arrays(dtype, shape, elements=elements))
    return cut_to_bf16(array) if datatype == "BF16" else array


@st.composite
def tensors(draw, /, name, datatypes=DATATYPES, **options):
    """Tensors of any of `datatypes`."""
    datatype = draw(st.sampled_from(datatypes))
    return Tensor(name, datatype, draw(arrays(datatype, **options)), draw(st.none() | PARAMETERS))


PARAMETERS = st.dictionaries(
    NAMES.filter(lambda name: name != "binary_data_size"),
    st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
    min_size=1,
    max_size=3,
)


@st.composite
def tensor_lists(draw, /, datatypes=DATATYPES, **options):
    """Up to three tensors with different names."""
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    return [draw(tensors(name, datatypes, **options)) for name in names]


def request_of(*inputs: Tensor, **fields: object) -> InferRequest:
    """Return a request with these inputs."""
    return InferRequest(list(inputs), **fields)  # type: ignore[arg-type]  # a test's shorthand
