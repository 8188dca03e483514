"""What is measured, for Prometheus; not part of the API, and not there unless the settings have `[metrics]`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from watchword.metering.metrics import CONTENT_TYPE
from watchword.reception.given import TheApp
from watchword.reception.problems import NotSignedIn, NotThere
from watchword.reception.scraping import PATH, may_scrape


@get(PATH, sync_to_thread=True, include_in_schema=False)
def metrics(app: TheApp, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Everything in the text format of Prometheus; 401 to whoever may not read it, 404 where nothing is measured."""
    if app.metrics is None:
        raise NotThere
    if not may_scrape(app.metrics, request.scope):
        raise NotSignedIn
    return Response(app.metrics.text(), media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})
