"""Results turned into what is shown: labels, units, formats, sentences; no arithmetic beyond formatting."""
