"""The HTTP client of the Pixian.AI API: the one place where aiohttp meets the wire.

It reports facts (`Trace`) and leaves every decision about money and retries to others. aiohttp's own
exceptions never leave: they are the `__cause__` of a `WireError`.
"""
