"""Every code that a table declares or a stage hands over has words on the screen, or reads well as it is."""

import re

import pytest

from plimsoll.demand.shelf import methods
from plimsoll.domain.tables import input_tables, table, table_names
from plimsoll.ingest.params import IngestParams
from plimsoll.measure.before_after import FIGURES
from plimsoll.policy.reasons import FALLBACK_REASONS, POLICY_REASONS
from plimsoll.present.labels import LABELS, UNKNOWN_SOURCE, label
from plimsoll.present.view import SERVICES

# column with codes -> topic of its words
TOPICS = {
    ("inventory_health", "status"): "stock",
    ("outlook", "status"): "outlook",
    ("recommendation", "kind"): "order",
    ("recommendation", "readiness"): "verdict",
    ("planning_point", "supply_kind"): "order",
    ("planning_point", "target_kind_set"): "target",
    ("planning_point", "left_out_reason"): "left_out",
    ("target", "target_kind_eff"): "target",
    ("cost_curve", "curve"): "curve",
    ("economics_run", "aim"): "aim",
    ("service_choice", "kept"): "kept",
    ("economic_point", "advice"): "economics",
    ("economic_point", "unknown_reason"): "no_economics",
    ("target", "target_source"): "decided_by",
    ("override", "kind"): "override",
    ("override", "field"): "override_field",
    ("override", "status"): "override_status",
    ("override_effect", "kind"): "override",
    ("override_effect", "field"): "override_field",
    ("policy", "target_kind_eff"): "target",
    ("policy", "policy"): "policy",
    ("lead_time_estimate", "method_used"): "evidence",
    ("lead_time_estimate", "method_wanted"): "evidence",
    ("demand_estimate", "demand_class"): "demand",
    ("demand_estimate", "learned_skipped"): "learned",
    ("pilot_effect", "figure"): "pilot_figure",
    ("pilot_effect", "against"): "pilot_against",
    ("pilot_power", "figure"): "pilot_figure",
    ("pilot_gap", "gap"): "pilot_gap",
    ("replay_match", "match"): "match",
    ("replay_run", "stock_at_start"): "start",
    ("history_change", "kind"): "history",
    ("exception", "kind"): "exception",
    ("plan_change", "main_cause"): "level_cause",
    ("stranded", "route"): "route",
    ("stranded", "why"): "release_rule",
    ("release", "route"): "route",
    ("teardown_extreme", "corner"): "corner",
    ("maturity", "dimension"): "maturity",
    ("obsolescence", "grade"): "grade",
    ("obsolescence", "action"): "advice",
    ("obsolescence", "method_used"): "survival",
    ("last_time_buy", "kind"): "ending",
    ("last_time_buy", "status"): "last_buy",
    ("readiness", "verdict"): "verdict",
    ("network_arc", "reason"): "way",
    ("network_stage", "left_out_reason"): "left_out",
    ("network_stage", "refused_reason"): "refused",
    ("network_placement", "reason"): "placed",
    ("line", "kind"): "line",
    ("line", "readiness"): "verdict",
    ("order_change", "kind"): "line",
    ("order_change", "order_kind"): "order",
    ("supplier_order", "status"): "supplier_order",
    ("outcome", "state_why"): "unjudged",
    ("outcome_total", "verdict"): "worth",
    ("suggestion", "verdict"): "paid",
    ("suggestion", "scope_kind"): "habit",
    ("suggestion", "parameter"): "parameter",
}
CODES = [
    (name, column.name, code)
    for name in table_names()
    if name not in input_tables()
    for column in table(name).columns
    for code in column.choices
]
A_WORD = re.compile(r"[a-z]{3,}|[ABCDXYZ]|-")


@pytest.mark.parametrize(("name", "column", "code"), CODES, ids="/".join)
def test_declared_codes_read_well(name, column, code):
    topic = TOPICS.get((name, column))
    assert (
        A_WORD.fullmatch(code)
        if topic is None
        else label(topic, code) in LABELS[topic].values() or A_WORD.fullmatch(code)
    )


def test_topics_name_columns_that_exist():
    assert [key for key in TOPICS if not table(key[0]).column(key[1]).choices] == []


def test_no_label_is_for_a_code_that_is_gone():
    for topic in set(TOPICS.values()):
        known = {code for name, column, code in CODES if TOPICS.get((name, column)) == topic}
        assert set(LABELS[topic]) <= known, topic


def test_methods_of_demand_have_words():
    names = {method.name for method in methods()}
    assert set(LABELS["method"]) <= names
    for name in names - set(LABELS["method"]):
        assert re.fullmatch(r"[a-z]{4,}( [a-z]+)*", label("method", name)), name


def test_reasons_have_words():
    unusable = {method.unusable_reason for method in methods() if method.usable is not None}
    codes = {*POLICY_REASONS, *FALLBACK_REASONS, *unusable}
    assert codes <= set(LABELS["reason"])


def test_a_source_that_is_not_known_has_words():
    assert IngestParams().unknown_supplier == UNKNOWN_SOURCE


def test_compared_figures_have_words():
    assert set(LABELS["figure"]) == set(FIGURES)
    assert set(SERVICES) <= set(FIGURES)
