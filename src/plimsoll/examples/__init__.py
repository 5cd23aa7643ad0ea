"""Synthetic companies from a seed: source files as an ERP would export them, and the truth behind them."""
