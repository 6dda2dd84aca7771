"""A family of real MediaWikis on loopback, with articles of our own and what a reader should find in them."""
