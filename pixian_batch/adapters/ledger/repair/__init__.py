"""Rebuilds damaged ledgers: reads what SQLite cannot, knows rows by their looks, makes them a ledger again."""
