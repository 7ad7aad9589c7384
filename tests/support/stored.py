"""What the scheduler keeps, for tests of the store: values, strategies, damage."""

import asyncio

from hypothesis import strategies as st

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.store import open_store

PAGE = 4096  # of LMDB's file, as this system has it


def stored(name, numbers=(1,), *, uri="/models/iris", namespace=None, fallback=None):
    """Return a model as the scheduler keeps it."""
    meta = None if namespace is None else KubernetesMeta(namespace, 1)
    spec = ModelSpec(name, uri, requirements=("sklearn",), meta=meta)
    versions = tuple(
        StoredVersion(number, spec, "mlserver", 100.0 + number, None) for number in numbers
    )
    return StoredModel(name, versions, fallback, None)


def keep(folder, *writes):
    """Write to the store of a data folder: each of `writes` is (saved, dropped, now)."""

    async def run():
        async with open_store(folder) as store:
            for saved, dropped, now in writes:
                await store.write(saved, dropped, now)

    asyncio.run(run())


def kept(folder):
    """Return the models in the store of a data folder."""

    async def run():
        async with open_store(folder) as store:
            return store.models

    return asyncio.run(run())


_seconds = st.floats(0, 1e11)
_names = st.text(min_size=1, max_size=12)
_texts = st.text(max_size=12)
_counts = st.integers(0, 2**63)
_knobs = st.builds(
    Knobs,
    keep_in_memory=st.booleans(),
    isolation=st.sampled_from(["auto", "process"]),
    timeout_ms=st.none() | st.integers(1, 86_400_000),
)


def _specs(name):
    return st.builds(
        ModelSpec,
        name=st.just(name),
        storage_uri=_texts,
        requirements=st.lists(_texts, max_size=3).map(tuple),
        memory_bytes=_counts,
        artifact_version=st.none() | st.integers(-(2**31), 2**31),
        server=st.none() | _texts,
        storage_secret=_texts,
        parameters=st.dictionaries(_texts, _texts, max_size=3),
        knobs=_knobs,
        replicas=_counts,
        min_replicas=_counts,
        max_replicas=_counts,
        log_payloads=st.booleans(),
        clean_topics_on_delete=st.booleans(),
        meta=st.none() | st.builds(KubernetesMeta, namespace=_texts, generation=_counts),
    )


@st.composite
def stored_models(draw, names=_names):
    """Any model that the scheduler might keep."""
    name = draw(names)
    numbers = sorted(draw(st.sets(st.integers(1, 2**32), min_size=1, max_size=4)))
    versions = [
        StoredVersion(
            number,
            draw(_specs(name)),
            draw(_texts),
            draw(_seconds),
            draw(st.none() | _seconds),
        )
        for number in numbers
    ]
    fallback = draw(st.none() | st.sampled_from(numbers))
    return StoredModel(name, tuple(versions), fallback, draw(st.none() | _seconds))


def write_page(path, number, content):
    """Replace a page of LMDB's file."""
    damaged = bytearray(path.read_bytes())
    damaged[number * PAGE : (number + 1) * PAGE] = content.ljust(PAGE, b"\0")
    path.write_bytes(damaged)
