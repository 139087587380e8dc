"""OrmKit in Litestar: `from ormkit.litestar import OrmKitPlugin, SessionDep, TransactionDep`."""

from __future__ import annotations

import inspect
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from litestar import Litestar, Request, Response, get
from litestar.config.app import AppConfig
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, responses
from litestar.middleware import DefineMiddleware
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import HeaderParameter, QueryParameter, SkipValidation
from litestar.plugins import InitPlugin, OpenAPISchemaPlugin
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.typing import FieldDefinition

from ..errors import OrmKitError
from ..models.in_json import form_of
from ..models.model import Model
from ..postgres.infinity import InfiniteDate, InfiniteDatetime
from ..postgres.interval import Interval
from ..postgres.values import BitString, Range
from ..session import AsyncSession, current_session, session_context
from ..sql.expressions import Condition
from ..transactions.transaction import Transaction
from .etags import ETags
from .filters import Filter, Filters, by_name
from .held_answer import HeldAnswer, check_scope, ormkit_error
from .msgspec import dec_hook, enc_hook
from .pages import DEFAULT_LIMIT, LARGEST_LIMIT, PageRequest
from .problems import MEDIA_TYPE, Problem, problem_of
from .request_transaction import RequestTransaction
from .service import Service
from .units_of_requests import by_message

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator

M = TypeVar("M", bound=Model)

#: A session, for a parameter `session`. It holds no connection between statements.
SessionDep: TypeAlias = NamedDependency[SkipValidation[AsyncSession]]
#: A transaction, for a parameter `transaction`. It ends before the answer is made: if its commit
#: fails, the answer is an error.
TransactionDep: TypeAlias = NamedDependency[SkipValidation[Transaction]]
#: Which page the client asks for by `limit` and `cursor`, for a parameter `page`.
PageDep: TypeAlias = NamedDependency[SkipValidation[PageRequest]]
#: Compares the version of an object with If-Match and sets ETag, for a parameter `etag`.
ETagDep: TypeAlias = NamedDependency[SkipValidation[ETags]]
#: The condition of filters(), as in `where: FilterDep[User]`.
FilterDep: TypeAlias = NamedDependency[SkipValidation[Condition[M]]]
#: Where the headers are that an answer is to have.
HEADERS = "ormkit_headers"
#: Where a request has what it sends, what closes its WebSocket, and the transaction that a
#: dependency opens.
ANSWER = "ormkit_answer"
SOCKET_PROBLEM = "ormkit_socket_problem"
TRANSACTION = "ormkit_transaction"
#: Words of JSON Schema that Litestar spells otherwise.
WORDS = {
    "anyOf": "any_of",
    "additionalProperties": "additional_properties",
    "contentEncoding": "content_encoding",
}
#: What writes values of OrmKit's classes; Litestar knows addresses.
OWN = (Range, BitString, Interval, InfiniteDate, InfiniteDatetime)
ENCODERS: dict[Any, Callable[[Any], Any]] = dict.fromkeys(OWN, enc_hook)

AnyRequest: TypeAlias = Request[Any, Any, Any]


