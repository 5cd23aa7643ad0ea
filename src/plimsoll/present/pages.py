"""Pages of their own: one HTML document with its style, charts and script inside."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from plimsoll.present.numbers import count, money


def rendered(template: str, **context: Any) -> str:
    """Return a page made of a template, which also gets the style (css) and the charts' library (echarts)."""
    style = {"css": asset("static/report.css"), "echarts": asset("static/echarts.common.min.js")}
    return str(_environment().get_template(template).render(style | context))


def glue(text: str) -> str:
    r"""Return the text with its figures kept together with their units at line ends.

    Examples
    --------
    >>> glue("a 98 % target over 38 ± 11 days").split(" ")
    ['a', '98\xa0%', 'target', 'over', '38\xa0±\xa011\xa0days']
    """
    return re.sub(r"(?<=\d) (?=[%kM±]|bn|days)|(?<=±) ", "\u00a0", text)


def write_together(files_of: Mapping[Path, Callable[[Path], object]]) -> list[Path]:
    """Write files by the function of each and return them.

    All are written beside their final names first: a full disk or a stop leaves earlier ones intact.
    """
    drafts = {file: file.with_name(f".tmp-{file.name}") for file in files_of}
    try:
        for file, write in files_of.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            write(drafts[file])
        for file, draft in drafts.items():
            draft.replace(file)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return list(drafts)


def text_of(page: str) -> Callable[[Path], object]:
    """Return what writes a page into a file."""
    return lambda file: file.write_text(page, encoding="utf-8")


@cache
def asset(name: str) -> str:
    """Return the text of a file of this package."""
    return files("plimsoll.present").joinpath(*name.split("/")).read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: asset(f"templates/{name}")),
    )
    environment.filters |= {"count": count, "money": money, "glue": glue}
    return environment
