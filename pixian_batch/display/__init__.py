"""What people and programs see of a run: a live view, plain lines, JSON records."""
