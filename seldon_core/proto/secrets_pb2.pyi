from seldon_core.proto import scheduler_pb2 as _scheduler_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SecretChange(_message.Message):
    __slots__ = ("change",)
    class Change(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANGE_UNKNOWN: _ClassVar[SecretChange.Change]
        CREATED: _ClassVar[SecretChange.Change]
        CONFIGURED: _ClassVar[SecretChange.Change]
        UNCHANGED: _ClassVar[SecretChange.Change]
        DELETED: _ClassVar[SecretChange.Change]
    CHANGE_UNKNOWN: SecretChange.Change
    CREATED: SecretChange.Change
    CONFIGURED: SecretChange.Change
    UNCHANGED: SecretChange.Change
    DELETED: SecretChange.Change
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: SecretChange.Change
    def __init__(self, change: _Optional[_Union[SecretChange.Change, str]] = ...) -> None: ...

class SecretReference(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Secret(_message.Message):
    __slots__ = ("name", "data", "kubernetesMeta")
    class DataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    KUBERNETESMETA_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: _containers.ScalarMap[str, bytes]
    kubernetesMeta: _scheduler_pb2.KubernetesMeta
    def __init__(self, name: _Optional[str] = ..., data: _Optional[_Mapping[str, bytes]] = ..., kubernetesMeta: _Optional[_Union[_scheduler_pb2.KubernetesMeta, _Mapping]] = ...) -> None: ...

class AgentConfig(_message.Message):
    __slots__ = ("secretNames", "remotes", "kubernetesMeta")
    SECRETNAMES_FIELD_NUMBER: _ClassVar[int]
    REMOTES_FIELD_NUMBER: _ClassVar[int]
    KUBERNETESMETA_FIELD_NUMBER: _ClassVar[int]
    secretNames: _containers.RepeatedScalarFieldContainer[str]
    remotes: _containers.RepeatedScalarFieldContainer[str]
    kubernetesMeta: _scheduler_pb2.KubernetesMeta
    def __init__(self, secretNames: _Optional[_Iterable[str]] = ..., remotes: _Optional[_Iterable[str]] = ..., kubernetesMeta: _Optional[_Union[_scheduler_pb2.KubernetesMeta, _Mapping]] = ...) -> None: ...

class ListSecretsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSecretsResponse(_message.Message):
    __slots__ = ("secrets", "agentConfig")
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    AGENTCONFIG_FIELD_NUMBER: _ClassVar[int]
    secrets: _containers.RepeatedCompositeFieldContainer[SecretSummary]
    agentConfig: AgentConfigSummary
    def __init__(self, secrets: _Optional[_Iterable[_Union[SecretSummary, _Mapping]]] = ..., agentConfig: _Optional[_Union[AgentConfigSummary, _Mapping]] = ...) -> None: ...

class SecretSummary(_message.Message):
    __slots__ = ("name", "sizes", "remote", "problem", "models", "kubernetesMeta")
    class SizesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    REMOTE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    KUBERNETESMETA_FIELD_NUMBER: _ClassVar[int]
    name: str
    sizes: _containers.ScalarMap[str, int]
    remote: str
    problem: str
    models: _containers.RepeatedScalarFieldContainer[str]
    kubernetesMeta: _scheduler_pb2.KubernetesMeta
    def __init__(self, name: _Optional[str] = ..., sizes: _Optional[_Mapping[str, int]] = ..., remote: _Optional[str] = ..., problem: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., kubernetesMeta: _Optional[_Union[_scheduler_pb2.KubernetesMeta, _Mapping]] = ...) -> None: ...

class AgentConfigSummary(_message.Message):
    __slots__ = ("remotes", "kubernetesMeta")
    REMOTES_FIELD_NUMBER: _ClassVar[int]
    KUBERNETESMETA_FIELD_NUMBER: _ClassVar[int]
    remotes: _containers.RepeatedCompositeFieldContainer[PreloadedRemote]
    kubernetesMeta: _scheduler_pb2.KubernetesMeta
    def __init__(self, remotes: _Optional[_Iterable[_Union[PreloadedRemote, _Mapping]]] = ..., kubernetesMeta: _Optional[_Union[_scheduler_pb2.KubernetesMeta, _Mapping]] = ...) -> None: ...

class PreloadedRemote(_message.Message):
    __slots__ = ("remote", "secretName", "problem")
    REMOTE_FIELD_NUMBER: _ClassVar[int]
    SECRETNAME_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    remote: str
    secretName: str
    problem: str
    def __init__(self, remote: _Optional[str] = ..., secretName: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...
