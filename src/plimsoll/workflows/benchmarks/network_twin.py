"""The network simulation told plainly, with slips of paper: slow, and to judge the compiled one by."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from plimsoll.network.simulate import Draws
from plimsoll.network.simulation_arrays import Disruption, opening_stock
from plimsoll.network.simulation_sites import Sites

SLACK = 1e-9
CUSTOMERS = "customers"
STAGE_FLOWS = ("demand", "served", "lost", "paid_back", "received", "ordered")
ARC_FLOWS = ("asked", "at_once", "shipped", "arrived", "used")


@dataclass
class Slip:
    """Units that somebody still waits for: when they were asked for, by whom."""

    period: int
    claimant: str
    units: float


@dataclass
class Place:
    """One stage: its row of the table, its shelf, and its papers."""

    row: dict[str, Any]
    on_hand: float
    on_order: float = 0.0
    to_start: float = 0.0
    slips: list[Slip] = field(default_factory=list)
    in_process: list[tuple[int, float]] = field(default_factory=list)  # (usable from, units)
    today: dict[str, float] = field(default_factory=dict)

    def owed(self, claimants: Iterable[str]) -> float:
        """Return what these claimants wait for."""
        wanted = set(claimants)
        return sum(slip.units for slip in self.slips if slip.claimant in wanted)


@dataclass
class Arc:
    """One arc: its row of the table, goods on the road and components at the far end."""

    row: dict[str, Any]
    on_road: list[tuple[int, float]] = field(default_factory=list)
    waiting: float = 0.0
    today: dict[str, float] = field(default_factory=dict)


class Twin:
    """A network run period by period; `tell` returns what happened in each."""

    def __init__(self, sites: Sites, draws: Draws, disruptions: tuple[Disruption, ...] = ()) -> None:
        rows = sites.stages.to_dicts()
        self.places = {
            row["stage"]: Place(row, stock) for row, stock in zip(rows, opening_stock(sites), strict=True)
        }
        self.arcs = {(row["from_stage"], row["to_stage"]): Arc(row) for row in sites.arcs.to_dicts()}
        self.disruptions, lead = disruptions, draws.lead[0]
        lines: list[Any] = [*self.arcs, *self.places]
        self.lead = {line: lead[at] for at, line in enumerate(lines)}
        self.demand = dict(zip(self.places, draws.demand[0], strict=True))

    def tell(self) -> list[tuple[dict[str, dict[str, float]], dict[tuple[str, str], dict[str, float]]]]:
        """Return, for each period, the figures of each stage and of each arc."""
        periods = len(next(iter(self.demand.values())))
        return [self._day(t) for t in range(periods)]

    def _day(self, t: int) -> Any:
        for place in self.places.values():
            place.today = dict.fromkeys(STAGE_FLOWS, 0.0)
        for arc in self.arcs.values():
            arc.today = dict.fromkeys(ARC_FLOWS, 0.0)
        for name in self.places:
            self._receive(name, t)
            self._share_out(name, t, is_new=False)
        for name in self.places:
            self._serve(name, t)
        for name in reversed(self.places):
            self._share_out(name, t, is_new=True)
            self._review(name, t)
        stages = {
            name: place.today
            | {
                "on_hand": place.on_hand, "backlog": place.owed([CUSTOMERS]), "on_order": place.on_order,
                "owed": place.owed(target for source, target in self.arcs if source == name),
            }
            for name, place in self.places.items()
        }  # fmt: skip
        roads = {
            ends: arc.today
            | {
                "owed": self.places[ends[0]].owed([ends[1]]), "waiting": arc.waiting,
                "in_transit": sum(units for _, units in arc.on_road),
            }
            for ends, arc in self.arcs.items()
        }  # fmt: skip
        return stages, roads

    def _is_down(self, kind: str, stage: str, t: int, to_stage: str | None = None) -> bool:
        return any(
            one.kind == kind and one.stage == stage and one.first <= t <= one.last
            and one.to_stage in (None, to_stage)
            for one in self.disruptions
        )  # fmt: skip

    def _into(self, name: str) -> list[Arc]:
        return [arc for (_, target), arc in self.arcs.items() if target == name]

    def _receive(self, name: str, t: int) -> None:
        """Take in what is due, and start what can be started."""
        place = self.places[name]
        for arc in self._into(name):
            arrived = sum(units for day, units in arc.on_road if day == t)
            arc.on_road = [load for load in arc.on_road if load[0] != t]
            arc.waiting += arrived
            arc.today["arrived"] += arrived
        if place.to_start > 0 and not self._is_down("no_supply", name, t):
            self._start(name, t)
        received = sum(units for day, units in place.in_process if day == t)
        place.in_process = [load for load in place.in_process if load[0] != t]
        place.today["received"] = received
        place.on_hand += received
        place.on_order -= received

    def _start(self, name: str, t: int) -> None:
        place, arcs, lead = self.places[name], self._into(name), int(self.lead[name][t])
        if not arcs:
            place.in_process.append((t + 1 + lead, place.to_start))
            place.to_start = 0.0
            return
        unit = place.row["unit"]
        kits = min([place.to_start, *(floor_to(arc.waiting / arc.row["quantity"], unit) for arc in arcs)])
        if kits <= 0:
            return
        for arc in arcs:
            arc.today["used"] += kits * arc.row["quantity"]
            arc.waiting -= kits * arc.row["quantity"]
        place.to_start -= kits
        place.in_process.append((t + lead, kits))

    def _serve(self, name: str, t: int) -> None:
        """Serve the customers of the period from what is not kept for an order."""
        place, wanted = self.places[name], float(self.demand[name][t])
        kept = 0.0
        if place.row["is_complete"]:
            open_roads = [b for a, b in self.arcs if a == name and not self._is_down("no_shipment", a, t, b)]
            kept = place.owed(open_roads)
        served = min(wanted, max(place.on_hand - kept, 0.0))
        place.on_hand -= served
        place.today |= {"demand": wanted, "served": served}
        if wanted - served > SLACK and place.row["is_lost"]:
            place.today["lost"] = wanted - served
        elif wanted - served > SLACK:
            place.slips.append(Slip(t, CUSTOMERS, wanted - served))

    def _turns(self, name: str) -> list[str]:
        """Return who is served from a place, in turn."""
        queue = [(self.places[name].row["priority"], -1, CUSTOMERS)]
        queue += [
            (arc.row["priority"], at, ends[1])
            for at, (ends, arc) in enumerate(self.arcs.items())
            if ends[0] == name
        ]
        return [claimant for _, _, claimant in sorted(queue)]

    def _share_out(self, name: str, t: int, *, is_new: bool) -> None:
        place, turns = self.places[name], self._turns(name)
        able = [c for c in turns if c == CUSTOMERS or not self._is_down("no_shipment", name, t, c)]
        rule, unit = place.row["allocation"], place.row["unit"]
        if rule == "first_come":
            for slip in sorted(place.slips, key=lambda slip: (slip.period, turns.index(slip.claimant))):
                if slip.claimant not in able:
                    continue
                units = slip.units if slip.units <= place.on_hand else floor_to(place.on_hand, unit)
                if place.row["is_complete"] and slip.claimant != CUSTOMERS and units < slip.units:
                    break
                self._hand(name, slip.claimant, units, t, is_new=is_new, slips=[slip])
            return
        owed = {claimant: place.owed([claimant]) for claimant in able}
        share = proportional if rule == "proportional" else by_turn
        for claimant, units in share(owed, place.on_hand, unit).items():
            mine = [slip for slip in place.slips if slip.claimant == claimant]
            self._hand(name, claimant, units, t, is_new=is_new, slips=mine)

    def _hand(
        self, name: str, claimant: str, units: float, t: int, *, is_new: bool, slips: list[Slip]
    ) -> None:
        """Give units to a claimant, and tear up the slips they cover, the oldest first."""
        place, left = self.places[name], units
        for slip in slips:
            used = min(left, slip.units)
            slip.units, left = slip.units - used, left - used
        place.slips = [slip for slip in place.slips if slip.units > SLACK]
        place.on_hand -= units
        if units <= 0:
            return
        if claimant == CUSTOMERS:
            place.today["paid_back"] += units
            return
        arc = self.arcs[name, claimant]
        arc.on_road.append((t + 1 + int(self.lead[name, claimant][t]), units))
        arc.today["shipped"] += units
        if is_new:
            arc.today["at_once"] = min(arc.today["at_once"] + units, arc.today["asked"])

    def _position(self, name: str, *, is_echelon: bool) -> float:
        place = self.places[name]
        position = place.on_hand + place.on_order - sum(slip.units for slip in place.slips)
        if is_echelon:
            for (source, target), arc in self.arcs.items():
                if source == name:
                    position += arc.row["quantity"] * self._position(target, is_echelon=True)
        return position

    def _review(self, name: str, t: int) -> None:
        place = self.places[name]
        row = place.row
        if t % row["review_periods"] != row["phase"] % row["review_periods"]:
            return
        units = order_of(row, self._position(name, is_echelon=row["is_echelon"]))
        if units <= SLACK:
            return
        place.today["ordered"] = units
        place.on_order += units
        arcs = self._into(name)
        for arc in arcs:
            arc.today["asked"] = units * arc.row["quantity"]
            slip = Slip(t, name, units * arc.row["quantity"])
            self.places[arc.row["from_stage"]].slips.append(slip)
        if arcs or self._is_down("no_supply", name, t):
            place.to_start += units
        else:
            place.in_process.append((t + 1 + int(self.lead[name][t]), units))


def order_of(row: dict[str, Any], position: float) -> float:
    """Return what a stage orders at a position."""
    if row["rule"] == "none":
        units = -position
    elif row["rule"] == "base_stock":
        units = row["up_to"] - position
    elif position > row["reorder"] + SLACK:
        return 0.0
    elif row["rule"] == "s_S":
        units = row["up_to"] - position
    else:
        lot = units = row["up_to"] - row["reorder"]
        while position + units <= row["reorder"] + SLACK:
            units += lot
    if units <= SLACK:
        return 0.0
    units = max(units, row["minimum"])
    return math.ceil(units / row["multiple"] - SLACK) * row["multiple"] if row["multiple"] else float(units)


def floor_to(units: float, unit: float) -> float:
    """Return the largest multiple of a unit that fits."""
    return math.floor(units / unit + SLACK) * unit if unit else units


def by_turn(owed: dict[str, float], free: float, unit: float) -> dict[str, float]:
    """Return what everyone gets when the first is served first."""
    given = {}
    for claimant, units in owed.items():
        given[claimant] = units if units <= free else floor_to(free, unit)
        free -= given[claimant]
    return given


def proportional(owed: dict[str, float], free: float, unit: float) -> dict[str, float]:
    """Return what everyone gets in proportion, whole units by the largest remainder."""
    total = sum(owed.values())
    if total <= free:
        return dict(owed)
    fair = {claimant: free * units / total for claimant, units in owed.items()}
    given = {claimant: floor_to(units, unit) for claimant, units in fair.items()}
    if unit:
        spare = math.floor((free - sum(given.values())) / unit + SLACK)
        takers = [c for c in owed if given[c] + unit <= owed[c] + SLACK]
        takers.sort(key=lambda c: -round((fair[c] - given[c]) / SLACK) * SLACK)
        for claimant in takers[:spare]:
            given[claimant] += unit
    return given
