"""What the description of the API says of errors: all of them are problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from watchword.reception.problems import MEDIA_TYPE, Problem

_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OTHER = {"description": "What was wrong, and the way on.", "content": _CONTENT}


class Described(JsonRenderPlugin):
    """The description as JSON, in which a problem is what every operation may answer besides."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """See `OpenAPIRenderPlugin.render`."""
        (_,), parts = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
        openapi_schema["components"]["schemas"] |= parts
        for path in openapi_schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if status >= "400":
                        response["content"] = _CONTENT
                operation["responses"]["default"] = _OTHER
        return super().render(request, openapi_schema)
