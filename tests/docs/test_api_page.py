"""The page on the API speaks of addresses that are there, and of errors as they are."""

import json
import re
from pathlib import Path

from fastapi import FastAPI

from plimsoll.web.api import router as api
from plimsoll.web.api.answers import Problem
from plimsoll.web.api.document import document

PAGE = (Path(__file__).parents[2] / "docs/tasks/use-the-api.md").read_text(encoding="utf-8")


def test_every_address_is_served():
    served = [re.sub(r"\{[^}]*\}", r"[^/]+", path) for path in document(_app())["paths"]]
    served.append("/api/v1/openapi.json")
    named = re.findall(r"(?:\$API|/api/v1)(/[\w/{}.-]+)", PAGE)
    assert len(named) > 8
    for path in named:
        assert any(re.fullmatch(form, f"/api/v1{path}") for form in served), path


def test_the_error_shown_has_the_shape_of_errors():
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    assert shown.keys() == Problem.model_fields.keys()
    assert shown["detail"] == " ".join(shown[part] for part in ("what", "remedy"))


def test_bodies_shown_are_bodies_taken():
    shapes = document(_app())["components"]["schemas"]
    bodies = [json.loads(text) for text in re.findall(r"--json '([^']*)'", PAGE)]
    for body, shape in zip(bodies, ("Change", "Matching", "Wanted"), strict=True):
        assert body.keys() <= shapes[shape]["properties"].keys()


def _app():
    app = FastAPI()
    app.include_router(api.router)
    return app
