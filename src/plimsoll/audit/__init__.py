"""Facts to doubts: every check a planner would make before staking money on the data.

In: canonical tables and results as known on a day; out: tables `audit_row` and `readiness`, and findings.
"""

from plimsoll.audit.company import Company
from plimsoll.audit.examine import Audit, all_checks, examine
from plimsoll.audit.once import told_once
from plimsoll.audit.params import AuditParams
from plimsoll.audit.readiness import readiness, rolled_up, weights
from plimsoll.audit.registry import Check

__all__ = [
    "Audit",
    "AuditParams",
    "Check",
    "Company",
    "all_checks",
    "examine",
    "readiness",
    "rolled_up",
    "told_once",
    "weights",
]
