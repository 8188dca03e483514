"""The approver's page over HTTP: a route of the console, or the whole of a site with an origin of its own."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import Message, Scope

from watchword.reception.approver import PATH
from watchword.reception.given import TheApp
from watchword.reception.problems import NotThere
from watchword.settings import Settings
from watchword.web.approve_page import TYPES, files_of, headers_of


@get(PATH, include_in_schema=False, sync_to_thread=False)
def approve_page(app: TheApp, request: Request[Any, Any, Any]) -> Response[Any]:
    """The page, where the console is its origin; elsewhere there is nothing here."""
    return _page(_own(app.settings), request)


@get(f"{PATH}{{name:str}}", include_in_schema=False, sync_to_thread=False)
def approve_file(app: TheApp, name: FromPath[str]) -> Response[bytes]:
    """Its script and its sheet."""
    return _file(_own(app.settings), name)


def create_site(settings: Settings) -> Litestar:
    """The page alone, for its own origin: it knows where the console is, and nothing else."""
    files, headers = files_of(settings), headers_of(settings)

    @get(PATH, sync_to_thread=False)
    def page(request: Request[Any, Any, Any]) -> Response[Any]:
        return _page(files, request)

    @get(f"{PATH}{{name:str}}", sync_to_thread=False)
    def file(name: FromPath[str]) -> Response[bytes]:
        return _file(files, name)

    @get("/", sync_to_thread=False)
    def start() -> Redirect:
        return Redirect(PATH)

    async def sealed(message: Message, _scope: Scope) -> None:
        if message["type"] == "http.response.start":
            given = [(name.encode(), value.encode()) for name, value in headers]
            message["headers"] = [*message.get("headers", ()), *given]

    def missing(*_: object) -> Response[str]:
        return Response("Nothing is here.\n", status_code=404, media_type="text/plain")

    return Litestar(
        route_handlers=[page, file, start],
        before_send=[sealed],
        exception_handlers={HTTPException: missing, NotThere: missing},
        openapi_config=None,
        logging_config=None,
    )


def _own(settings: Settings) -> dict[str, bytes]:
    if settings.approvals.origin is not None:
        raise NotThere
    return files_of(settings)


def _page(files: dict[str, bytes], request: Request[Any, Any, Any]) -> Response[Any]:
    """The page itself; its parts are named beside it, so that its address has to end with a slash."""
    if not request.scope["raw_path"].endswith(b"/"):
        return Redirect(PATH)
    return _file(files, "index.html")


def _file(files: dict[str, bytes], name: str) -> Response[bytes]:
    if name not in files:
        raise NotThere
    return Response(files[name], media_type=TYPES[name])
