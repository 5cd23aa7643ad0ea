"""Write the reference pages from what the program itself declares; `make docs` runs this.

Tables come from the schema files, settings from the stages' options, commands from the command
line, findings and reasons from their registries. A test refuses pages that are out of date.
"""

import re
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import typer
from fastapi import FastAPI
from xlsxwriter import Workbook

from plimsoll.audit import all_checks
from plimsoll.audit.examine import DONE
from plimsoll.bom.findings import MESSAGES as bom_messages
from plimsoll.cli.app import app
from plimsoll.demand.messages import MESSAGES as demand_messages
from plimsoll.demand.shelf import methods
from plimsoll.domain import errors
from plimsoll.domain.findings import Finding, Message, numbered
from plimsoll.domain.kpis import KPIS
from plimsoll.domain.people import ACTIONS, ROLES
from plimsoll.domain.reasons import (
    CHANGE_REASONS,
    LINE_REASONS,
    MOVE_REASONS,
    NETWORK_REASONS,
    REASONS,
    SUPPLIER_REASONS,
)
from plimsoll.domain.tables import DTYPES, Column, input_tables, table, table_names
from plimsoll.ingest.messages import quarantine_reasons
from plimsoll.ingest.repairs import WORDS as REPAIR_WORDS
from plimsoll.integrations import read_source
from plimsoll.lifecycle.messages import MESSAGES as lifecycle_messages
from plimsoll.network.checks import MESSAGES as network_messages
from plimsoll.network.size import NO_SOURCE, SIZED
from plimsoll.pilot.messages import MESSAGES as pilot_messages
from plimsoll.policy.portfolio import OUT_OF_REACH, TOO_SMALL
from plimsoll.policy.reasons import FALLBACK_REASONS, POLICY_REASONS
from plimsoll.replay.messages import EVERY as replay_messages
from plimsoll.replenish import allocate, components
from plimsoll.replenish.position import findings_of
from plimsoll.scenarios.messages import MESSAGES as scenario_messages
from plimsoll.supply import SupplyParams, unusable_receipts
from plimsoll.supply.changes import CHANGED
from plimsoll.web.api import router as api
from plimsoll.web.api.document import document
from plimsoll.web.security import guards
from plimsoll.workflows.benchmarks.registry import BENCHMARKS
from plimsoll.workflows.pending import LOST as sent_not_seen
from plimsoll.workflows.settings import sections

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/make_reference.py: change the source and run `make docs`. -->"

