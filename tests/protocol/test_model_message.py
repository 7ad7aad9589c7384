"""The scheduler API's Model message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import kubernetes_message, message_of, spec_of
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec


def model(spec=None, *, name="iris", uri="/iris", deployment=None, **others):
    return pb.Model(
        meta={"name": name},
        modelSpec={"uri": uri, **(spec or {})},
        deploymentSpec=deployment,
        **others,
    )


def test_a_name_and_a_uri_are_enough():
    assert spec_of(model()) == ModelSpec("iris", "/iris")


def test_what_is_given_is_kept():
    message = model(
        {
            "artifactVersion": 0,
            "storageConfig": {"storageSecretName": "bucket"},
            "requirements": [" sklearn ", "mlserver"],
            "memoryBytes": 500,
            "server": "mlserver",
            "parameters": [
                {"name": "query", "value": "choice == 1"},
                {"name": "seldon-core/keep-in-memory", "value": "true"},
            ],
        },
        deployment={"replicas": 2, "minReplicas": 1, "maxReplicas": 3, "logPayloads": True},
        dataflowSpec={"cleanTopicsOnDelete": True},
    )
    message.meta.kubernetesMeta.namespace = "mesh"
    message.meta.kubernetesMeta.generation = 7
    assert spec_of(message) == ModelSpec(
        "iris",
        "/iris",
        requirements=("sklearn", "mlserver"),
        memory_bytes=500,
        artifact_version=0,
        server="mlserver",
        storage_secret="bucket",
        parameters={"query": "choice == 1"},
        knobs=Knobs(keep_in_memory=True),
        replicas=2,
        min_replicas=1,
        max_replicas=3,
        log_payloads=True,
        clean_topics_on_delete=True,
        meta=KubernetesMeta("mesh", 7),
    )


@pytest.mark.parametrize(
    ("deployment", "scaling"),
    [
        pytest.param(None, (1, 0, 0), id="absent"),
        pytest.param({}, (0, 0, 0), id="empty"),
        pytest.param({"minReplicas": 2}, (2, 2, 0), id="only a minimum"),
        pytest.param({"replicas": 3, "maxReplicas": 3}, (3, 0, 3), id="the most there may be"),
        pytest.param({"replicas": 1, "maxReplicas": 2**32 - 1}, (1, 0, 0), id="the number of none"),
    ],
)
def test_replicas_follow_seldons_rules(deployment, scaling):
    spec = spec_of(model(deployment=deployment))
    assert (spec.replicas, spec.min_replicas, spec.max_replicas) == scaling


def test_an_empty_meta_is_another_than_none():
    message = model()
    message.meta.kubernetesMeta.SetInParent()
    assert spec_of(message).meta == KubernetesMeta()
    assert spec_of(model()).meta is None


def test_an_empty_server_is_none():
    assert spec_of(model({"server": ""})).server is None


RULE = (
    "must be lower-case letters, digits and '-', begin and end with a letter or digit, "
    "and have at most 253 characters"
)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        pytest.param(pb.Model(), f"meta.name: '' {RULE}", id="nothing"),
        pytest.param(model(name="a.b"), f"meta.name: 'a.b' {RULE}", id="a dot in the name"),
        pytest.param(model(name="a\n"), f"meta.name: 'a\\n' {RULE}", id="a line feed at the end"),
        pytest.param(model(name="-a"), f"meta.name: '-a' {RULE}", id="a dash in front"),
        pytest.param(model(name="a" * 300), f"meta.name: '{'a' * 253}…' {RULE}", id="long"),
        pytest.param(
            model(uri=" "), "modelSpec.uri: is empty; it says where the artifact is", id="blank uri"
        ),
        pytest.param(
            model({"requirements": ["a", " "]}),
            "modelSpec.requirements.1: is empty",
            id="a blank requirement",
        ),
        pytest.param(
            model({"memoryBytes": 2**63}),
            f"modelSpec.memoryBytes: {2**63} is too large, the most is {2**63 - 1}",
            id="memory",
        ),
        pytest.param(
            model({"storageConfig": {"storageRcloneConfig": "{}"}}),
            "modelSpec.storageConfig.storageRcloneConfig: remotes that a model brings with it are "
            "not served; declare this one as a Secret, and name that as storageSecretName",
            id="a remote of its own",
        ),
        pytest.param(
            model({"explainer": {"type": "anchor_text", "modelRef": "m"}}),
            "modelSpec.explainer: models of this sort are not served yet",
            id="an explainer",
        ),
        pytest.param(
            model({"explainer": {"modelRef": "m", "pipelineRef": "p"}}),
            "modelSpec.explainer: has both a modelRef, 'm', and a pipelineRef, 'p'; "
            "give one of them",
            id="an explainer of two",
        ),
        pytest.param(
            model({"llm": {}}, uri=""),
            "modelSpec.llm: models of this sort are not served yet",
            id="an llm",
        ),
        pytest.param(
            model({"parameters": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}),
            "modelSpec.parameters.2.name: 'a' is given twice",
            id="a parameter twice",
        ),
        pytest.param(
            model({"parameters": [{"value": "1"}]}),
            "modelSpec.parameters.0.name: is empty",
            id="a parameter without name",
        ),
        pytest.param(
            model({"parameters": [{"name": "seldon-core/keep-in-memroy", "value": "true"}]}),
            "modelSpec.parameters: there is no setting 'seldon-core/keep-in-memroy', "
            "did you mean seldon-core/keep-in-memory?",
            id="an unknown knob",
        ),
        pytest.param(
            model(deployment={"minReplicas": 3, "maxReplicas": 2}),
            "deploymentSpec.minReplicas: 3 is more than maxReplicas 2",
            id="more at least than at most",
        ),
        pytest.param(
            model(deployment={"replicas": 1, "minReplicas": 2}),
            "deploymentSpec.replicas: 1 is less than minReplicas 2",
            id="too few",
        ),
        pytest.param(
            model(deployment={"replicas": 3, "maxReplicas": 2}),
            "deploymentSpec.replicas: 3 is more than maxReplicas 2",
            id="too many",
        ),
        pytest.param(
            model(deployment={"replicas": 2**31}),
            f"deploymentSpec.replicas: {2**31} is too large, the most is {2**31 - 1}",
            id="very many",
        ),
        pytest.param(
            model(deployment={"minReplicas": 2**32 - 1}),
            f"deploymentSpec.minReplicas: {2**32 - 1} is too large, the most is {2**31 - 1}",
            id="the number of none as a minimum",
        ),
    ],
)
def test_what_is_wrong_is_named(message, error):
    with pytest.raises(InvalidResourceError) as refused:
        spec_of(message)
    assert str(refused.value) == error


@pytest.mark.parametrize(
    ("meta", "path"),
    [
        ({"namespace": "Not a name"}, "meta.kubernetesMeta.namespace"),
        ({"namespace": "n" * 64}, "meta.kubernetesMeta.namespace"),
        ({"generation": 2**40}, "meta.kubernetesMeta.generation"),
    ],
    ids=["a namespace with spaces", "a long namespace", "a generation that is no version"],
)
def test_a_wrong_meta_is_named(meta, path):
    message = model()
    message.meta.kubernetesMeta.MergeFrom(pb.KubernetesMeta(**meta))
    with pytest.raises(InvalidResourceError) as refused:
        spec_of(message)
    assert refused.value.path == path


def test_a_declaration_that_clients_could_not_be_told_of_is_refused():
    longest = "/" * (2**18 - 16)  # around it stand 16 bytes
    assert spec_of(model(uri=longest))
    with pytest.raises(InvalidResourceError) as refused:
        spec_of(model(uri=f"{longest}x"))
    assert str(refused.value) == ("modelSpec: the declaration has 262145 bytes, 262144 is the most")


def test_fields_and_numbers_of_the_future_do_no_harm():
    newer = model().SerializeToString() + b"\xf2\x3f\x04\x08\x01\x10\x02" + b"\xf8\x3f\x63"
    assert spec_of(pb.Model.FromString(newer)) == ModelSpec("iris", "/iris")


def test_only_what_was_given_is_echoed():
    assert message_of(ModelSpec("iris", "/iris")) == pb.Model(
        meta={"name": "iris"}, modelSpec={"uri": "/iris"}, deploymentSpec={"replicas": 1}
    )


def test_an_empty_meta_is_echoed():
    message = message_of(ModelSpec("iris", "/iris", meta=KubernetesMeta()))
    assert message.meta.HasField("kubernetesMeta")
    assert kubernetes_message(None) is None


names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
tags = st.text(min_size=1).map(str.strip).filter(bool)


@st.composite
def specs(draw):
    least = draw(st.integers(0, 5))
    replicas = draw(st.integers(least, 10))
    return ModelSpec(
        draw(names),
        draw(tags),
        requirements=tuple(draw(st.lists(tags, max_size=3))),
        memory_bytes=draw(st.integers(0, 2**63 - 1)),
        artifact_version=draw(st.none() | st.integers(0, 2**32 - 1)),
        server=draw(st.none() | tags),
        storage_secret=draw(st.text()),
        parameters=draw(st.dictionaries(tags.filter(lambda tag: "/" not in tag), st.text())),
        knobs=draw(st.builds(Knobs, keep_in_memory=st.booleans())),
        replicas=replicas,
        min_replicas=least,
        max_replicas=draw(st.just(0) | st.integers(max(replicas, 1), 2**31 - 1)),
        log_payloads=draw(st.booleans()),
        clean_topics_on_delete=draw(st.booleans()),
        meta=draw(
            st.none()
            | st.builds(KubernetesMeta, st.just("") | names, st.integers(-(2**63), 2**31 - 1))
        ),
    )


@given(specs())
def test_what_is_echoed_declares_the_same(spec):
    wire = message_of(spec).SerializeToString()
    assert spec_of(pb.Model.FromString(wire)) == spec
