"""Replay a workspace's past under decision rules: what they would have done with what was known then."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import __version__, demand, ingest, policy, replay, targets
from plimsoll.demand.panel import KEY, bucket_of
from plimsoll.domain.errors import InputError, SettingError, did_you_mean
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.kpis import REPLAY
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.replay_result import ReplayResult
from plimsoll.domain.rules import Moment, Rule
from plimsoll.domain.tables import table
from plimsoll.ingest.repair_rows import refused_changes
from plimsoll.lifecycle.succession import to_heirs
from plimsoll.replay.world import Built
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import read_facts, rules_in_force
from plimsoll.workflows.pipeline import Decisions, Tables, decide
from plimsoll.workflows.settings import Settings, libraries

KIND = "replay"
NAMES = ("ours", "current", "static")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay before it is published: its clock, its world, and its tables by name."""

    clock: replay.Clock
    world: replay.World
    tables: Tables
    seconds: dict[str, float] = field(default_factory=dict)


def replay_workspace(
    folder: Path,
    rules: Sequence[str] = (),
    given: Mapping[str, object] | None = None,
    *,
    at: datetime,
    as_of: date | None = None,
    progress: Progress = silent,
) -> ReplayResult:
    """Replay the last year of a workspace and put the result in force.

    Parameters
    ----------
    folder : the workspace
    rules : `ours` (the plan's own policies), `current` (the minimum and maximum in force), `static` (the
        textbook, set once) or `FILE.py:FUNCTION`; the first is compared with the second. Default: ours,
        current
    given : options of `ReplayParams` by name, over those of the settings
    at : moment of the command
    as_of : last day of the past that is replayed; default: that of the import in force
    progress : told at each estimate

    Raises
    ------
    SettingError : an unknown rule, or a function that cannot be loaded
    InputError : no data, or too short a history
    """
    with Workspace.open(folder) as workspace:
        read = read_facts(workspace, at=at, as_of=as_of)
        options = options_over(read.settings.replay, given or {})
        chosen = [rule_of(name, options) for name in (rules or NAMES[:2])]
        if len({rule.name for rule in chosen}) < len(chosen):
            what = f"A rule is named twice: {', '.join(rule.name for rule in chosen)}."
            raise SettingError(what, remedy="Name each rule once.")
        refused = partial(refused_changes, rules=workspace.repairs())
        done = run_replay(
            read.tables, read.settings, chosen, options, as_of=read.as_of, refused=refused, progress=progress
        )
        parameters = read.settings.of_results() | rules_in_force(workspace)
        parameters |= {"replay": options.model_dump(mode="json"), "rules": [_content(name) for name in rules]}
        seed, hashes = read.settings.plan.seed, workspace.fact_hashes()
        manifest = Manifest(KIND, __version__, read.as_of, seed, parameters, hashes, libraries())
        run_id = workspace.publish_run(KIND, done.tables, manifest, at=at)
    return ReplayResult.of(folder, run_id, read.currency, done.tables, done.seconds)


def load_replay(folder: Path) -> ReplayResult | None:
    """Return the replay in force of a workspace, None where nothing was replayed yet."""
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None or "replay_run" not in run.tables:
            return None
        tables = {name: workspace.result(name, run.id) for name in run.tables}
        imported, asked = workspace.import_in_force(), run.manifest["parameters"]["plan"]["currency"]
        of_data = str(imported.manifest["parameters"].get("currency", "")) if imported else ""
        return ReplayResult.of(folder, run.id, asked or of_data, tables)


def _content(name: str) -> str:
    """Return what decides a rule: its name, for a function with the text of its file."""
    path = Path(name.rpartition(":")[0])
    return f"{name}\n{path.read_text(encoding='utf-8')}" if path.is_file() else name