# table -> what one row is, and for results which stage writes it
ROWS = {
    "items": "an item",
    "locations": "a place: supplier, plant, DC, branch or customer",
    "stocking_points": "an item kept at a location",
    "lanes": "a way to replenish an item at a location",
    "bom": "a component of a parent item",
    "demand": "a customer order line, or a period total",
    "availability": "whether an item was in stock in a period",
    "receipts": "a received (part of a) purchase, transfer or production line",
    "stock": "a count of an item at a location",
    "open_orders": "an order line not fully received",
    "events": "demand that is known or controlled",
    "customers": "a customer",
    "supplier_terms": "what a supplier asks of an order",
    "finding": "what a check found; written by the import and by every stage",
    "quarantine": "a row that was set aside, as it was; written by the import",
    "planning_point": "a stocking point with every value in force; written by `ingest.complete`",
    "lead_time_estimate": "the lead-time distribution of a lane; written by `supply.estimate`",
    "demand_estimate": "the demand distribution of a stocking point; written by `demand.estimate`",
    "target": "the class and service target of a stocking point; written by `targets.assign`",
    "override": "a value that a person set over a computed one; kept in the database",
    "override_effect": "a value set by a person beside the computed; written by `measure.override_effects`",
    "policy": "reorder point, lot and buffer of a stocking point; written by `policy.size`",
    "recommendation": "an order to place today; written by `replenish.recommend`",
    "outlook": "how a stocking point stands; written by `replenish.recommend`",
    "inventory_health": "the stock of a stocking point in money; written by `measure.inventory_health`",
    "history_change": "a period whose demand is read otherwise than recorded; written by `demand.prepare`",
    "dependent_demand": "what production needs of a component in a week; written by `bom.with_dependent`",
    "succession": "an item taken over by another; written by `lifecycle.inherit`",
    "cold_start": "a new stocking point; written by `lifecycle.cold_start`",
    "obsolescence": "the chance that nobody asks again; written by `lifecycle.obsolescence`",
    "last_time_buy": "a stocking point that ends; written by `lifecycle.last_time_buys`",
    "engineered_suggestion": "an item that looks engineered to order; written by `lifecycle.engineered`",
    "supplier_scorecard": "a supplier, or one of its lanes; written by `supply.scorecard`",
    "arrival_risk": "an open order line; written by `supply.arrival_risk`",
    "audit_row": "a doubtful fact; written by `audit.examine`",
    "readiness": "how ready a stocking point is to be planned; written by `audit.readiness`",
    "repair": "a rule laid over the facts and what became of it; written by `ingest.repaired`",
    "accuracy": "forecasts of a group held against what came; written by `signals.accuracy`",
    "calibration": "promised against achieved service of a group; written by `signals.calibration`",
    "trust": "how far promises for a stocking point may be believed; written by `signals.trust`",
    "alarm": "a change or bias that is more than chance; written by `signals.alarms`",
    "ledger": "what came of a rule at a stocking point; written by `replay.ledger_table`",
    "replay_run": "a replay: its days and its terms; written by the command",
    "replay_figure": "a figure of a rule with its intervals; written by `replay.figures`",
    "replay_match": "where the plan has the service or the stock of a rule; written by `replay.frontier`",
    "replay_goal": "what a goal for the portfolio came to; written by `replay.frontier`",
    "replay_difference": "a part of the difference in stock; written by `replay.differences`",
    "replay_period": "a replayed period of a rule in money; written by `replay.period_table`",
    "replay_left_out": "a stocking point that was not replayed; written by `replay.build_world`",
    "economics_run": "the service economics of a plan as a whole; written by `plimsoll targets`",
    "cost_curve": "a step of a cost-to-service curve; written by `policy.portfolio_curves.cost_curves`",
    "service_choice": "the target chosen for a point; written by `policy.portfolio_curves.service_choices`",
    "economic_point": "the economic level of a point; written by `policy.economic_points`",
    "network_stage": "a stocking point as a stage of a network; written by `network.model.build`",
    "network_arc": "a way that goods go between stages, or could; written by `network.model.build`",
    "network_service": "a stocking point sized together with others; written by `network.size`",
    "exception": "something that needs a person, one row a cause; written by `exceptions.find`",
    "exception_part": "a point or open order behind an exception; written by `exceptions.find`",
    "plan_change": "what changed at a stocking point since the plan before; written by `exceptions.find`",
    "move": "stock to move between places of ours today; written by `replenish.recommend`",
    "order_change": "an open order to hasten, put off or cancel; written by `replenish.order_changes`",
    "supplier_order": "today's lines to a supplier as one order; written by `replenish.supplier_orders`",
    "pending_order": "a line accepted or sent that no import has shown yet; written by `plimsoll plan`",
    "line": "one thing that is proposed for today; written by `replenish.lines`",
    "allocation": "a claim on a place that is short today; written by `replenish.recommend`",
    "network_check": "promised against simulated service and stock of a point; written by `network.check`",
    "network_echelon": "the same of the places of an echelon; written by `plimsoll network --check`",
    "network_comparison": "an echelon alone and as one network, simulated; written by `network.compare`",
    "network_saving": "how the saving of one network spreads; written by `plimsoll network --compare`",
    "network_moved": "an item whose stock one network moves most; written by `plimsoll network --compare`",
    "network_placement": "a stage placed by guaranteed service; written by `plimsoll network --placement`",
    "outcome": "what a decision came to against the recommendation; written by `learning.outcomes`",
    "outcome_total": "what the decisions of a group added; written by `learning.totals`",
    "suggestion": "a habit of deciding, and the parameter it points to; written by `learning.suggestions`",
    "kpi": "a key figure of a group; written by `measure.kpis`",
    "kpi_ledger": "a point and month: the sums behind key figures; written by `plimsoll kpi` and the replay",
    "kpi_order": "a customer order's lines of an item in a month; written by `plimsoll kpi`",
    "teardown_segment": "a class of stocking points; written by `plimsoll teardown`",
    "teardown_extreme": "a point of a corner, the most money first; written by `plimsoll teardown`",
    "maturity": "a dimension of planning and its evidence; written by `measure.maturity`",
    "stranded": "the capital of a stocking point; written by `measure.stranded`",
    "release": "stranded stock that leaves by a route in a month; written by `measure.release_plan`",
    "provision": "a month and bucket of age of stranded cash; written by `measure.provision_forecast`",
    "stock_bridge": "why expected stock of a point changes; written by `plimsoll capital`",
    "kpi_point": "what a stocking point is grouped by; written by `plimsoll kpi`",
    "pilot_fence": "an item of a pilot's fence or control group; written by `pilot.propose`",
    "pilot_balance": "a measure on which the two groups are alike; written by `pilot.propose`",
    "pilot_power": "the smallest effect that a pilot would show; written by `pilot.detectable`",
    "pilot_effect": "a number of a pilot against the control group; written by `pilot.all_effects`",
    "pilot_check": "a question of a pilot's rule with its answer; written by `pilot.judged`",
    "pilot_look": "a weekly look at service in a pilot; written by `pilot.service_looks`",
    "pilot_override": "a week's overrides in a pilot; written by `pilot.overriding`",
    "pilot_decision": "a decision in a pilot's fence; written by `plimsoll pilot verdict`",
    "pilot_week": "a week of a pilot's group; written by `pilot.by_week`",
    "pilot_gap": "a place in a pilot's shadow weeks; written by `pilot.gaps`",
    "scenario_figure": "a figure of a case beside the base; written by `scenarios.figures`",
    "scenario_action": "an action that a scenario would not share; written by `scenarios.differing_actions`",
    "stress_disruption": "what a disruption does; written by `scenarios.stress`",
    "stress_item": "an item that a disruption holds up; written by `scenarios.stress`",
}
TYPE_NAMES = {"str": "text", "f64": "number", "i64": "whole number", "bool": "true or false", "list": "list"}
TYPES = {dtype: TYPE_NAMES.get(code, code) for code, dtype in DTYPES.items()}
LARGE = 1e6  # from here defaults are written with an exponent
WORDS = {
    Path: "PATH",
    datetime: "YYYY-MM-DD",
    int: "N",
    float: "X",
    list[int]: "N",
    str: "TEXT",
    list[str]: "TEXT",
}


