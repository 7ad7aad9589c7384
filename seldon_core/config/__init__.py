"""The settings of the process: what they are (`settings`, `default.yaml`), where they come from
(`load`) and how sizes are written (`sizes`).

Here: everything that an operator can set. Not here: what a user declares (manifests) and what a
part does with its group. Nothing outside this package reads the environment.
"""