def run_replay(
    facts: Tables,
    settings: Settings,
    rules: Sequence[Rule],
    params: replay.ReplayParams,
    *,
    as_of: date,
    refused: demand.Refused | None = None,
    progress: Progress = silent,
) -> Replayed:
    """Replay facts under rules; nothing is stored.

    Parameters
    ----------
    facts : canonical tables, whole
    settings : options of the stages; its seed is that of the replay
    rules : the rules; the first two are compared
    params : options of the replay
    as_of : last day of the past
    refused : says which changes of the history a person does not want
    progress : told at each estimate

    Returns
    -------
    Replayed
        Tables replay_run, replay_figure, replay_match and replay_goal (where the plan is compared),
        replay_difference (with two rules), replay_period, ledger, kpi_ledger, replay_left_out, finding; of
        the points that every rule could decide.

    Notes
    -----
    Where the plan is among the rules and another one is too, the plan is also replayed at goals for the
    whole portfolio, so that both can be compared at the same service (`replay.frontier`).
    """
    started = perf_counter()
    seed = settings.plan.seed
    clock = _clock(facts, settings, params, as_of)
    then = Then(facts, settings, params, refused, progress, clock)
    first = then.first
    met = facts | {"demand": to_heirs(facts["demand"], first.heirs.heirs)}
    built = replay.build_world(met, first.points, first.lead_times, clock, params, seed=seed)
    world = built.world
    if not len(world.demand):
        what = f"None of {first.points.height:,} stocking points can be replayed from {clock.start}."
        reasons = replay.left_out_findings(built.left_out, clock, params)
        raise InputError(
            what, why=" ".join(found.what for found in reasons), remedy="Import a longer history."
        )
    seconds = {"Prepare": perf_counter() - started}
    classes = first.target.select(*KEY, "abc")

    def run(rule: Rule) -> replay.RuleRun:
        def ask(day: date, state: pl.DataFrame) -> Moment:
            return Moment(day, state, world.points, partial(then.known, day), partial(then.policy, day))

        begun = perf_counter()
        done = replay.run_rule(world, rule, ask)
        seconds[f"Rule {rule.name}"] = perf_counter() - begun
        return done

    # The plan comes last: what the others served says at which goals it is replayed besides.
    others = {rule.name: run(rule) for rule in rules if not isinstance(rule, replay.PlanRule)}
    plans = [rule for rule in rules if isinstance(rule, replay.PlanRule)]
    if plans and others and params.with_curve:
        served = replay.fill_rate(replay.ledger_table(world, next(iter(others.values())), classes))
        then.goals = replay.goals_around(served, params.goals) if served is not None else ()
    ran = others | {rule.name: run(rule) for rule in plans}
    runs = [ran[rule.name] for rule in rules]
    at_goals = {goal: run(replay.PlanRule(f"goal {goal:.4f}", goal=goal)) for goal in then.goals}
    progress("Compare", then.total, then.total)
    begun = perf_counter()
    reached = {goal: at_goals[goal] for goal in then.goals if goal not in then.unreached}
    past = partial(replay.recorded, met, world, as_of=as_of, carry_days=settings.kpi.carry_days)
    other = next(iter(others), None)
    tables = _compared(_Outcome(built, runs, other, reached, classes), clock, params, past, seed=seed)
    tables["finding"] = findings_frame(_said(built, runs, rules, clock, params))
    return Replayed(clock, world, tables, seconds | {"Compare": perf_counter() - begun})


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What rules and goals came to in a world, and the classes of its points.

    `other` is the first rule that is not the plan's: goals are held against it.
    """

    built: Built
    runs: list[replay.RuleRun]
    other: str | None
    at_goals: dict[float, replay.RuleRun]
    classes: pl.DataFrame


def _compared(
    done: _Outcome,
    clock: replay.Clock,
    params: replay.ReplayParams,
    past: Callable[[pl.DataFrame], pl.DataFrame],
    *,
    seed: int,
) -> Tables:
    """Return the tables of a replay but its findings."""
    world = done.built.world
    refusals = [run.refused.with_columns(rule=pl.lit(run.rule)) for run in done.runs]
    left_out = pl.concat(
        [done.built.left_out.with_columns(rule=pl.lit(None, dtype=pl.String)), *refusals]
    ).unique(KEY, keep="first", maintain_order=True)

    def ledger_of(run: replay.RuleRun) -> pl.DataFrame:
        whole = replay.ledger_table(world, run, done.classes)
        return whole.join(left_out, on=KEY, how="anti", maintain_order="left")

    ledgers = {run.rule: ledger_of(run) for run in done.runs}
    periods = replay.period_table(world, done.runs, left_out)
    months = {run.rule: replay.month_ledger(world, run, left_out) for run in done.runs}
    names = tuple(ledgers)
    after, before = names[0], names[1] if len(names) > 1 else None
    tables: Tables = {}
    if done.at_goals and done.other is not None:
        before = done.other
        by_goal = {goal: ledger_of(run) for goal, run in done.at_goals.items()}
        found = replay.frontier(by_goal, ledgers[before], clock.bucket, params, seed=seed)
        tables = {"replay_goal": found.goals, "replay_match": found.match}
        after = replay.SAME_SERVICE if replay.SAME_SERVICE in found.mixes else replay.PlanRule().name
        for name, mix in found.mixes.items():
            ends = by_goal[mix.lower], by_goal[mix.upper]
            ledgers[name] = replay.between(*ends, mix.weight, name, KEY)
            below, above = (
                replay.period_table(world, [done.at_goals[goal]], left_out) for goal in (mix.lower, mix.upper)
            )
            periods = pl.concat([periods, replay.between(below, above, mix.weight, name, ["date"])])
            below, above = (
                replay.month_ledger(world, done.at_goals[goal], left_out) for goal in (mix.lower, mix.upper)
            )
            mixed = replay.between(below, above, mix.weight, name, ["period", *KEY])
            months[name] = mixed.drop("rule").with_columns(source=pl.lit(f"{REPLAY}{name}"))
    compared = tuple(dict.fromkeys(filter(None, (after, before, *ledgers))))
    ledger = table("ledger").conform(pl.concat(ledgers.values()))
    kept = ledgers[names[0]].select(*KEY, "unit_cost", "unit_price")
    if before is not None:
        tables["replay_difference"] = replay.differences(ledger, after, before)
    run = {
        "start": clock.start, "counted_from": clock.ends[world.warm_up], "end": clock.ends[-1],
        "bucket": clock.bucket, "periods": clock.periods, "every": clock.every, "n_points": kept.height,
        "rules": "|".join(names), "after": after, "before": before, "lead_times": params.lead_times,
        "stock_at_start": params.start, "n_counted": int(world.is_counted.sum()),
    }  # fmt: skip
    figured = replay.figures(ledger, compared, past(kept), clock.bucket, params, seed=seed)
    return tables | {
        "ledger": ledger,
        "replay_figure": figured,
        "kpi_ledger": table("kpi_ledger").conform(pl.concat(months.values())),
        "replay_period": table("replay_period").conform(periods),
        "replay_left_out": table("replay_left_out").conform(left_out),
        "replay_run": table("replay_run").conform(pl.DataFrame([run], schema=table("replay_run").schema)),
    }


class Then:
    """What was known, and what the plan would have decided, on each day.

    Estimates of a day are made once and serve all `goals`; only the policies are kept. `unreached`: goals
    that the plan said on some day it could not keep.
    """

    def __init__(
        self,
        facts: Tables,
        settings: Settings,
        params: replay.ReplayParams,
        refused: demand.Refused | None,
        progress: Progress,
        clock: replay.Clock,
    ) -> None:
        self._facts, self._settings, self._params = facts, settings, params
        self._refused, self._progress, self.total = refused, progress, len(clock.moments) + 1
        self._policies: dict[tuple[date, float | None], pl.DataFrame] = {}
        self._n_asked, self._start = 0, clock.start
        self.goals: tuple[float, ...] = ()
        self.unreached: set[float] = set()
        self.first = self._decisions(clock.start)

    def known(self, day: date) -> Tables:
        """Return the facts as known on the day."""
        return replay.known_then(self._facts, day, notice_days=self._params.notice_days)

    def policy(self, day: date, goal: float | None = None) -> pl.DataFrame:
        """Return the policies of the day, with what limits them where an item ends."""
        if (day, goal) not in self._policies:
            made = self.first if day == self._start else self._decisions(day)
            for each in dict.fromkeys((None, *self.goals, goal)):
                if (day, each) not in self._policies:
                    self._policies[day, each] = self.sized(made, each, day)
        return self._policies[day, goal]

    def _decisions(self, day: date) -> Decisions:
        """Return what the plan would have decided on the day, with targets by class."""
        self._progress(f"As known on {day}", self._n_asked, self.total)
        self._n_asked += 1
        by_class = self._settings.targets.by_class
        # Places are replayed one by one, each from a source that delivers: they are sized so, too.
        singly = self._settings.network.model_copy(update={"model": "alone"})
        settings = self._settings.model_copy(update={"targets": by_class, "network": singly})
        return decide(self.known(day), settings, as_of=day, seed=settings.plan.seed, refused=self._refused)

    def sized(self, made: Decisions, goal: float | None, day: date) -> pl.DataFrame:
        """Return the policies with a goal for the whole portfolio, without one those of the settings."""
        options, sizing = self._settings.targets, self._settings.policy
        if goal is not None:
            metric = self._params.goal_metric
            aim = {"portfolio_goal": goal, "portfolio_metric": metric}
            options = options.by_class.model_copy(update=aim)
        if not options.has_portfolio:
            return with_ends(made, made.sized.policies)
        estimates = made.lives.estimates
        points = targets.with_priority(made.points, made.complete.tables, options.floors, as_of=day)
        allocation = policy.allocate(points, estimates, made.target, options, sizing)
        if allocation.findings and goal is not None:
            self.unreached.add(goal)
        sized = policy.size(made.points, estimates, allocation.target, sizing, made.lead_times)
        return with_ends(made, sized)


def with_ends(made: Decisions, sized: pl.DataFrame) -> pl.DataFrame:
    """Return the policies with expected rates and the limits of items that end."""
    is_late = pl.col("status") == "too_late"
    ends = made.lives.tables["last_time_buy"].select(
        *KEY,
        "last_order_date",
        position_limit_qty=pl.when(is_late).then(0.0).otherwise("level_qty"),
        last_level_qty=pl.when(pl.col("status") == "due").then("level_qty"),
    )
    rates = made.lives.estimates.select(*KEY, "mean_per_day_est")
    policies = sized.join(ends, on=KEY, how="left", maintain_order="left")
    return policies.join(rates, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("mean_per_day_est").fill_null(0.0)
    )


def _clock(facts: Tables, settings: Settings, params: replay.ReplayParams, as_of: date) -> replay.Clock:
    """Return the periods that are replayed."""
    known = ingest.known_at(facts, as_of)["demand"].filter(pl.col("quantity").is_not_null())
    if known.is_empty():
        what = f"No demand is known on {as_of}."
        why = "Without demand there is nothing to replay."
        raise InputError(what, why=why, remedy="Choose a later --as-of, or import demand.")
    days = known["date"]
    return replay.clock_of(days.sort()[0], as_of, bucket_of(known, settings.demand), params)


def _said(
    built: Built,
    runs: Sequence[replay.RuleRun],
    rules: Sequence[Rule],
    clock: replay.Clock,
    params: replay.ReplayParams,
) -> list[Finding]:
    """Return all findings of a replay."""
    said = [*built.findings, *replay.left_out_findings(built.left_out, clock, params)]
    for run, rule in zip(runs, rules, strict=True):
        complaint = rule.said[0] if isinstance(rule, replay.FunctionRule) and rule.said else "no answer."
        said += replay.left_out_findings(run.refused, clock, params, rule=run.rule, said=complaint)
        if isinstance(rule, replay.CurrentRule):
            said += replay.without_settings(built.world.points)
    return said


def rule_of(name: str, params: replay.ReplayParams) -> Rule:
    """Return the rule of that name, or the function `FILE.py:FUNCTION` as a rule.

    Raises
    ------
    SettingError
        If there is no such rule, file or function, with the nearest known name.
    """
    if name == "ours":
        return replay.PlanRule()
    if name == "current":
        return replay.CurrentRule(safety_days=params.safety_days)
    if name == "static":
        return replay.StaticRule(safety_days=params.safety_days)
    file, _, function = name.rpartition(":")
    if not file.endswith(".py"):
        what = f"There is no rule '{name}'."
        remedy = did_you_mean(name, NAMES) or f"Use {', '.join(NAMES)}, or FILE.py:FUNCTION."
        raise SettingError(what, remedy=remedy)
    return replay.FunctionRule(function, _function(Path(file), function))


@cache
def _function(path: Path, name: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return a function of a Python file of the user's own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        what = f"There is no Python file '{path}'."
        raise SettingError(what, remedy="Check the path; a rule is named FILE.py:FUNCTION.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        what = f"'{path}' cannot be loaded: {type(error).__name__}: {error}."
        raise SettingError(what, remedy="Correct the file; it is run once to find the function.") from error
    found = getattr(module, name, None)
    if not callable(found):
        what = f"'{path}' has no function '{name}'."
        raise SettingError(what, remedy=did_you_mean(name, dir(module)) or "Check the name.")
    rule: Callable[[pl.DataFrame], pl.DataFrame] = found
    return rule


def options_over(settings: replay.ReplayParams, given: Mapping[str, object]) -> replay.ReplayParams:
    """Return the settings with the options given over them; None is not given.

    Raises
    ------
    SettingError
        If an option is unknown or out of range.
    """
    over = {name: value for name, value in given.items() if value is not None}
    return replay.ReplayParams.read(settings.model_dump(exclude_unset=True) | over, KIND)
