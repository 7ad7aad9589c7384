"""The command line: what a person types, and what they read in answer.

`main` declares the commands, `output` is the only place that prints. Not here: what the commands
do, which is `app`'s.
"""
