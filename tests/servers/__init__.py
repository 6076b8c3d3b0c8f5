"""Real servers for the tests: what there is (catalogue), bringing it in (fetch) and running it (run)."""
