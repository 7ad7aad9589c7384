"""Sockets and what is spoken on them. Formats are in `protocol/`; roles know neither.

`handler` is the seam: everything that can answer an inference call implements `InferHandler`, and
everything that receives one calls it.
"""
