"""One outside thing each, unaware of each other: files, wire, ledger, landing, signals."""
