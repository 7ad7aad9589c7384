"""What every role needs of asyncio, and bans that make it needed: see `pyproject.toml`.

Here: starting work eagerly, supervising tasks, channels, named thread pools, clocks. Not here:
anything that knows what the work is.
"""
