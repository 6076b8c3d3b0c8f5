"""Grafana dashboards: the source they are generated from, and beside it what was generated.

One module per dashboard says what is shown; the others say how. `python -m dashboards` writes the files.
"""
