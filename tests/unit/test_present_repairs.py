"""The list of repairs for the workbook."""

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.present.repairs import repair_list


def effect(repair_id, status, n_rows, value=None):
    return {
        "repair_id": repair_id, "kind": "cap", "table": "demand", "rule": "cap", "status": status,
        "n_rows": n_rows, "value_change": value, "author": "Ann", "reason": "typo",
    }  # fmt: skip


def test_what_acts_comes_first_and_most_money_before():
    rows = [
        effect("R1", "idle", 0),
        effect("R2", "applied", 9),
        effect("R3", "applied", 1, -900.0),
        effect("R4", "refused", 0),
        effect("R5", "applied", 1, 20.0),
        effect("R6", "waiting", 0),
    ]
    shown = repair_list(table("repair").conform(pl.DataFrame(rows, schema_overrides=table("repair").schema)))
    assert shown["repair_id"].to_list() == ["R3", "R5", "R2", "R1", "R4", "R6"]
    assert shown["status"].to_list() == ["in force"] * 3 + ["no effect", "left out", "waiting"]
    assert repair_list(table("repair").empty()).columns == list(table("repair").names)
