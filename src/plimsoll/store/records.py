"""What the workspace hands out and takes in, as frozen values."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ImportInForce:
    """The version of the facts in force; `tables` maps table names to the SHA-256 of their files.

    `as_of` is the day on which these facts were known. `is_new` is True only for the answer to the
    publication that made this version.
    """

    id: str
    fingerprint: str
    is_new: bool
    as_of: date
    manifest: dict[str, Any]
    tables: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One published run; `tables` maps table names to the SHA-256 of their files.

    `status` is "in_force" for the run of its kind that was asked for last, else "superseded".
    """

    id: str
    kind: str
    fingerprint: str
    as_of: date
    seed: int
    version: str
    manifest: dict[str, Any]
    created_at: datetime
    status: str
    tables: dict[str, str]


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A parameter set by a person: section and name as in the settings, values as JSON can hold them."""

    section: str
    name: str
    value_old: Any
    value_new: Any
    author: str
    reason: str
    expires_at: datetime | None = None
