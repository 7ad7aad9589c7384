"""Serve many models from one process: scheduler, router, agents and pipelines, in roles."""

__version__ = "0.1.0"
