"""OrmKit in FastAPI: `from ormkit.fastapi import OrmKit, SessionDep, TransactionDep`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response, WebSocket
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose, WebSocketState

from ..errors import OrmKitError, UsageError
from ..models.model import Model
from ..session import AsyncSession, current_session, session_context
from ..sql.expressions import Condition
from ..transactions.transaction import Transaction
from .etags import ETags
from .filters import Filter, Filters, by_name
from .held_answer import HeldAnswer, check_scope
from .pages import DEFAULT_LIMIT, LARGEST_LIMIT, PageRequest
from .problems import MEDIA_TYPE, problem_of
from .service import Service
from .units_of_requests import by_message

#: Where a request has what it sends.
ANSWER = "ormkit_answer"


class OrmKit(Service):
    """The database of a FastAPI application."""

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncGenerator[None]:
        """Open the engine while the application runs: `FastAPI(lifespan=db.lifespan)`."""
        async with self.opened():
            yield

    def install(self, app: FastAPI, *, health: str | None = None) -> None:
        """Give the application this database, and answers for OrmKit's errors.

        health: the path of a health check; None adds none.

        A mounted application needs the database too: call this for each of them. Handlers of the
        application for OrmKitError, or for one of its subclasses, go first.
        """
        app.state.ormkit = self
        # Starlette also calls it for WebSockets, whatever its types say.
        handler: Any = self._answer
        app.exception_handlers.setdefault(OrmKitError, handler)
        if app.exception_handlers[RequestValidationError] is request_validation_exception_handler:
            app.exception_handlers[RequestValidationError] = answer_invalid
        app.add_middleware(AnswerMiddleware, handlers=app.exception_handlers)
        # Around all other middleware too, which may be added later.
        build = app.build_middleware_stack
        inner: Any = app
        inner.build_middleware_stack = lambda: SessionMiddleware(build(), self)
        if health is not None:
            app.add_api_route(health, self._health, include_in_schema=False)

    async def _answer(
        self, connection: Request | WebSocket, error: OrmKitError
    ) -> JSONResponse | WebSocketClose:
        has_if_match = "if-match" in connection.headers
        problem = problem_of(error, self.constraints, has_if_match=has_if_match)
        if isinstance(connection, WebSocket) and not can_deny(connection):
            return WebSocketClose(problem.close_code, problem.title)
        return JSONResponse(
            problem.body(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
        )

    async def _health(self) -> JSONResponse:
        health = await self.healthy()
        return JSONResponse(health.body(), health.status)


class SessionMiddleware:
    """Binds a session to each request and each WebSocket."""

    def __init__(self, app: ASGIApp, service: OrmKit) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] in ("http", "websocket") and self._service.is_open:
            async with session_context(self._service.engine):
                await self._app(scope, by_message(receive), send)
        else:
            await self._app(scope, receive, send)


async def answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a request that cannot be read as FastAPI does, but without its values.

    FastAPI's own answer repeats them, and becomes 500 for those that JSON has no form for.
    """
    found: list[dict[str, Any]] = [
        {"type": each["type"], "loc": [*map(plain, each["loc"])], "msg": plain(each["msg"])}
        for each in error.errors()
    ]
    return JSONResponse({"detail": found}, 422)


def plain(part: int | str) -> int | str:
    """Return a part of an answer, with escapes for what UTF-8 has no bytes for."""
    return part.encode(errors="backslashreplace").decode() if isinstance(part, str) else part


