"""The registry of checks: a check is declared with its words, and that is its only mention."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams

Look = Callable[[Company, AuditParams], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it says about n rows (`<one|several>` forms, `{n}`, `{keys}`), and how it looks.

    `look` returns one row a faulty fact: `key`, `detail`, and as far as they apply `item_id`,
    `location_id`, `money_at_risk`, `repair`, `repair_column`, `repair_value`, `repair_to`, and `n_facts`
    where a row sums up several facts; other columns of `audit_row` are filled from the declaration.

    `covers` names the findings of other stages that tell of the same rows, or of some of them; `part_of`
    those that tell of more rows than this check. See `told_once`.
    """

    code: str
    severity: str
    table: str
    what: str
    why: str
    remedy: str
    look: Look
    covers: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()


_CHECKS: dict[str, Check] = {}


def check(
    *,
    severity: str,
    table: str,
    what: str,
    why: str,
    remedy: str,
    covers: tuple[str, ...] = (),
    part_of: tuple[str, ...] = (),
) -> Callable[[Look], Look]:
    """Register the decorated function as the check of its own name."""

    def register(look: Look) -> Look:
        code = getattr(look, "__name__")  # noqa: B009 - a callable need not have a name
        if code in _CHECKS:
            message = f"two checks are called {code}"
            raise ValueError(message)
        _CHECKS[code] = Check(code, severity, table, what, why, remedy, look, covers, part_of)
        return look

    return register


def declared() -> tuple[Check, ...]:
    """Return every check declared so far, in the order of their codes."""
    return tuple(_CHECKS[code] for code in sorted(_CHECKS))
