"""Sources of what to watch: files, names of the DNS, Kubernetes."""
