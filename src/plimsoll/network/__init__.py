"""Many places at once: what each stage of a network holds so that customers get their service at least cost."""
