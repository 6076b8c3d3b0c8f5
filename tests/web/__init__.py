"""The endpoints over real sockets, and the page in a real browser."""
