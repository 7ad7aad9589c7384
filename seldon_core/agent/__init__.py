"""Runs models: keeps them in memory, batches requests for them, reports to the scheduler.

Pure: `pool`, `batching`, `cost`, with `events` and `decisions`. Shells: `service` (loads and
unloads), `handler` (the data path), `worker` (models in other processes). `runtimes/` knows the
machine-learning libraries, and nothing else does.
"""
