"""Settings and policy as data: what the service may do is read from here and checked once, on load.

Nothing in this package opens a network connection, knows a database or imports another package of the project.
"""
