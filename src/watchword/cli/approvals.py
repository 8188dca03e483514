"""`watchword approvals`: the approver's page as files, for a host of its own."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App
from rich.markup import escape

from watchword.cli.terminal import CONFIG, Config, Json, out, print_json
from watchword.core.errors import Invalid
from watchword.settings import load

app = App(name="approvals")

SUMS, HEADERS = "SHA256SUMS", "headers.txt"


@app.command
def page(folder: Path, /, *, config: Config = CONFIG, json: Json = False) -> None:
    """Write the page into FOLDER: static files for any web server, what it has to send with them, and their digests.

    They are the same bytes for everybody, made for the console of the settings; run it again after an upgrade.
    """
    from watchword.reception.approver import PATH
    from watchword.web.approve_page import digest_of, files_of, headers_of, sums_of

    settings = load(config)
    if settings.approvals.origin is None:
        raise Invalid(
            "The page has no origin of its own.",
            "Set approvals.origin, such as https://approve.example.test.",
            "config",
        )
    files = files_of(settings)
    where = folder / PATH.strip("/")
    try:
        where.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (where / name).write_bytes(data)
        (where / SUMS).write_text(sums_of(files), encoding="utf-8")
        (folder / HEADERS).write_text("".join(f"{n}: {v}\n" for n, v in headers_of(settings)), encoding="utf-8")
    except OSError as error:
        raise Invalid(
            f"{where} can not be written: {error.strerror}.", "Choose a folder of yours.", "FOLDER"
        ) from error
    digest = digest_of(files)
    if json:
        print_json({"folder": str(where), "digest": digest, "address": f"{settings.approvals_origin}{PATH}"})
        return
    out.print(f"Wrote {len(files)} files to {escape(str(where))}; serve them as {settings.approvals_origin}{PATH}")
    out.print(f"with every header of {HEADERS}. Digest of the page: {digest}")
