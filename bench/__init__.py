"""Measurements of the whole service beside plain counterparts, taken in the same run on the same machine.

A figure of one machine says little about another, so what counts here are ratios: each run measures every contender
once, in an order that turns from run to run, and the ratio of a pair is taken inside the run. Medians and ranges are
printed.
"""
