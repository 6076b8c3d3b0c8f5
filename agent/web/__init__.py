"""The agent's own endpoints and its status page."""
