"""Files the browser needs, served from memory under an address that changes with their content."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

# Name in the address -> package and file; charts are drawn by the script that reports carry too.
ASSETS = {
    "app.css": ("plimsoll.web", "app.css"),
    "app.js": ("plimsoll.web", "app.js"),
    "charts.js": ("plimsoll.web", "charts.js"),
    "icons.svg": ("plimsoll.web", "icons.svg"),
    "favicon.svg": ("plimsoll.web", "favicon.svg"),
    "htmx.js": ("plimsoll.web", "htmx.min.js"),
    "echarts.js": ("plimsoll.present", "echarts.common.min.js"),
}
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, plain and packed, and the address that stands for this content."""

    href: str
    kind: str
    plain: bytes
    packed: bytes


@cache
def asset(name: str) -> Asset:
    """Return a file of `ASSETS`; KeyError for any other name."""
    package, file = ASSETS[name]
    content = files(package).joinpath("static", file).read_bytes()
    mark = sha256(content).hexdigest()[:12]
    packed = gzip.compress(content, 6, mtime=0)
    return Asset(f"/static/{mark}/{name}", TYPES[name.rpartition(".")[2]], content, packed)


def href(name: str) -> str:
    """Return the address of a file, for templates."""
    return asset(name).href


@router.get("/static/{mark}/{name}", include_in_schema=False)
def static(mark: str, name: str, request: Request) -> Response:
    """Return a file; an address of other content than today's is not kept by the browser."""
    if name not in ASSETS:
        return Response("There is no such file.", 404, media_type="text/plain")
    found = asset(name)
    headers = {
        "Cache-Control": FOREVER if request.url.path == found.href else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.packed, headers=headers, media_type=found.kind)
    return Response(found.plain, headers=headers, media_type=found.kind)
