"""Every metric in one catalogue, the state behind the series, and the exposition that renders them."""
