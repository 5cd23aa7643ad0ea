"""Pages of their own: one HTML document with its style, charts and script inside."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from plimsoll.present.numbers import count, money
from plimsoll.present.report import glue


def rendered(template: str, **context: Any) -> str:
    """Return a page made of a template, which also gets the style (css) and the charts' library (echarts)."""
    style = {"css": _asset("static/report.css"), "echarts": _asset("static/echarts.common.min.js")}
    return str(_environment().get_template(template).render(style | context))


def write_page(text: str, file: Path) -> Path:
    """Write a page beside its final name first: a full disk or a stop leaves an earlier one intact."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".tmp-{file.name}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file


def _asset(name: str) -> str:
    return files("plimsoll.present").joinpath(*name.split("/")).read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: _asset(f"templates/{name}")),
    )
    environment.filters |= {"count": count, "money": money, "glue": glue}
    return environment
