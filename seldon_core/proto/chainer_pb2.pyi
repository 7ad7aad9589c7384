from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PipelineUpdateMessage(_message.Message):
    __slots__ = ("op", "pipeline", "version", "uid", "timestamp", "stream")
    class PipelineOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        Unknown: _ClassVar[PipelineUpdateMessage.PipelineOperation]
        Create: _ClassVar[PipelineUpdateMessage.PipelineOperation]
        Delete: _ClassVar[PipelineUpdateMessage.PipelineOperation]
        Rebalance: _ClassVar[PipelineUpdateMessage.PipelineOperation]
        Ready: _ClassVar[PipelineUpdateMessage.PipelineOperation]
    Unknown: PipelineUpdateMessage.PipelineOperation
    Create: PipelineUpdateMessage.PipelineOperation
    Delete: PipelineUpdateMessage.PipelineOperation
    Rebalance: PipelineUpdateMessage.PipelineOperation
    Ready: PipelineUpdateMessage.PipelineOperation
    OP_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    op: PipelineUpdateMessage.PipelineOperation
    pipeline: str
    version: int
    uid: str
    timestamp: int
    stream: str
    def __init__(self, op: _Optional[_Union[PipelineUpdateMessage.PipelineOperation, str]] = ..., pipeline: _Optional[str] = ..., version: _Optional[int] = ..., uid: _Optional[str] = ..., timestamp: _Optional[int] = ..., stream: _Optional[str] = ...) -> None: ...

class PipelineUpdateStatusMessage(_message.Message):
    __slots__ = ("update", "success", "reason")
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    update: PipelineUpdateMessage
    success: bool
    reason: str
    def __init__(self, update: _Optional[_Union[PipelineUpdateMessage, _Mapping]] = ..., success: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class PipelineUpdateStatusResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
