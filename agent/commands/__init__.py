"""The commands: each turns arguments into a call of the parts below, and a result into text and an exit status."""
