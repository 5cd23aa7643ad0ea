"""The report and the workbook as files, replaced as a whole or not at all."""

from functools import partial
from pathlib import Path

from xlsxwriter.exceptions import FileCreateError

from plimsoll.domain.network_result import NetworkResult
from plimsoll.domain.replay_result import ReplayResult
from plimsoll.domain.results import PlanResult
from plimsoll.present.pages import text_of, write_together
from plimsoll.present.report import html_report
from plimsoll.present.workbook import write_workbook


def write_report(
    result: PlanResult,
    folder: Path,
    replayed: ReplayResult | None = None,
    network: NetworkResult | None = None,
) -> list[Path]:
    """Write `RUN.html`, with the proof of a replay, and `RUN.xlsx` into a folder and return the two files.

    Both are written beside their final names first, so a full disk or a stop leaves earlier ones intact.
    """
    try:
        return _write(result, folder, replayed, network)
    except (OSError, FileCreateError) as error:
        told = error if isinstance(error, OSError) else error.args[0]  # the workbook wraps what the disk says
        raise OSError(told.errno, told.strerror, str(told.filename or folder)) from error


def _write(
    result: PlanResult, folder: Path, replayed: ReplayResult | None, network: NetworkResult | None
) -> list[Path]:
    page, book = (folder / f"{result.run_id}{ending}" for ending in (".html", ".xlsx"))
    text = html_report(result, replayed, network)
    return write_together({page: text_of(text), book: partial(write_workbook, result)})
