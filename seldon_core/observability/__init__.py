"""How the process can be watched: metrics, logs, and the admin port that shows both.

Every metric is declared in `metrics`. Not here: what happened, which the parts report.
"""
