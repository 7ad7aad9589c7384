"""Decides which model version runs on which replica, and where calls to a name go.

`machine` and what it is made of are pure: events in, decisions out. `service` is the shell that
carries decisions out, in order, over the links of `transport.control`.
"""
