"""A witness for somebody else's log: cosigns each state that extends the last one, and never two that do not agree.

`request` reads what a log asks, `state` remembers durably what was cosigned, `answer` decides, `server` speaks
c2sp.org/tlog-witness over HTTP, and `folder` keeps key and state together.
"""
