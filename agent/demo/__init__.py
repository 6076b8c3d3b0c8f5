"""A simulated Meshery deployment on loopback with switchable faults."""
