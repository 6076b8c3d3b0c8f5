"""Every metric's name, labels, type and help in one catalogue, and the exposition."""
