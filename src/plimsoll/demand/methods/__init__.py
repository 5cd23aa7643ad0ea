"""One method a file; each states its formula, its source and when it applies, and registers by being here."""
