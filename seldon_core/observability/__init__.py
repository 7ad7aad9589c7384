"""How the process can be watched: metrics and logs.

Every metric is declared in `metrics`. Not here: what happened, which the parts report, and the port
that shows it, `transport.admin`.
"""
