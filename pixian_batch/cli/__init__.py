"""The front door: argv and environment become frozen options; results become text and exit codes."""
