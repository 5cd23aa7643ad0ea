"""The facts in force as every command reads them: repaired, on the day of the data, with the settings."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding
from plimsoll.domain.overrides import Override
from plimsoll.domain.repairs import CHANGES
from plimsoll.ingest.repairs import Repaired, repaired
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.settings import Settings, settings_in_force


@dataclass(frozen=True, slots=True)
class Facts:
    """Canonical tables with the repairs in force laid over them, and what reading them needs.

    `effects` is the table `repair`; `findings` tells of repairs that could not be applied.
    """

    as_of: date
    currency: str
    settings: Settings
    tables: dict[str, pl.DataFrame]
    effects: pl.DataFrame
    findings: list[Finding]


def read_facts(workspace: Workspace, *, at: datetime, as_of: date | None = None) -> Facts:
    """Return the facts in force of a workspace.

    Parameters
    ----------
    workspace : an open workspace
    at : moment of the command, for settings that expire
    as_of : day of knowledge; default: that of the import in force

    Raises
    ------
    InputError
        If nothing has been imported.
    """
    settings = settings_in_force(workspace, at)
    imported = workspace.import_in_force()
    if imported is None:
        what = f"The workspace '{workspace.path}' holds no data yet."
        raise InputError(what, remedy=f"Run `plimsoll import {workspace.path} SOURCE` first.")
    day = as_of or imported.as_of
    read = facts_as_read(workspace, as_of=day)
    currency = settings.plan.currency or str(imported.manifest["parameters"].get("currency", ""))
    return Facts(day, currency, settings, read.tables, read.effects, read.findings)


def facts_as_read(workspace: Workspace, *, as_of: date) -> Repaired:
    """Return the facts in force as plan and audit read them: with the repairs in force laid over them."""
    rules = [rule for rule in workspace.repairs() if rule.table != CHANGES]
    return repaired(workspace.facts(), rules, as_of=as_of)


def rules_in_force(workspace: Workspace) -> dict[str, Any]:
    """Return the parameter of a manifest that names the repairs in force; without any there is none.

    So a plan made after a withdrawal is the plan made before the acceptance, by its fingerprint too.
    """
    rules = [rule.as_data() for rule in workspace.repairs()]
    return {"repairs": rules} if rules else {}


def overrides_told(overrides: Iterable[Override]) -> dict[str, Any]:
    """Return the parameter of a manifest that names the overrides a plan was made with; none without any."""
    told = [override.as_data() for override in overrides]
    return {"overrides": told} if told else {}
