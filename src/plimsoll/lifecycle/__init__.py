"""Life cycles: new items, successors, phase-outs, and what may never be asked for again."""
