"""Catalogues of platforms as data, and the one module that expands them into checks."""
