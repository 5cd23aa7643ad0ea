"""Raw tables in, clean canonical tables and findings out.

Comes in: raw tables under the user's names (`domain.raw`) and a mapping to the canonical tables.
Goes out: canonical tables that obey their schemas, a quarantine with a reason for each bad row,
findings, and the completed company with its planning points. Quantities are in stocking units,
money in the workspace's currency, durations in days. No row is lost without being counted.
"""

from plimsoll.ingest.complete import Completed, complete, known_at
from plimsoll.ingest.knowledge import last_known_day, rows_ahead
from plimsoll.ingest.mapping import Mapping, find_mapping
from plimsoll.ingest.mapping_text import mapping_text
from plimsoll.ingest.overridden import with_settings
from plimsoll.ingest.params import IngestParams
from plimsoll.ingest.propose import propose
from plimsoll.ingest.read import IngestResult, read

__all__ = [
    "Completed",
    "IngestParams",
    "IngestResult",
    "Mapping",
    "complete",
    "find_mapping",
    "known_at",
    "last_known_day",
    "mapping_text",
    "propose",
    "read",
    "rows_ahead",
    "with_settings",
]
