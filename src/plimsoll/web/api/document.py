"""The OpenAPI document of the API, made from its routes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from plimsoll import __version__
from plimsoll.web.api.answers import Problem
from plimsoll.web.api.route import KEY
from plimsoll.web.refusals import API
from plimsoll.web.security import CSRF_HEADER

REF = "#/components/schemas/{model}"
SAFE = ("get", "head", "options")
TAGS = {
    "service": "The server, the day, and the search",
    "lists": "Lists: filtered, sorted, page by page, or as a file",
    "recommendations": "Decide on lines of the plan",
    "exceptions": "Work exceptions",
    "items": "Stocking points and suppliers",
    "overrides": "Values set over the computed ones",
    "exports": "Send what was accepted",
    "runs": "Make plans",
    "learning": "What decisions were worth",
    "kpis": "Key figures",
    "views": "Saved views",
    "settings": "Options and acceptance by rule",
    "people": "Users and tokens",
}
WORDS = """Everything that the workbench can do, for programs.

Log in by `Authorization: Bearer` with an API token. Errors are `application/problem+json` of one shape.
A write that carries an `Idempotency-Key` is done once: the same request with the same key is answered as
the first time, for a day. Lines, exceptions and users have versions: a write names the version it saw, in
`version` or `If-Match`, and is refused with 409 if somebody else was faster.
"""
IDEMPOTENCY = {
    "name": KEY,
    "in": "header",
    "required": False,
    "description": "A name of your choice for this request, such as a UUID; it is then done once",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that you saw, in place of `version`",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1), made when it is first asked for."""
    if getattr(app.state, "api_document", None) is None:
        app.state.api_document = _made(app)
    found: dict[str, Any] = app.state.api_document
    return found


def _made(app: FastAPI) -> dict[str, Any]:
    own = [route for route in iter_route_contexts(app.routes) if str(route.path).startswith(API)]
    made = get_openapi(
        title="Plimsoll",
        version=__version__,
        summary="Decide on orders, transfers and buffers",
        description=WORDS,
        routes=own,
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    parts = made.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema(ref_template=REF)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token, plm_..."},
        "session": {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER,
            "description": "A browser that is logged in: its cookie, and for changes this header",
        },
    }
    made["security"] = [{"token": []}, {"session": []}]
    for path in made["paths"].values():
        for method, operation in path.items():
            _complete(method, operation)
    return made


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add to an operation what the door and the route around it take."""
    if method in SAFE:
        return
    versioned = "version" in str(operation.get("requestBody", "")) or operation["tags"] == ["recommendations"]
    further = [IDEMPOTENCY, IF_MATCH] if versioned else [IDEMPOTENCY]
    operation["parameters"] = [*operation.get("parameters", []), *further]
