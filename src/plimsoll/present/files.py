"""The report and the workbook as files, replaced as a whole or not at all."""

from pathlib import Path

from plimsoll.domain.results import PlanResult
from plimsoll.present.report import html_report
from plimsoll.present.workbook import write_workbook


def write_report(result: PlanResult, folder: Path) -> list[Path]:
    """Write `plan-NNNNNN.html` and `.xlsx` into a folder and return the two files.

    Each is written beside its final name first, so a full disk or a stop leaves an earlier one intact.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, book = folder / f"{result.run_id}.html", folder / f"{result.run_id}.xlsx"
    for file in (page, book):
        draft = file.with_name(f".tmp-{file.name}")
        try:
            if file is page:
                draft.write_text(html_report(result), encoding="utf-8")
            else:
                write_workbook(result, draft)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    return [page, book]
