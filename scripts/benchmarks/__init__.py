"""The benchmarks behind `scripts/bench.py`: one module a section, and what they share."""
