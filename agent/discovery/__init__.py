"""Sources of what to watch: static configuration, files, Kubernetes."""
