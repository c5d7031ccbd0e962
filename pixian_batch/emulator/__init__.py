"""The house next door: an API-compatible server with an engine, faults and a bill of its own."""
