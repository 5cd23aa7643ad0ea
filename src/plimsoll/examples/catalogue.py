"""What the demo company sells: product categories, families and demand archetypes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """A product group; `amplitude` is the share of the mean by which its seasonal items swing."""

    name: str
    prefix: str
    families: tuple[str, ...]
    amplitude: float
    peak_week: float
    perishable: bool = False


@dataclass(frozen=True, slots=True)
class Archetype:
    """A kind of demand.

    `odds` weigh its chance of a high rank among the fast movers (0: it sells rarely, `line_rate` order
    lines a week or so). A line asks for about `extra_qty` units beyond the first. `weekly_cv2` is the
    squared coefficient of variation of the week's gamma factor and `size_shape` the gamma shape of the
    line quantity: the smaller, the wilder.
    """

    name: str
    share: float
    odds: float
    weekly_cv2: float
    size_shape: float
    extra_qty: float = 5.5
    line_rate: float = 0.0


CATEGORIES = (
    Category("Valves", "VAL", ("Ball valve", "Gate valve", "Check valve", "Needle valve"), 0.30, 14),
    Category("Pumps", "PMP", ("Gear pump", "Sump pump", "Booster pump", "Dosing pump"), 0.45, 24),
    Category("Fittings", "FIT", ("Elbow", "Tee", "Union coupling", "Reducer"), 0.25, 18),
    Category(
        "Seals", "SEA", ("O-ring set", "Shaft seal", "Gasket", "Packing ring"), 0.20, 10, perishable=True
    ),
    Category(
        "Bearings", "BRG", ("Ball bearing", "Roller bearing", "Pillow block", "Thrust washer"), 0.20, 40
    ),
    Category("Drives", "DRV", ("Gear motor", "V-belt", "Timing belt", "Coupling"), 0.25, 36),
    Category("Heating", "HEA", ("Radiator valve", "Circulator", "Mixing valve", "Thermostat"), 0.60, 48),
    Category("Cooling", "COO", ("Fan blade", "Condenser coil", "Air damper", "Refrigerant filter"), 0.65, 25),
    Category("Controls", "CTL", ("Pressure switch", "Level sensor", "Flow meter", "Relay module"), 0.20, 44),
    Category("Fasteners", "FAS", ("Hex bolt", "Stud bolt", "Lock nut", "Anchor plate"), 0.30, 20),
)
MATERIALS = ("brass", "steel", "stainless", "cast iron", "PVC", "bronze")

ARCHETYPES = (
    Archetype("steady", 0.26, odds=1.0, weekly_cv2=0.02, size_shape=3.0),
    Archetype("erratic", 0.08, odds=0.8, weekly_cv2=0.60, size_shape=0.8),
    Archetype("seasonal", 0.14, odds=1.0, weekly_cv2=0.05, size_shape=2.0),
    Archetype("trend_up", 0.05, odds=1.0, weekly_cv2=0.05, size_shape=2.0),
    Archetype("trend_down", 0.05, odds=1.0, weekly_cv2=0.05, size_shape=2.0),
    Archetype("launch", 0.05, odds=0.5, weekly_cv2=0.10, size_shape=1.5),
    Archetype("phase_out", 0.05, odds=0.5, weekly_cv2=0.05, size_shape=2.0),
    Archetype("intermittent", 0.18, odds=0, weekly_cv2=0.05, size_shape=2.0, extra_qty=1.0, line_rate=0.18),
    Archetype("lumpy", 0.08, odds=0, weekly_cv2=0.05, size_shape=0.7, extra_qty=9.0, line_rate=0.08),
    Archetype("dead", 0.06, odds=0, weekly_cv2=0.05, size_shape=2.0, extra_qty=1.0, line_rate=0.35),
)
KIND = {archetype.name: number for number, archetype in enumerate(ARCHETYPES)}
