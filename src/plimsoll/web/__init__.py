"""The workbench in the browser: routes that parse, call one workflow and show what it returned."""
