"""The stairwell: one module per verb of the user; loads, calls the stages in a written order, saves."""