class OrmKitPlugin(Service, InitPlugin):
    """The database of a Litestar application: `Litestar(plugins=[OrmKitPlugin(URL)])`."""

    def __init__(self, url: str, *, health: str | None = None, **options: Any) -> None:
        """Take what the engine is opened with when the application starts.

        health: the path of a health check; None adds none.
        options: `cursor_key`, `constraints` and `drain`, as in FastAPI, and the options of
            create_engine().
        """
        super().__init__(url, **options)
        self._health_path = health

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the lifespan, the dependencies, the answers for errors, and the health check.

        Handlers and dependencies of the application go first.
        """
        app_config.state.ormkit = self
        # Litestar declares these with types that say nothing of their parts.
        config: Any = app_config
        config.lifespan = [*config.lifespan, self._lifespan]
        config.exception_handlers = {
            OrmKitError: self._answer,
            ExceptionGroup: self._answer_group,
            **config.exception_handlers,
        }
        config.after_exception = [*config.after_exception, self._note_error]
        given = {
            "session": Provide(open_session, sync_to_thread=False),
            "transaction": Provide(open_transaction),
            "page": Provide(self._page, sync_to_thread=False),
            "etag": Provide(etags_of, sync_to_thread=False),
        }
        config.type_encoders = {**ENCODERS, **(config.type_encoders or {})}
        config.type_decoders = [*(config.type_decoders or ()), (is_value, dec_hook)]
        config.plugins.append(JsonSchemas())
        app_config.dependencies = {**given, **app_config.dependencies}
        app_config.middleware = [
            DefineMiddleware(SessionMiddleware, service=self),
            *app_config.middleware,
        ]
        if self._health_path is not None:
            app_config.route_handlers.append(self._health_route(self._health_path))
        return app_config

    @asynccontextmanager
    async def _lifespan(self, app: Litestar) -> AsyncGenerator[None]:
        async with self.opened():
            yield

    def _answer(self, request: AnyRequest, error: OrmKitError) -> Response[dict[str, Any]]:
        has_if_match = "if-match" in request.headers
        return answer(problem_of(error, self.constraints, has_if_match=has_if_match))

    async def _note_error(self, error: Exception, scope: Scope) -> None:
        """Roll back, and note what Litestar closes a WebSocket for: it calls no handlers there."""
        if TRANSACTION in scope["state"]:
            await scope["state"][TRANSACTION].end(error)
        found = ormkit_error(error)
        kind: str = scope["type"]
        if kind == "websocket" and found is not None:
            state: dict[str, Any] = scope["state"]
            state[SOCKET_PROBLEM] = problem_of(found, self.constraints)

    def _answer_group(self, request: AnyRequest, group: ExceptionGroup[Exception]) -> Response[Any]:
        """Answer the error of a dependency that Litestar has ended beside others.

        It ends all dependencies with `yield` at once, and groups what they raise, if there are two
        or more.
        """
        errors = leaves(group)
        others = [each for each in errors if not isinstance(each, OrmKitError)]
        # An error that is none of OrmKit's is a mistake, which a fine answer would hide.
        told = (others or errors)[0]
        return handler_of(request, told)(request, told)

    def _health_route(self, path: str) -> Any:
        service = self

        @get(path, include_in_schema=False)
        async def health() -> Response[dict[str, Any]]:
            found = await service.healthy()
            return Response(found.body(), status_code=found.status)

        return health

    def _page(
        self,
        request: AnyRequest,
        limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[str | None, QueryParameter(max_length=2000)] = None,
    ) -> PageRequest:
        def set_link(link: str) -> None:
            set_header(request, "link", link)

        return PageRequest(limit, cursor, str(request.url), self.cursors, set_link)


class JsonSchemas(OpenAPISchemaPlugin):
    """Tells the forms that OrmKit's values have in JSON in OpenAPI documents."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Return whether values of a field are OrmKit's."""
        return is_value(field_definition.annotation)

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: SchemaCreator
    ) -> Schema:
        """Return the schema of a field."""
        form = form_of(field_definition.annotation)
        return openapi_schema(form.schema if form is not None else {})


def is_value(kind: Any) -> bool:
    """Return whether values of a class are OrmKit's."""
    try:
        return form_of(kind) is not None
    except TypeError:
        # A type that cannot be hashed is none of ours.
        return False


def openapi_schema(document: Mapping[str, Any]) -> Schema:
    """Return a JSON Schema as Litestar has it."""
    made: dict[str, Any] = {WORDS.get(word, word): value for word, value in document.items()}
    if "properties" in made:
        made["properties"] = {
            name: openapi_schema(each) for name, each in made["properties"].items()
        }
    if "any_of" in made:
        made["any_of"] = [openapi_schema(each) for each in made["any_of"]]
    if "type" in made:
        made["type"] = OpenAPIType(made["type"])
    return Schema(**made)


