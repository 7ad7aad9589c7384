"""The scheduler API's Model message: what it declares, and how a model is echoed in statuses.

Checked by hand: this is read when a process starts, and pydantic costs more memory than that may.
Fields and enum numbers that are not known here are not looked at, so newer clients are understood.
"""

import re
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.knobs import NO_KNOBS, PREFIX, Knobs, parse_knobs, show_knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec

UNSET_MAX_REPLICAS: Final = 2**32 - 1
"""What Seldon's clients send as maxReplicas when the user gave none."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_MAX_NAME_LENGTH = 253  # what Kubernetes allows for a resource
_MAX_NAMESPACE_LENGTH = 63
_MAX_REPLICAS = 2**31 - 1  # manifests have an int32
_MAX_GENERATION = 2**31 - 1  # it becomes the number of the first version
_MAX_MEMORY_BYTES = 2**63 - 1
# A status tells the whole declaration, reasons may repeat it, and clients take 4 MiB in at most. So
# much as well `kubectl apply` notes of a manifest.
_MAX_DECLARATION_BYTES = 256 * 1024


def spec_of(message: pb.Model) -> ModelSpec:
    """Return what `message` declares.

    Raises InvalidResourceError, with the path of the field in the message, if it is not a valid
    model or is one of a sort that is not served.
    """
    name = checked_name(message.meta.name, "meta.name")
    if message.ByteSize() > _MAX_DECLARATION_BYTES:
        raise InvalidResourceError(
            "modelSpec",
            f"the declaration has {message.ByteSize()} bytes, {_MAX_DECLARATION_BYTES} is the most",
        )
    given = message.modelSpec
    parameters, knobs = _parameters(given)
    replicas, least, most = _scaling(message)
    return ModelSpec(
        name=name,
        storage_uri=_uri(given),
        requirements=_requirements(given),
        memory_bytes=_memory(given),
        artifact_version=given.artifactVersion if given.HasField("artifactVersion") else None,
        server=given.server or None,
        storage_secret=_storage_secret(given),
        parameters=parameters,
        knobs=knobs,
        replicas=replicas,
        min_replicas=least,
        max_replicas=most,
        log_payloads=message.deploymentSpec.logPayloads,
        clean_topics_on_delete=message.dataflowSpec.cleanTopicsOnDelete,
        meta=_meta(message.meta),
    )


def message_of(spec: ModelSpec) -> pb.Model:
    """Return the message that declares `spec`; what has its default value is left out of it."""
    message = pb.Model(
        meta=pb.MetaData(name=spec.name, kubernetesMeta=kubernetes_message(spec.meta)),
        modelSpec=pb.ModelSpec(
            uri=spec.storage_uri,
            artifactVersion=spec.artifact_version,
            requirements=spec.requirements,
            memoryBytes=spec.memory_bytes or None,
            server=spec.server,
        ),
        deploymentSpec=pb.DeploymentSpec(
            replicas=spec.replicas,
            minReplicas=spec.min_replicas,
            maxReplicas=spec.max_replicas,
            logPayloads=spec.log_payloads,
        ),
    )
    if spec.storage_secret:
        message.modelSpec.storageConfig.storageSecretName = spec.storage_secret
    for name, value in {**spec.parameters, **show_knobs(spec.knobs)}.items():
        message.modelSpec.parameters.add(name=name, value=value)
    if spec.clean_topics_on_delete:
        message.dataflowSpec.cleanTopicsOnDelete = True
    return message


def kubernetes_meta(message: pb.KubernetesMeta, path: str) -> KubernetesMeta:
    """Return what Kubernetes knows of a resource; `path` is where errors say that it stands.

    Raises InvalidResourceError if the namespace is no name or the generation no version number.
    """
    if message.namespace:
        _check(message.namespace, f"{path}.namespace", _MAX_NAMESPACE_LENGTH)
    if message.generation > _MAX_GENERATION:
        raise InvalidResourceError(
            f"{path}.generation",
            f"{message.generation} is too large, the most is {_MAX_GENERATION}",
        )
    return KubernetesMeta(message.namespace, message.generation)


def kubernetes_message(meta: KubernetesMeta | None) -> pb.KubernetesMeta | None:
    """Return the message of `meta`; None, which leaves the field out, if there is none."""
    if meta is None:
        return None
    return pb.KubernetesMeta(namespace=meta.namespace, generation=meta.generation)


def checked_name(name: str, path: str) -> str:
    """Return `name`, which is a model's.

    Raises InvalidResourceError at `path` if it cannot be one.
    """
    return _check(name, path, _MAX_NAME_LENGTH)


def _check(name: str, path: str, limit: int) -> str:
    if len(name) > limit or _NAME.fullmatch(name) is None:
        shown = name if len(name) <= limit else f"{name[:limit]}…"
        raise InvalidResourceError(
            path,
            f"{shown!r} must be lower-case letters, digits and '-', begin and end with a letter "
            f"or digit, and have at most {limit} characters",
        )
    return name


def _meta(message: pb.MetaData) -> KubernetesMeta | None:
    if not message.HasField("kubernetesMeta"):
        return None
    return kubernetes_meta(message.kubernetesMeta, "meta.kubernetesMeta")


def _uri(given: pb.ModelSpec) -> str:
    _refuse_other_sorts(given)
    if not given.uri.strip():
        raise InvalidResourceError("modelSpec.uri", "is empty; it says where the artifact is")
    return given.uri


def _refuse_other_sorts(given: pb.ModelSpec) -> None:
    sort = given.WhichOneof("model_spec")
    if sort is None:
        return
    path = f"modelSpec.{sort}"
    wanted = given.explainer if sort == "explainer" else given.llm
    if wanted.modelRef and wanted.pipelineRef:
        raise InvalidResourceError(
            path,
            f"has both a modelRef, {wanted.modelRef!r}, and a pipelineRef, "
            f"{wanted.pipelineRef!r}; give one of them",
        )
    raise InvalidResourceError(path, "models of this sort are not served yet")


def _requirements(given: pb.ModelSpec) -> tuple[str, ...]:
    requirements = tuple(tag.strip() for tag in given.requirements)
    if not all(requirements):
        place = requirements.index("")
        raise InvalidResourceError(f"modelSpec.requirements.{place}", "is empty")
    return requirements


def _memory(given: pb.ModelSpec) -> int:
    if given.memoryBytes > _MAX_MEMORY_BYTES:
        raise InvalidResourceError(
            "modelSpec.memoryBytes",
            f"{given.memoryBytes} is too large, the most is {_MAX_MEMORY_BYTES}",
        )
    return given.memoryBytes


def _storage_secret(given: pb.ModelSpec) -> str:
    if given.storageConfig.WhichOneof("config") == "storageRcloneConfig":
        raise InvalidResourceError(
            "modelSpec.storageConfig.storageRcloneConfig",
            "remotes that a model brings with it are not served; declare this one as a Secret, and "
            "name that as storageSecretName",
        )
    return given.storageConfig.storageSecretName


def _parameters(given: pb.ModelSpec) -> tuple[dict[str, str], Knobs]:
    """Return what is passed on to the model, and our own settings, which are not."""
    if not given.parameters:
        return {}, NO_KNOBS
    values: dict[str, str] = {}
    for place, parameter in enumerate(given.parameters):
        if not parameter.name:
            raise InvalidResourceError(f"modelSpec.parameters.{place}.name", "is empty")
        if parameter.name in values:
            raise InvalidResourceError(
                f"modelSpec.parameters.{place}.name", f"{parameter.name!r} is given twice"
            )
        values[parameter.name] = parameter.value
    try:
        knobs = parse_knobs(values)
    except ValueError as error:
        raise InvalidResourceError("modelSpec.parameters", str(error)) from error
    return {name: text for name, text in values.items() if not name.startswith(PREFIX)}, knobs


def _scaling(message: pb.Model) -> tuple[int, int, int]:
    """Return the replicas that are wanted, the fewest and the most, 0 for no bound."""
    if not message.HasField("deploymentSpec"):
        return 1, 0, 0
    given = message.deploymentSpec
    least = given.minReplicas
    replicas = given.replicas or least  # 0 is what an absent number is as well
    most = 0 if given.maxReplicas == UNSET_MAX_REPLICAS else given.maxReplicas
    for field, count in (("minReplicas", least), ("maxReplicas", most), ("replicas", replicas)):
        if count > _MAX_REPLICAS:
            raise InvalidResourceError(
                f"deploymentSpec.{field}", f"{count} is too large, the most is {_MAX_REPLICAS}"
            )
    if most and least > most:
        raise InvalidResourceError(
            "deploymentSpec.minReplicas", f"{least} is more than maxReplicas {most}"
        )
    if replicas < least:
        raise InvalidResourceError(
            "deploymentSpec.replicas", f"{replicas} is less than minReplicas {least}"
        )
    if most and replicas > most:
        raise InvalidResourceError(
            "deploymentSpec.replicas", f"{replicas} is more than maxReplicas {most}"
        )
    return replicas, least, most
