"""tritonclient's four clients behind one face: awaited calls, and answers as plain dicts."""

import asyncio
import inspect
from contextlib import asynccontextmanager

import tritonclient.grpc as triton_grpc
import tritonclient.grpc.aio as triton_grpc_aio
import tritonclient.http as triton_http
import tritonclient.http.aio as triton_http_aio

MODULES = {
    "http": triton_http,
    "http.aio": triton_http_aio,
    "grpc": triton_grpc,
    "grpc.aio": triton_grpc_aio,
}


def public_methods(kind):
    """The names of everything public that the client of `kind` has."""
    members = inspect.getmembers(MODULES[kind].InferenceServerClient)
    return [name for name, _ in members if not name.startswith("_")]


class TritonClient:
    """A client of `kind`; `called` are the names of what was called on it."""

    def __init__(self, kind, url):
        self.kind = kind
        self.url = url
        self.module = MODULES[kind]
        self.is_grpc = kind.startswith("grpc")
        self.inner = self.module.InferenceServerClient(url)
        self.called = set()

    def takes(self, method, parameter):
        """Whether a method has a parameter."""
        return parameter in inspect.signature(getattr(self.inner, method)).parameters

    async def call(self, method, *arguments, **options):
        """Call a method; a message that it returns comes as a dict, where there is that option."""
        self.called.add(method)
        if self.takes(method, "as_json"):
            options["as_json"] = True
        result = getattr(self.inner, method)(*arguments, **options)
        return await result if inspect.isawaitable(result) else result

    async def infer(self, model, inputs, **options):
        """Infer; the other name of compression on gRPC is seen to."""
        if self.is_grpc:
            options.pop("response_compression_algorithm", None)
            if algorithm := options.pop("request_compression_algorithm", None):
                options["compression_algorithm"] = algorithm
        return await self.call("infer", model, inputs, **options)

    def tensor(self, name, array, datatype, **options):
        """An input; options such as `binary_data` are of HTTP's."""
        made = self.module.InferInput(name, list(array.shape), datatype)
        made.set_data_from_numpy(array, **({} if self.is_grpc else options))
        return made

    def wanted(self, name, **options):
        """A requested output; `binary_data` is of HTTP's."""
        if self.is_grpc:
            options.pop("binary_data", None)
        return self.module.InferRequestedOutput(name, **options)


def plain(value):
    """Settings and messages as both protocols have them: gRPC wraps each setting's value."""
    if isinstance(value, dict) and set(value) == {"settings"}:
        return {name: plain(setting) for name, setting in value["settings"].items()}
    if isinstance(value, dict) and len(value) == 1:
        [(key, inner)] = value.items()
        if key in ("value", "bool_param", "uint32_param", "string_param", "config", "models"):
            return inner
    return value


def answered(result):
    """The answer as a dict, its numbers maybe as text."""
    if isinstance(result, (triton_grpc.InferResult, triton_grpc_aio.InferResult)):
        return result.get_response(as_json=True)
    return result.get_response()


@asynccontextmanager
async def triton_client(kind, port):
    """A client of `kind`, closed at the end if the test has not done so."""
    client = TritonClient(kind, f"127.0.0.1:{port}")
    try:
        yield client
    finally:
        if "close" not in client.called:
            await client.call("close")


def with_client(kind, port, exercise):
    """Run `exercise(client)`; return the client."""

    async def run():
        async with triton_client(kind, port) as client:
            await exercise(client)
            return client

    return asyncio.run(run())
