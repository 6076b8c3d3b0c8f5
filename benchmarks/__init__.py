"""What the agent costs, as ratios taken in one run against a peer or a limit on the same work."""
