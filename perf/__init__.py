"""Measurements of this project beside its peers: scenarios as code, and a report that judges.

Nothing here is imported by `seldon_core`, and no figure from here decides a test's outcome.
"""
