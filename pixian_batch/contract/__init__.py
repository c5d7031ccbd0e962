"""Pixian's API as data, pure: parameters, headers, errors. The client and the emulator share it."""
