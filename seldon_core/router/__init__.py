"""Finds which version on which replica answers a call, and passes the call on.

Which names exist and where they lead is told by the scheduler; wire formats and sockets belong to
`transport`.
"""
