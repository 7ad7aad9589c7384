from seldon_core.proto import scheduler_pb2 as _scheduler_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServerChange(_message.Message):
    __slots__ = ("change",)
    class Change(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANGE_UNKNOWN: _ClassVar[ServerChange.Change]
        CREATED: _ClassVar[ServerChange.Change]
        CONFIGURED: _ClassVar[ServerChange.Change]
        UNCHANGED: _ClassVar[ServerChange.Change]
        DELETED: _ClassVar[ServerChange.Change]
    CHANGE_UNKNOWN: ServerChange.Change
    CREATED: ServerChange.Change
    CONFIGURED: ServerChange.Change
    UNCHANGED: ServerChange.Change
    DELETED: ServerChange.Change
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: ServerChange.Change
    def __init__(self, change: _Optional[_Union[ServerChange.Change, str]] = ...) -> None: ...

class ServerReference(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ServerProcess(_message.Message):
    __slots__ = ("capabilities", "memoryBytes", "overCommitPercentage", "python", "environmentVariables", "environmentName", "deviceCount", "labels")
    class EnvironmentVariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MEMORYBYTES_FIELD_NUMBER: _ClassVar[int]
    OVERCOMMITPERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    PYTHON_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTVARIABLES_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTNAME_FIELD_NUMBER: _ClassVar[int]
    DEVICECOUNT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    memoryBytes: int
    overCommitPercentage: int
    python: str
    environmentVariables: _containers.ScalarMap[str, str]
    environmentName: str
    deviceCount: int
    labels: _containers.ScalarMap[str, str]
    def __init__(self, capabilities: _Optional[_Iterable[str]] = ..., memoryBytes: _Optional[int] = ..., overCommitPercentage: _Optional[int] = ..., python: _Optional[str] = ..., environmentVariables: _Optional[_Mapping[str, str]] = ..., environmentName: _Optional[str] = ..., deviceCount: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ServerConfig(_message.Message):
    __slots__ = ("name", "process", "kubernetesMeta")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    KUBERNETESMETA_FIELD_NUMBER: _ClassVar[int]
    name: str
    process: ServerProcess
    kubernetesMeta: _scheduler_pb2.KubernetesMeta
    def __init__(self, name: _Optional[str] = ..., process: _Optional[_Union[ServerProcess, _Mapping]] = ..., kubernetesMeta: _Optional[_Union[_scheduler_pb2.KubernetesMeta, _Mapping]] = ...) -> None: ...

class Server(_message.Message):
    __slots__ = ("name", "configName", "process", "extraCapabilities", "replicas", "minReplicas", "maxReplicas", "disableAutoUpdate", "kubernetesMeta")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONFIGNAME_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    EXTRACAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    MINREPLICAS_FIELD_NUMBER: _ClassVar[int]
    MAXREPLICAS_FIELD_NUMBER: _ClassVar[int]
    DISABLEAUTOUPDATE_FIELD_NUMBER: _ClassVar[int]
    KUBERNETESMETA_FIELD_NUMBER: _ClassVar[int]
    name: str
    configName: str
    process: ServerProcess
    extraCapabilities: _containers.RepeatedScalarFieldContainer[str]
    replicas: int
    minReplicas: int
    maxReplicas: int
    disableAutoUpdate: bool
    kubernetesMeta: _scheduler_pb2.KubernetesMeta
    def __init__(self, name: _Optional[str] = ..., configName: _Optional[str] = ..., process: _Optional[_Union[ServerProcess, _Mapping]] = ..., extraCapabilities: _Optional[_Iterable[str]] = ..., replicas: _Optional[int] = ..., minReplicas: _Optional[int] = ..., maxReplicas: _Optional[int] = ..., disableAutoUpdate: _Optional[bool] = ..., kubernetesMeta: _Optional[_Union[_scheduler_pb2.KubernetesMeta, _Mapping]] = ...) -> None: ...

class ListServersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListServersResponse(_message.Message):
    __slots__ = ("servers", "configs", "processes", "notices")
    class NoticesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    CONFIGS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    servers: _containers.RepeatedCompositeFieldContainer[Server]
    configs: _containers.RepeatedCompositeFieldContainer[ServerConfig]
    processes: _containers.RepeatedCompositeFieldContainer[AgentProcess]
    notices: _containers.ScalarMap[str, str]
    def __init__(self, servers: _Optional[_Iterable[_Union[Server, _Mapping]]] = ..., configs: _Optional[_Iterable[_Union[ServerConfig, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[AgentProcess, _Mapping]]] = ..., notices: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AgentProcess(_message.Message):
    __slots__ = ("serverName", "replicaIdx", "phase", "pid", "ends", "lastEnd")
    SERVERNAME_FIELD_NUMBER: _ClassVar[int]
    REPLICAIDX_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    LASTEND_FIELD_NUMBER: _ClassVar[int]
    serverName: str
    replicaIdx: int
    phase: str
    pid: int
    ends: int
    lastEnd: str
    def __init__(self, serverName: _Optional[str] = ..., replicaIdx: _Optional[int] = ..., phase: _Optional[str] = ..., pid: _Optional[int] = ..., ends: _Optional[int] = ..., lastEnd: _Optional[str] = ...) -> None: ...
