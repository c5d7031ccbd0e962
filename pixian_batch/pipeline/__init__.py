"""Motion (asyncio): the corridor of a run, its pool of workers and the streams between the rooms."""
