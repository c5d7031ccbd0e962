"""The project's own commands: see test.py and demo.py. Not part of what is installed."""
