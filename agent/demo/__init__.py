"""A simulated Meshery deployment on loopback, with faults to switch on and off."""