def _grid(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a Markdown table; bars and line ends in a cell are taken care of."""
    yield "| " + " | ".join(header) + " |"
    yield "| " + " | ".join("---" for _ in header) + " |"
    for row in rows:
        yield "| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in row) + " |"
    yield ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _allowed(column: Column) -> str:
    if column.choices:
        return ", ".join(f"`{choice}`" for choice in column.choices)
    low = "" if column.min is None else f"from {column.min:g}"
    return " ".join(filter(None, (low, "" if column.max is None else f"to {column.max:g}")))


def tables_page() -> Iterator[str]:
    """Yield the page of all tables."""
    yield from (
        "# Tables",
        "",
        "Input tables are filled from your data by a [mapping](../tasks/import-your-data.md); result tables "
        "are written by the plan and stored as Parquet in the workspace. Only `demand`, `items` with "
        "`unit_cost`, and `stock` or `lanes` are needed to start. The key columns name one row. A required "
        "column is never empty; an empty cell in any other means not known, which is not 0.",
        "",
        "Suffixes: `_set` fixed by a person, `_est` estimated, `_opt` chosen by rule, `_eff` in force, "
        "`_obs` seen in the data, `_qty` in stocking units, `_value` in money, `_days` in days.",
        "",
    )
    results = [name for name in table_names() if name not in input_tables()]
    for title, names in (("Input tables", input_tables()), ("Result tables", results)):
        yield from (f"## {title}", "")
        for name in sorted(names, key=list(ROWS).index):
            yield from (f"### {name}", "", f"One row is {ROWS[name]}.", "")
            rows = [
                (
                    f"`{column.name}`",
                    "key" if column.is_key else "",
                    "required" if column.null == "required" else "",
                    TYPES[column.dtype],
                    column.unit,
                    _allowed(column),
                    column.description,
                )
                for column in table(name).columns
            ]
            yield from _grid(("column", "key", "required", "type", "unit", "allowed", "meaning"), rows)


def _option(schema: dict[str, Any]) -> str:
    """Return what a setting may be, from its JSON schema."""
    known = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    part = schema | known[0]
    choices = part.get("enum") or re.findall(r"\w+", part.get("pattern", ""))
    if choices:
        return ", ".join(f'`"{choice}"`' for choice in choices)
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = " and ".join(f"{sign} {part[name]:g}" for name, sign in signs.items() if name in part)
    kind = {"array": "list", "boolean": "true or false", "integer": "whole number", "string": "text"}.get(
        part["type"], part["type"]
    )
    return f"{part.get('format', kind)} {limits}".strip()


def _toml(value: object) -> str:
    """Return a default as it would stand in the settings file."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str) and not value[:4].isdigit():
        return f'`"{value}"`'
    large = isinstance(value, float) and value >= LARGE
    return f"`{value:.0e}`".replace("e+0", "e").replace("e+", "e") if large else f"`{value}`"


def _section(name: str, schema: dict[str, Any], defs: dict[str, Any]) -> Iterator[str]:
    """Yield one section of the settings and the sections inside it."""
    plain = {key: part for key, part in schema["properties"].items() if "$ref" not in part}
    yield from (f"## [{name}]", "", schema["description"].splitlines()[0].split(";")[0].rstrip(".") + ".", "")
    rows = [
        (f"`{key}`", _toml(part.get("default")), _option(part), _capital(part["description"]))
        for key, part in plain.items()
    ]
    yield from _grid(("setting", "default", "allowed", "meaning"), rows)
    for key, part in schema["properties"].items():
        if "$ref" in part:
            yield from _section(f"{name}.{key}", defs[part["$ref"].split("/")[-1]], defs)


def settings_page() -> Iterator[str]:
    """Yield the page of all settings."""
    yield from (
        "# Settings",
        "",
        "Settings stand in `plimsoll.toml` in the workspace. What is not there has its default; an unknown "
        "name or a value out of range is refused with a hint. Every plan records the settings "
        "it was made with.",
        "",
        "```toml",
        "[plan]",
        'currency = "EUR"',
        "",
        "[targets]",
        'kind = "fill"',
        "",
        "[targets.service]",
        "AX = 0.985",
        "",
        "[supply]",
        "typed_cv = 0.25",
        "```",
        "",
    )
    for name, section in sections().items():
        schema = section.model_json_schema()
        yield from _section(name, schema, schema.get("$defs", {}))


def _usage(name: str, command: Any) -> str:
    """Return how a command is called: its arguments, then its options in brackets."""
    words = ["plimsoll", name]
    for part in command.params:
        if part.param_type_name == "argument":
            word = part.metavar or part.name.upper()
            words.append(word if part.required else f"[{word}]")
    return " ".join(words)


def _parameters(command: Any) -> Iterator[tuple[str, str, str]]:
    for part in command.params:
        if part.param_type_name == "argument":
            yield f"`{part.metavar or part.name.upper()}`", "", part.help
            continue
        kind = part.type_descriptor.annotation
        word = "" if part.is_flag else f" {WORDS[kind]}"
        default = "" if part.is_flag or part.default in (None, ()) else f"`{part.default}`"
        yield f"`{part.opts[0]}{word}`", default, part.help


def _exit_codes() -> Iterator[tuple[str, str]]:
    yield "0", "Done."
    yield (
        "1",
        "The import is in force, but a table of it could not be used: see the finding of severity error.",
    )
    family = errors.PlimsollError.__subclasses__()
    for kind in sorted(family, key=lambda kind: (kind.exit_code, kind.__name__)):
        yield str(kind.exit_code), (kind.__doc__ or "").splitlines()[0]
    yield "130", "Stopped by Ctrl-C; the last good results stay in force."


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command for people by its whole name, those of groups included."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def commands_page() -> Iterator[str]:
    """Yield the page of all commands."""
    group: Any = typer.main.get_command(app)
    yield from (
        "# Commands",
        "",
        "Every command answers `--help`. With `--json` it prints its result as JSON on standard output, and "
        "an error as JSON on standard error. Progress goes to standard error and only to a terminal.",
        "",
    )
    for name, command in _commands(group):
        yield from (f"## {name}", "", command.help, "", "```", _usage(name, command), "```", "")
        yield from _grid(("argument or option", "default", "meaning"), _parameters(command))
    yield from ("## Benchmarks", "")
    yield from _grid(("name", "what it measures"), ((f"`{name}`", what) for name, what in BENCHMARKS.items()))
    yield from ("## Exit codes", "")
    yield from _grid(("code", "meaning"), _exit_codes())


def _import_findings(messages: dict[str, Any]) -> Iterator[Finding]:
    """Yield what the import says, names left open."""
    words = defaultdict(lambda: "…", n="12")
    for code, message in sorted(messages.items()):
        parts = [numbered(message[part], 12).format_map(words) for part in ("what", "why", "done", "remedy")]
        yield Finding(code, message["severity"], "", 12, "", *parts)


def _audit_findings() -> Iterator[Finding]:
    """Yield what the audit says, names left open."""
    words = defaultdict(lambda: "…", n="12")
    for each in all_checks():
        what, why, remedy = (
            numbered(text, 12).format_map(words) for text in (each.what, each.why, each.remedy)
        )
        yield Finding(each.code, each.severity, each.table, 12, "", what, why, DONE, remedy)


def _said(messages: Iterable[Message]) -> Iterator[Finding]:
    """Yield what stages say, names left open."""
    words = defaultdict(lambda: "…", n="12")
    for one in messages:
        texts = (one.what, one.why, one.done, one.remedy)
        parts = [numbered(text, 12).format_map(words) for text in texts]
        yield Finding(one.code, one.severity, one.table, 12, "", *parts)


def _reader_findings() -> Iterator[Finding]:
    """Yield what the readers of files say, from a folder that makes them say it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "parts.csv").write_text('id;name\n1;1/2" bolt\n', encoding="utf-8")
        Path(folder, "notes.pdf").write_text("", encoding="utf-8")
        with Workbook(Path(folder, "stock.xlsx")) as book:
            sheet = book.add_worksheet()
            sheet.write(0, 0, "Stock of today")
            sheet.write_row(1, 0, ["item", "site", "units"])
        found = [finding for raw in read_source(folder) for finding in raw.findings]
        yield from sorted(found, key=lambda each: each.code)


def _receipt_findings() -> Iterable[Finding]:
    """Return what is said of receipts that tell no lead time, from one of each kind."""
    day = date(2026, 3, 2)
    faults = [
        {"ordered_date": None},
        {"ordered_date": date(2026, 3, 9)},
        {"ordered_date": date(2016, 3, 2)},
        {"ordered_date": date(2026, 2, 2), "expedited": True},
    ]
    rows = [
        {"order_id": f"P{n}", "item_id": "A-1", "to_location_id": "DC1", "from_location_id": "ACME",
         "received_date": day, "quantity": 1.0, **fault}
        for n, fault in enumerate(faults, 1)
    ]  # fmt: skip
    receipts = table("receipts").conform(pl.DataFrame(rows, schema_overrides=table("receipts").schema))
    return unusable_receipts(receipts, SupplyParams(), as_of=day)


def _stock_findings() -> Iterable[Finding]:
    """Return what is said of odd positions, from one of each kind."""
    state = pl.DataFrame(
        {
            "item_id": ["A-1", "A-2", "A-3"],
            "location_id": ["DC1"] * 3,
            "planned": [True] * 3,
            "recorded_qty": [None, -5.0, 20.0],
            "late_qty": [0.0, 0.0, 10.0],
            "unit_cost_eff": [4.0] * 3,
        }
    )
    return findings_of(state)


def findings_page() -> Iterator[str]:
    """Yield the page of all findings and of the reasons for which rows are set aside."""
    text = files("plimsoll.ingest").joinpath("words", "messages.toml").read_text(encoding="utf-8")
    messages = tomllib.loads(text)
    yield from (
        "# Findings",
        "",
        "A finding says what was found with a count and the first keys, why it matters, what was done "
        "meanwhile and what you can do. Counts and keys below are examples, … stands for names. Findings are "
        "printed by `plimsoll import` and `plimsoll plan`, listed in the report and the workbook, and "
        "complete with `--json`.",
        "",
    )
    groups = {
        "Reading files": _reader_findings(),
        "Import and completion": _import_findings(messages["finding"]),
        "Lead times": chain(_receipt_findings(), _said([CHANGED])),
        "Stock and open orders": _stock_findings(),
        "Repairs": _said(Message(code, said[0], "", *said[1:]) for code, said in REPAIR_WORDS.items()),
        "Demand": _said(demand_messages),
        "Bills of material": _said(bom_messages),
        "Life cycles": _said(lifecycle_messages),
        "Targets": _said([OUT_OF_REACH, TOO_SMALL]),
        "Network": _said([*network_messages, SIZED, NO_SOURCE]),
        "Today's orders": _said([allocate.SHORT, components.SHORT, sent_not_seen]),
        "Replay": _said(replay_messages),
        "Scenarios": _said(scenario_messages),
        "Pilot": _said(pilot_messages),
        "Audit": _audit_findings(),
    }
    for title, found in groups.items():
        yield from (f"## {title}", "")
        for one in found:
            yield from (f"### {one.code}", "", f"*{one.severity}.* {one.what}", "")
            yield from (f"- Why: {one.why}", f"- Done: {one.done}", f"- To do: {one.remedy}", "")
    yield from (
        "## Rows set aside",
        "",
        "These rows do not count in the plan. Each is kept in the table [quarantine](tables.md#quarantine) "
        "with file, row number, reason, the value at fault and the whole row; the finding "
        "`quarantine_REASON` counts them.",
        "",
    )
    rows = [
        (f"`{code}`", quarantine_reasons()[code], message["remedy"])
        for code, message in messages["quarantine"].items()
    ]
    yield from _grid(("reason", "meaning", "what to do"), rows)


def reasons_page() -> Iterator[str]:
    """Yield the page of reasons of orders and policies, and of demand methods."""
    yield from (
        "# Reasons and methods",
        "",
        "## Reasons of an order",
        "",
        "The codes in `reason_codes` of a [recommendation](tables.md#recommendation), in the order of the "
        "sentence. A reason without words is data only.",
        "",
    )
    rows = [
        (f"`{reason.code}`", reason.meaning, reason.template.strip(" :;,")) for reason in REASONS.values()
    ]
    yield from _grid(("code", "meaning", "in the sentence"), rows)
    further = (
        ("a move", "move", MOVE_REASONS),
        ("a changed order", "order_change", CHANGE_REASONS),
        ("a supplier's order", "supplier_order", SUPPLIER_REASONS),
        ("a line ordered early or late", "line", LINE_REASONS),
    )
    for title, name, reasons in further:
        said = f"Codes in `reason_codes` of a [{name}](tables.md#{name})."
        yield from (f"## Reasons of {title}", "", said, "")
        words = [(f"`{one.code}`", one.meaning, one.template.strip(" :;,")) for one in reasons.values()]
        yield from _grid(("code", "meaning", "in the sentence"), words)
    yield from (
        "## What a connected place holds, and why",
        "",
        "Codes in `reason` of [network_service](tables.md#network_service).",
        "",
    )
    yield from _grid(("code", "meaning"), ((f"`{code}`", text) for code, text in NETWORK_REASONS.items()))
    yield from ("## Reasons of a policy", "", "Codes in `policy_reason` of a [policy](tables.md#policy).", "")
    yield from _grid(("code", "meaning"), ((f"`{code}`", text) for code, text in POLICY_REASONS.items()))
    yield from ("## Where a service is not exact", "", "Codes in `fallback_reason` of a policy.", "")
    yield from _grid(("code", "meaning"), ((f"`{code}`", text) for code, text in FALLBACK_REASONS.items()))
    yield from (
        "## Demand methods",
        "",
        "The shelf that a stocking point's method is chosen from, simple to involved; see "
        "[how the sums are done](../concepts/how-it-works.md#demand).",
        "",
    )
    shelf = [(f"`{one.name}`", f"`{one.formula}`", one.when, one.source) for one in methods()]
    yield from _grid(("method", "formula", "when", "source"), shelf)


def _fields(shape: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, field in shape["properties"].items():
        kinds = [part.get("type", "") for part in field.get("anyOf", [field])]
        kind = " or ".join(dict.fromkeys(part for part in kinds if part and part != "null")) or "any"
        said = [f"one of {', '.join(field['enum'])}"] if "enum" in field else []
        said += [field["description"]] if "description" in field else []
        needed = "yes" if name in shape.get("required", []) else ""
        yield (
            f"`{name}`",
            kind.replace("array", "list"),
            "; ".join([needed, *said]).strip("; "),
        )


def api_page() -> Iterator[str]:
    """Yield the page on the REST API: what is asked of whom, and what bodies hold."""
    server = FastAPI()
    server.include_router(api.router)
    told, asked = document(server), guards(server)
    yield from ("# The REST API", "", *told["info"]["description"].strip().splitlines(), "")
    yield (
        "How to use it, with examples: [use the API](../tasks/use-the-api.md). The document that programs "
        "read is at `/api/v1/openapi.json`. Roles: each may do what those before it may: "
        f"{', '.join(ROLES)}."
    )
    yield ""
    for tag in told["tags"]:
        rows, bodies = [], []
        for path, operations in told["paths"].items():
            for method, operation in operations.items():
                if operation["tags"] != [tag["name"]]:
                    continue
                route = f"{method.upper()} {path}"
                action = asked.get(route, asked.get(f"{route[:-1]}:path}}", ""))
                role = ACTIONS[action].role if action in ACTIONS else "known" if action else "anybody"
                rows.append(
                    (f"`{method.upper()} {path.removeprefix('/api/v1')}`", role, operation["summary"])
                )
                # A body that is a file has no fields.
                if body := operation.get("requestBody", {}).get("content", {}).get("application/json"):
                    bodies.append(body["schema"]["$ref"].rsplit("/", 1)[1])
        yield from (f"## {tag['description']}", "")
        yield from _grid(("address under /api/v1", "role", "what"), rows)
        for shape in dict.fromkeys(bodies):
            schema = told["components"]["schemas"][shape]
            yield from (f"`{shape}`: {' '.join(schema.get('description', '').split())}", "")
            yield from _grid(("field", "kind", "needed; meaning"), _fields(schema))


def kpis_page() -> Iterator[str]:
    """Yield the page of all key figures, each with its one definition."""
    yield from (
        "# Key figures",
        "",
        "Each has one definition, for the records, a replay and a pilot alike. Most are sums of "
        "[kpi_ledger](tables.md#kpi_ledger) over sums: what is above the line and below it is told beside "
        "every value with `plimsoll kpi --json`. How to read them: [the key figures]"
        "(../tasks/read-the-kpis.md).",
        "",
    )
    better = {"up": "more", "down": "less", "none": ""}
    rows = [
        (
            f"`{name}`",
            each.label,
            each.unit,
            better[each.better],
            each.formula,
            each.origin,
            _capital(each.needs),
        )
        for name, each in KPIS.items()
    ]
    yield from _grid(("name", "figure", "unit", "better", "how it is counted", "from", "needs"), rows)


def pages() -> dict[str, str]:
    """Return every reference page by file name."""
    made = {
        "tables": tables_page(),
        "settings": settings_page(),
        "commands": commands_page(),
        "findings": findings_page(),
        "reasons": reasons_page(),
        "api": api_page(),
        "kpis": kpis_page(),
    }
    return {f"{name}.md": "\n".join([MADE, "", *lines]).rstrip() + "\n" for name, lines in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in pages().items():
        (FOLDER / name).write_text(page, encoding="utf-8")
