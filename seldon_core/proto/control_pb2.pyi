import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from seldon_core.proto import scheduler_pb2 as _scheduler_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApplyModelResponse(_message.Message):
    __slots__ = ("change",)
    class Change(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANGE_UNKNOWN: _ClassVar[ApplyModelResponse.Change]
        CREATED: _ClassVar[ApplyModelResponse.Change]
        CONFIGURED: _ClassVar[ApplyModelResponse.Change]
        UNCHANGED: _ClassVar[ApplyModelResponse.Change]
    CHANGE_UNKNOWN: ApplyModelResponse.Change
    CREATED: ApplyModelResponse.Change
    CONFIGURED: ApplyModelResponse.Change
    UNCHANGED: ApplyModelResponse.Change
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: ApplyModelResponse.Change
    def __init__(self, change: _Optional[_Union[ApplyModelResponse.Change, str]] = ...) -> None: ...

class DescribeModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DescribeModelResponse(_message.Message):
    __slots__ = ("status", "verdicts", "story", "scaling")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    STORY_FIELD_NUMBER: _ClassVar[int]
    SCALING_FIELD_NUMBER: _ClassVar[int]
    status: _scheduler_pb2.ModelStatusResponse
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    story: _containers.RepeatedCompositeFieldContainer[Chapter]
    scaling: ChosenReplicas
    def __init__(self, status: _Optional[_Union[_scheduler_pb2.ModelStatusResponse, _Mapping]] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., story: _Optional[_Iterable[_Union[Chapter, _Mapping]]] = ..., scaling: _Optional[_Union[ChosenReplicas, _Mapping]] = ...) -> None: ...

class ChosenReplicas(_message.Message):
    __slots__ = ("replicas", "reason", "time")
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    replicas: int
    reason: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, replicas: _Optional[int] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("serverName", "replicaIdx", "filter", "reason")
    SERVERNAME_FIELD_NUMBER: _ClassVar[int]
    REPLICAIDX_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    serverName: str
    replicaIdx: int
    filter: str
    reason: str
    def __init__(self, serverName: _Optional[str] = ..., replicaIdx: _Optional[int] = ..., filter: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class StoryRequest(_message.Message):
    __slots__ = ("kind", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class StoryResponse(_message.Message):
    __slots__ = ("story",)
    STORY_FIELD_NUMBER: _ClassVar[int]
    story: _containers.RepeatedCompositeFieldContainer[Chapter]
    def __init__(self, story: _Optional[_Iterable[_Union[Chapter, _Mapping]]] = ...) -> None: ...

class Chapter(_message.Message):
    __slots__ = ("eventId", "time", "event", "decisions")
    EVENTID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    eventId: int
    time: _timestamp_pb2.Timestamp
    event: str
    decisions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, eventId: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event: _Optional[str] = ..., decisions: _Optional[_Iterable[str]] = ...) -> None: ...

class WakeModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WakeModelResponse(_message.Message):
    __slots__ = ("failure",)
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    failure: str
    def __init__(self, failure: _Optional[str] = ...) -> None: ...

class SubscribeRoutesRequest(_message.Message):
    __slots__ = ("protocol", "oldestProtocol", "version")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    OLDESTPROTOCOL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    oldestProtocol: int
    version: str
    def __init__(self, protocol: _Optional[int] = ..., oldestProtocol: _Optional[int] = ..., version: _Optional[str] = ...) -> None: ...

class RoutesMessage(_message.Message):
    __slots__ = ("sequence", "isSnapshot", "isComplete", "routes", "replicas")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ISSNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ISCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    isSnapshot: bool
    isComplete: bool
    routes: _containers.RepeatedCompositeFieldContainer[Route]
    replicas: _containers.RepeatedCompositeFieldContainer[ReplicaPlace]
    def __init__(self, sequence: _Optional[int] = ..., isSnapshot: _Optional[bool] = ..., isComplete: _Optional[bool] = ..., routes: _Optional[_Iterable[_Union[Route, _Mapping]]] = ..., replicas: _Optional[_Iterable[_Union[ReplicaPlace, _Mapping]]] = ...) -> None: ...

class Route(_message.Message):
    __slots__ = ("name", "candidates", "notice")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    candidates: _containers.RepeatedCompositeFieldContainer[RouteCandidate]
    notice: str
    def __init__(self, name: _Optional[str] = ..., candidates: _Optional[_Iterable[_Union[RouteCandidate, _Mapping]]] = ..., notice: _Optional[str] = ...) -> None: ...

class RouteCandidate(_message.Message):
    __slots__ = ("model", "version", "weight", "replicas")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: int
    weight: int
    replicas: _containers.RepeatedCompositeFieldContainer[Replica]
    def __init__(self, model: _Optional[str] = ..., version: _Optional[int] = ..., weight: _Optional[int] = ..., replicas: _Optional[_Iterable[_Union[Replica, _Mapping]]] = ...) -> None: ...

class Replica(_message.Message):
    __slots__ = ("server", "replicaIdx")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    REPLICAIDX_FIELD_NUMBER: _ClassVar[int]
    server: str
    replicaIdx: int
    def __init__(self, server: _Optional[str] = ..., replicaIdx: _Optional[int] = ...) -> None: ...

class ReplicaPlace(_message.Message):
    __slots__ = ("replica", "host", "httpPort", "grpcPort", "isOurs")
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    HTTPPORT_FIELD_NUMBER: _ClassVar[int]
    GRPCPORT_FIELD_NUMBER: _ClassVar[int]
    ISOURS_FIELD_NUMBER: _ClassVar[int]
    replica: Replica
    host: str
    httpPort: int
    grpcPort: int
    isOurs: bool
    def __init__(self, replica: _Optional[_Union[Replica, _Mapping]] = ..., host: _Optional[str] = ..., httpPort: _Optional[int] = ..., grpcPort: _Optional[int] = ..., isOurs: _Optional[bool] = ...) -> None: ...
