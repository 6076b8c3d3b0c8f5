"""Configuration: the model, the loader with line numbers, the problems it finds, and the plan it leads to."""