class AnswerMiddleware:
    """Answers what a streamed body raises after the transaction of its request has ended."""

    def __init__(self, app: ASGIApp, handlers: Mapping[Any, Callable[..., Any]]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = scope[ANSWER] = HeldAnswer(send)

        async def handle(error: OrmKitError) -> None:
            response = await self._handled(Request(scope, receive), error)
            await response(scope, receive, answer.send)

        await answer.complete(self._app(scope, receive, answer.send), handle)

    async def _handled(self, request: Request, error: OrmKitError) -> Response:
        """Return what the application's handler, or ours, answers."""
        kinds = type(error).__mro__
        handler = next(self._handlers[kind] for kind in kinds if kind in self._handlers)
        if inspect.iscoroutinefunction(handler):
            answered: Response = await handler(request, error)
        else:
            answered = await run_in_threadpool(handler, request, error)
        return answered


def can_deny(socket: WebSocket) -> bool:
    """Return whether a WebSocket can be refused with an answer: only before it is accepted."""
    is_accepted = socket.application_state is not WebSocketState.CONNECTING
    return not is_accepted and "websocket.http.response" in socket.scope.get("extensions", {})


async def service_of(connection: HTTPConnection) -> OrmKit:
    """Return what is installed in the application; raises UsageError if nothing is."""
    found = getattr(connection.app.state, "ormkit", None)
    if not isinstance(found, OrmKit):
        raise UsageError(
            "this application has no database: call db.install(app) first; a mounted application "
            "needs a call of its own"
        )
    return found


async def open_session(service: Annotated[OrmKit, Depends(service_of)]) -> AsyncSession:
    """Return the session of the request, as current_session() does."""
    # Before the application has started, this raises the error that says so.
    service.engine  # noqa: B018
    return current_session()


#: A session. It holds no connection between statements, and opens no transaction.
SessionDep = Annotated[AsyncSession, Depends(open_session)]


async def open_transaction(
    session: SessionDep, connection: HTTPConnection
) -> AsyncGenerator[Transaction]:
    """Yield a transaction of the request's session."""
    scope = connection.scope
    check_scope(scope, is_yielding(scope["endpoint"]))
    scope[ANSWER].has_transaction = True
    async with session.begin() as transaction:
        yield transaction


def is_yielding(endpoint: Callable[..., Any]) -> bool:
    """Return whether a route is a generator, whose answer is a stream of what it yields."""
    function = inspect.unwrap(endpoint)
    return inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function)


#: A transaction that ends before the answer is sent: if its commit fails, the answer is an error.
#: The request's session works in it.
TransactionDep = Annotated[Transaction, Depends(open_transaction, scope="function")]


async def page_of(
    request: Request,
    response: Response,
    service: Annotated[OrmKit, Depends(service_of)],
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> PageRequest:
    """Return which page the client asks for."""

    def set_link(link: str) -> None:
        response.headers["Link"] = link

    return PageRequest(limit, cursor, str(request.url), service.cursors, set_link)


#: Which page the client asks for: the query parameters `limit` and `cursor`.
PageDep = Annotated[PageRequest, Depends(page_of)]


async def etags_of(response: Response, if_match: Annotated[str | None, Header()] = None) -> ETags:
    """Return what compares versions with If-Match, and sets ETag."""

    def set_etag(etag: str) -> None:
        response.headers["ETag"] = etag

    return ETags(if_match, set_etag)


#: Compares the version of an object with If-Match, and sets ETag.
ETagDep = Annotated[ETags, Depends(etags_of)]


def filters(model: type[Model], *names: str) -> Any:
    """Return a dependency that makes a condition of query parameters.

    `where: Annotated[Condition[User], filters(User, "age__gte", "name__icontains")]`, for
    `session.query(User).filter(where)`. A parameter that names a column and is not in the list is
    an error.
    """
    allowed = Filters(model, *names)

    async def condition(request: Request, **given: Any) -> Condition[Any]:
        allowed.check(
            set(request.query_params), lambda: parameters_of(request.scope["route"].dependant)
        )
        return allowed.condition(by_name(given))

    own = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    of_filters = [parameter_of(each) for each in allowed.filters.values()]
    signed: Any = condition
    signed.__signature__ = inspect.Signature([own, *of_filters])
    dependency: Callable[..., Any] = signed
    return Depends(dependency)


def parameters_of(dependant: Dependant) -> Iterator[str]:
    """Yield the query parameters that a route and its dependencies declare."""
    yield from (each.alias for each in dependant.query_params)
    for each in dependant.dependencies:
        yield from parameters_of(each)


def parameter_of(filter_: Filter) -> inspect.Parameter:
    """Return the parameter of the dependency for a filter, from which FastAPI reads its type."""
    kind: Any = list[filter_.kind] if filter_.is_list else filter_.kind  # type: ignore[name-defined]
    annotation: Any = Annotated[kind | None, Query(alias=filter_.name)]
    return inspect.Parameter(
        filter_.parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )
