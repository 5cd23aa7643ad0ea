"""The workshop: distributions, loss functions, lots and searches; arrays in and out, no business words."""
