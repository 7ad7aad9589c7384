"""The HTTP/2 library's side of `sending`, as a list of what was asked of it."""


class GoneError(Exception):
    """A stream is over."""


class RecordingEngine:
    """Keeps what it is told; `queued` is what it says of every stream's unsent body, in bytes."""

    is_gone = False
    remote_window_size = 0
    window = 0

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.queued = 0

    def send_response(self, stream_id, headers, *, end_stream=False):
        self.told.append(("response", stream_id, end_stream))

    def send_data(self, stream_id, data, *, end_stream=False):
        if self.is_gone:
            raise GoneError
        self.told.append(("data", stream_id, len(data), end_stream))
        self.queued += len(data)

    def send_trailers(self, stream_id, headers):
        self.told.append(("trailers", stream_id))

    def end_stream(self, stream_id):
        self.told.append(("end", stream_id))

    def reset_stream(self, stream_id, error_code):
        self.told.append(("reset", stream_id, error_code))

    def stream_remote_window_size(self, stream_id):
        if self.is_gone:
            raise GoneError
        return self.window

    def queued_body_size(self, stream_id=None):
        return self.queued
