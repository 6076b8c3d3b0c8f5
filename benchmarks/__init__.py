"""What the agent costs, in one run: beside a peer on the same work, or beside bars, where a benchmark has them.

`cluster` and `exposition` have none: their numbers are for comparing two versions of the code on one machine.
"""
