"""The checks by subject; importing a module here declares its checks."""

from plimsoll.audit.checks import stock

__all__ = ["stock"]
