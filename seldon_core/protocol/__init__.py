"""Wire formats, and nothing else: bytes in, values out, and back.

What belongs here: the Open Inference Protocol in its encodings, the table of dialects, the table
from errors to statuses. What does not: sockets, clocks, models, routes. Every module is pure and
raises only errors of `seldon_core.errors`.
"""
