"""A Reporter that writes down what it was told."""

import asyncio


class Diary:
    def __init__(self):
        self.entries = []
        self.ports = None
        self.example = None
        self.is_open = asyncio.Event()
        self.is_loaded = asyncio.Event()

    def opened(self, ports, settings):
        self.ports = ports
        self.entries.append("opened")
        self.is_open.set()

    def refused(self, name, error):
        self.entries.append(f"{name} refused: {error}")

    def loaded(self, models, refused, example):
        self.entries += [f"{model.name} {model.latest.state.value}" for model in models]
        self.entries.append(f"loaded {len(models)}")
        self.example = example
        self.is_loaded.set()

    def draining(self, timeout_s):
        self.entries.append(f"draining {timeout_s:g}")
