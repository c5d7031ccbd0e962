"""What a CI server is told of a run: annotations, sections of its log, a page, outputs, files. Loaded only there.

Nothing here may reach the server's log as a command of its own making: file names are hostile. No rich, no clock.
"""
