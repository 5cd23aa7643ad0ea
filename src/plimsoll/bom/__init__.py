"""Bills of material to dependent demand: what the production of parents asks of components."""
