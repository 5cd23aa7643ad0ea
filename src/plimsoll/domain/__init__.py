"""The ground floor: words, units, table schemas, findings, reasons and errors; imports nothing of ours."""