class SessionMiddleware:
    """Binds a session to each request, and adds the headers that its dependencies set."""

    def __init__(self, app: ASGIApp, service: OrmKitPlugin) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        state: dict[str, Any] = scope["state"]
        headers: list[tuple[bytes, bytes]] = []
        state[HEADERS] = headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            elif message["type"] == "websocket.close" and SOCKET_PROBLEM in state:
                problem: Problem = state[SOCKET_PROBLEM]
                message["code"], message["reason"] = problem.close_code, problem.title
            await send(message)

        answer = state[ANSWER] = HeldAnswer(send_with_headers)
        async with session_context(self._service.engine) as session:
            transaction = state[TRANSACTION] = RequestTransaction(session)
            failed: list[Exception] = []

            async def send_after_commit(message: Message) -> None:
                if message["type"] == "http.response.start":
                    try:
                        await transaction.end()
                    except Exception as error:
                        failed.append(error)
                        raise
                await answer.send(message)

            respond = partial(self._answer, scope, receive, answer.send)
            try:
                work = self._app(scope, by_message(receive), send_after_commit)
                await answer.complete(work, respond)
            except Exception:
                # What a hook has raised, which is none of OrmKit's errors.
                if not failed or answer.is_sent:
                    raise
                answer.discard()
                await respond(failed[0])
            finally:
                # It is open where nothing was answered, because the client has gone, for example.
                await transaction.end(CancelledError())

    async def _answer(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        """Send what the application's handler, or ours, answers to an error of a commit or body."""
        # Litestar declares these with types that say nothing of their parts.
        http: Any = scope
        request: AnyRequest = Request(http)
        response: Any = handler_of(request, error)(request, error)
        await response.to_asgi_response(app=None, request=request)(scope, receive, send)


def handler_of(request: AnyRequest, error: Exception) -> Callable[[AnyRequest, Any], Response[Any]]:
    """Return what answers an error: a handler of the application, or Litestar's own."""
    # Litestar declares these with types that say nothing of their parts.
    route: Any = request.route_handler
    own: Any = responses
    handlers = route.resolve_exception_handlers()
    keys: list[object] = [*type(error).__mro__]
    if isinstance(error, HTTPException):
        keys.insert(0, error.status_code)
    else:
        keys.append(500)
    each = (handlers[key] for key in keys if key in handlers)
    found: Callable[[AnyRequest, Any], Response[Any]] = next(each, own.create_exception_response)
    return found


def leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    """Return the errors of a group and of the groups within it."""
    found: list[Exception] = []
    for each in group.exceptions:
        found += leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found


def answer(problem: Problem) -> Response[dict[str, Any]]:
    """Return the answer about an error."""
    return Response(
        problem.body(),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def set_header(request: AnyRequest, name: str, value: str) -> None:
    """Set a header of the answer to a request."""
    request.scope["state"][HEADERS].append((name.encode(), value.encode("latin-1")))


def open_session() -> AsyncSession:
    """Return the session of the request."""
    return current_session()


async def open_transaction(session: SessionDep, scope: Scope) -> AsyncGenerator[Transaction]:
    """Yield a transaction of the request's session."""
    check_scope(scope, is_yielding=False)
    state: dict[str, Any] = scope["state"]
    state[ANSWER].has_transaction = True
    transaction: RequestTransaction = state[TRANSACTION]
    await transaction.__aenter__()
    # Litestar ends all dependencies at once, and cancels the others where one raises. A COMMIT here
    # would be cancelled halfway: it is sent when they have ended, before the answer.
    try:
        yield transaction
    except Exception as error:
        await transaction.end(error)
        raise


def etags_of(
    request: AnyRequest,
    if_match: Annotated[str | None, HeaderParameter(name="If-Match")] = None,
) -> ETags:
    """Return what compares versions with If-Match, and sets ETag."""

    def set_etag(etag: str) -> None:
        set_header(request, "etag", etag)

    return ETags(if_match, set_etag)


def filters(model: type[Model], *names: str) -> Provide:
    """Return a dependency that makes a condition of query parameters.

    `dependencies={"where": filters(User, "age__gte")}` of a route, and a parameter
    `where: FilterDep[User]`, for `session.query(User).filter(where)`. A parameter that names a
    column and is not in the list is an error.
    """
    allowed = Filters(model, *names)

    def condition(request: AnyRequest, **given: Any) -> Condition[Any]:
        allowed.check(
            set(request.query_params), lambda: request.route_handler.parsed_fn_signature.parameters
        )
        return allowed.condition(by_name(given))

    own = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=AnyRequest)
    parameters = [own, *(parameter_of(each) for each in allowed.filters.values())]
    signed: Any = condition
    signed.__signature__ = inspect.Signature(parameters, return_annotation=Condition[Any])
    signed.__annotations__ = {
        **{each.name: each.annotation for each in parameters},
        "return": Condition[Any],
    }
    return Provide(signed, sync_to_thread=False)


def parameter_of(filter_: Filter) -> inspect.Parameter:
    """Return the parameter of the dependency for a filter, from which Litestar reads its type."""
    kind: Any = filter_.kind
    annotation: Any = Annotated[
        (list[kind] if filter_.is_list else kind) | None, QueryParameter(name=filter_.name)
    ]
    return inspect.Parameter(
        filter_.parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )
