"""`create_app`: the routes, who may use them, and every error in the envelope of the client's API."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Lifespan, Receive, Scope, Send

from cwproxy import __version__
from cwproxy.accounts.callers import LOCAL
from cwproxy.accounts.keyring import KnownKey
from cwproxy.api import admin, messages, models, responses, usage
from cwproxy.api.access import AccessPolicy
from cwproxy.api.admin import Operations
from cwproxy.api.answering import answering
from cwproxy.api.answers import Surroundings
from cwproxy.api.cors import Cors
from cwproxy.api.drain import Drain
from cwproxy.api.exchange import CLIENT_GONE, exchange_of
from cwproxy.api.gate import Gate
from cwproxy.api.keeping import Keeping
from cwproxy.api.lane import Lane, Lanes
from cwproxy.api.limits import Limits
from cwproxy.api.load import Load
from cwproxy.api.refused import ClientGone, Refused, describe, draining
from cwproxy.api.seam import Service
from cwproxy.diagnosis.dumps import Dumps
from cwproxy.dialects.openai_chat import parse, parse_prompts
from cwproxy.errors import CwproxyError
from cwproxy.inbound.failures import Failure
from cwproxy.store.responses import Responses

_APIS: Final = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
_WHERE: Final = "the APIs are at " + ", ".join(_APIS[:-1]) + " and " + _APIS[-1]

_ROOT: Final = msgspec.json.encode(
    {"name": "cwproxy", "version": __version__, "apis": _APIS, "models": "/v1/models", "health": "/health/ready"}
)
"""What is at `/`."""

_PREFIXES = ("/v1", "", "/v1/v1")
"""Clients are configured with and without `/v1`, and some add their own (compatibility.md 5, 38)."""


def create_app(
    service: Service,
    access: AccessPolicy,
    *,
    limits: Limits | None = None,
    drain: Drain | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
    dumps: Dumps | None = None,
    strict: bool = False,
    cors_origins: Sequence[str] = (),
    operations: Operations | None = None,
    kept: Responses | None = None,
) -> FastAPI:
    """The ASGI application. `drain` is kept as `app.state.drain`, where `server.serve` finds it; `lifespan` opens and
    closes what the service lives on; `dumps` takes what is left of chat requests that fail. strict: refuse parameters
    without effect. cors_origins: of the web pages that may call, `*` for all. operations: what is counted, and told
    to clients of themselves and to operators of all. kept: where answers of the Responses API are kept, if they are.
    """
    limits = limits or Limits()
    load = Load(requests=limits.requests, body_bytes=limits.bodies_bytes)
    around = Surroundings(service, limits, drain or Drain(), load, dumps, strict)
    lanes = Lanes()
    app = FastAPI(
        title="cwproxy",
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # asked anew for every request, and not wanted
        lifespan=lifespan,
        middleware=[
            Middleware(Gate, load=load),
            *([Middleware(Cors, origins=frozenset(cors_origins))] if cors_origins else []),
            Middleware(Lane, endpoints=lanes.endpoints, on_error=_on_expected),
        ],
        exception_handlers=dict(_TOLD),
    )
    app.state.drain = around.drain
    keeping = Keeping(kept, most_bytes=limits.body_bytes)
    for prefix in _PREFIXES:
        app.include_router(_openai(around), prefix=prefix, dependencies=[Depends(access.admit)])
        _add_dialects(app, lanes, prefix, around, access, keeping)
        if operations is not None:
            app.include_router(_usage(operations, access), prefix=prefix)
    if operations is not None:
        app.include_router(admin.router(operations, access, _json))
    app.include_router(_open_to_all(around))
    return app


def _add_dialects(
    app: FastAPI, lanes: Lanes, prefix: str, around: Surroundings, access: AccessPolicy, keeping: Keeping
) -> None:
    lanes.add(app, prefix + "/chat/completions", answering(around, access, parse))
    lanes.add(app, prefix + "/completions", answering(around, access, parse_prompts))
    messages.add_routes(app, lanes, prefix, around, access)
    responses.add_routes(app, lanes, prefix, around, access, keeping)


def _openai(around: Surroundings) -> APIRouter:
    router = APIRouter()

    @router.api_route("/models", methods=["GET", "HEAD"], response_model=None)
    async def list_models(request: Request) -> Response:
        catalog = await around.service.models()
        caller = exchange_of(request.scope).caller or LOCAL
        named = ((name, model) for name, model in catalog.named() if caller.may_use(name, model.id))
        return _json(request, models.listing(named))

    @router.api_route("/models/{id:path}", methods=["GET", "HEAD"], response_model=None)
    async def get_model(request: Request, id: str) -> Response:
        catalog = await around.service.models()
        model = catalog.resolve(id)
        (exchange_of(request.scope).caller or LOCAL).check(id, model.id)
        return _json(request, models.single(model, id))

    return router


def _usage(operations: Operations, access: AccessPolicy) -> APIRouter:
    router = APIRouter()

    @router.get("/usage", response_model=None)
    async def of_own_key(request: Request, key: Annotated[KnownKey | None, Depends(access.admit)]) -> Response:
        period = usage.period_of(request, operations.wall())
        own = await usage.own_usage(operations.reports, period, key, clock=access.clock)
        return _json(request, msgspec.json.encode(own))

    return router


def _open_to_all(around: Surroundings) -> APIRouter:
    """Whatever the Host header: the probes of orchestrators call by address. They are told how many accounts are in
    which state, and no names; many programs ask `/` whether there is a server, and people what it is.
    """
    router = APIRouter()

    @router.api_route("/", methods=["GET", "HEAD"], response_model=None)
    async def root(request: Request) -> Response:
        return _json(request, _ROOT)

    @router.api_route("/health", methods=["GET", "HEAD"], response_model=None)
    async def alive(request: Request) -> Response:
        return _json(request, b'{"status":"ok"}')

    @router.api_route("/health/ready", methods=["GET", "HEAD"], response_model=None)
    async def ready(request: Request) -> Response:
        if around.drain.draining:
            raise draining()
        readiness = await around.service.readiness()
        if not readiness.ready:
            raise Refused(503, readiness.counts, "not_ready", type="server_error")
        return _json(request, msgspec.json.encode({"status": "ready", "detail": readiness.counts}))

    return router


def _json(request: Request, content: bytes, status: int = 200) -> Response:
    exchange = exchange_of(request.scope)
    exchange.status = status
    response = Response(content, status, media_type="application/json")
    response.raw_headers.extend(exchange.headers())
    return response


def _failed(request: Request, failure: Failure) -> Response:
    exchange = exchange_of(request.scope)
    exchange.outcome = failure.code or failure.type
    body = exchange.envelope.body(failure, exchange.request_id)
    response = _json(request, body, exchange.envelope.status(failure))
    response.raw_headers.extend((name.encode(), value.encode("latin-1")) for name, value in failure.headers)
    return response


async def _on_expected(request: Request, error: CwproxyError | ClientGone) -> Response:
    if isinstance(error, ClientGone):
        return await _on_client_gone(request, error)
    return await _on_error(request, error)


async def _on_error(request: Request, error: CwproxyError) -> Response:
    dump = exchange_of(request.scope).dump
    if dump is not None:
        await dump(error)
    return _failed(request, describe(error))


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    """What the router itself answers: unknown paths and methods."""
    method, path = request.method, request.scope["path"][:100]
    if error.status_code == 405:
        where = f"; {_WHERE}" if path == "/" else ""
        message, code = f"{path} does not take {method}{where}.", "method_not_allowed"
    else:
        message, code = f"There is nothing at {method} {path}; {_WHERE}.", "not_found"
    headers = tuple((name.lower(), value) for name, value in (error.headers or {}).items())
    return _failed(request, Failure(error.status_code, message, "invalid_request_error", code, None, headers))


async def _on_client_gone(request: Request, _: Exception) -> Response:
    exchange = exchange_of(request.scope)
    exchange.status, exchange.outcome = CLIENT_GONE, "client_gone"
    return _Nothing()


async def _on_bug(request: Request, _: Exception) -> Response:
    """Starlette raises the exception again after this answer, so that the server logs it."""
    return _failed(request, Failure(500, "cwproxy has failed; its log says why.", "server_error", "internal_error"))


class _Nothing(Response):
    """Nobody is listening."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        return


_TOLD: Final[Mapping[Any, Any]] = {
    CwproxyError: _on_error,
    HTTPException: _on_http_error,
    ClientGone: _on_client_gone,
    Exception: _on_bug,
}
"""What a client is told of each kind of error."""
