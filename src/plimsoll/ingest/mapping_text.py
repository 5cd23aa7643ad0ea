"""A mapping written as TOML for people: short where it can be, with a comment on how sure each column is."""

from collections.abc import Iterable
from typing import Any

import tomlkit
from tomlkit.items import InlineTable

from plimsoll.ingest.mapping import Cell, Mapping, Note, TableMap

SURE = 0.9


def mapping_text(mapping: Mapping, notes: Iterable[Note] | None = None) -> str:
    r"""Return a mapping as TOML text that reads back as the same mapping.

    Parameters
    ----------
    mapping : the mapping
    notes : how sure each column is, and which headers are unused; the mapping's own when not given

    Examples
    --------
    >>> text = '[[table]]\ntable = "items"\nfrom = "parts"\ncolumns = { item_id = "Material" }'
    >>> Mapping.from_text(mapping_text(Mapping.from_text(text))) == Mapping.from_text(text)
    True
    """
    notes = tuple(mapping.notes if notes is None else notes)
    document = tomlkit.document()
    document.add(
        tomlkit.comment("How the source's tables and columns become Plimsoll's. Edit and import again.")
    )
    if mapping.title:
        document["title"] = mapping.title
    for name in ("source", "constants", "headers"):
        values = _plain(getattr(mapping, name))
        if values:
            document[name] = values
    tables = tomlkit.aot()
    for part in mapping.tables:
        tables.append(_part(part, notes))
    document["table"] = tables
    for note in notes:
        if not note.header:
            text = f"'{note.from_}' is called like '{note.table}', but lacks a column for {note.column}"
            document.add(tomlkit.comment(text.replace("\n", " ")))
    for name in dict.fromkeys(note.from_ for note in notes if not note.table):
        unused = ", ".join(_unused(note) for note in notes if not note.table and note.from_ == name)
        document.add(tomlkit.comment(f"Not used from '{name}': {unused}".replace("\n", " ")))
    return tomlkit.dumps(document)


def _unused(note: Note) -> str:
    return f"{note.header} (values do not fit {note.column})" if note.column else note.header


def _part(part: TableMap, notes: Iterable[Note]) -> tomlkit.items.Table:
    shown = tomlkit.table()
    shown["table"], shown["from"] = part.table, part.from_
    for name in ("optional", "distinct", "latest_by"):
        if value := getattr(part, name):
            shown[name] = value
    if part.filter:
        shown["filter"] = _inline({name: _plain(condition) for name, condition in part.filter.items()})
    sure = {note.column: note for note in notes if (note.table, note.from_) == (part.table, part.from_)}
    columns = tomlkit.table()
    for name, cell in part.columns.items():
        columns[name] = _cell(cell)
        if name in sure:
            doubt = "" if sure[name].confidence >= SURE else ", please check"
            columns[name].comment(f"{sure[name].confidence:.0%} sure{doubt}")
    shown["columns"] = columns
    if part.wide is not None:
        shown["wide"] = _plain(part.wide) or {"columns": "auto"}
    return shown


def _cell(cell: Cell) -> Any:
    values = _plain(cell)
    return tomlkit.item(cell.column) if list(values) == ["column"] else _inline(values)


def _plain(model: Any) -> dict[str, Any]:
    """Return what a model says beyond its defaults."""
    values = model if isinstance(model, dict) else model.model_dump(exclude_defaults=True)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _inline(values: dict[str, Any]) -> InlineTable:
    table = tomlkit.inline_table()
    for name, value in values.items():
        table[name] = _inline(value) if isinstance(value, dict) else value
    return table
