"""Report and workbook as files: both new, or both as they were."""

import dataclasses

import pytest

from plimsoll.present import files


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_both_files_are_written(result, tmp_path):
    written = files.write_report(result, tmp_path / "new" / "reports")
    assert [file.name for file in written] == ["plan-000001.html", "plan-000001.xlsx"]
    assert all(file.stat().st_size > 5_000 for file in written)
    assert len(contents(tmp_path / "new" / "reports")) == 2


@pytest.mark.parametrize("step", ["html_report", "write_workbook"])
def test_a_failure_leaves_the_earlier_files_and_no_draft(result, tmp_path, monkeypatch, step):
    files.write_report(result, tmp_path)
    before = contents(tmp_path)

    def full(*args):
        if step == "write_workbook":
            args[1].write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, step, full)
    with pytest.raises(OSError, match="No space left"):
        files.write_report(dataclasses.replace(result, currency="USD"), tmp_path)
    assert contents(tmp_path) == before
