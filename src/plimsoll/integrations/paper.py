"""Print a page to PDF with a browser of this machine, where there is one."""

import subprocess
from pathlib import Path
from shutil import which

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60.0
# The page is our own and fetches nothing; without a sandbox it prints for root and in containers too.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-pdf-header-footer",
    "--virtual-time-budget=5000",
)


def browser() -> str | None:
    """Return the browser that prints, None where there is none."""
    return next((path for name in BROWSERS if (path := which(name))), None)


def print_page(page: Path, file: Path) -> bool:
    """Print a page that is a file here to a PDF, and return whether that was done."""
    program = browser()
    if program is None:
        return False
    command = [program, *OPTIONS, f"--print-to-pdf={file.absolute()}", page.absolute().as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and file.is_file()
