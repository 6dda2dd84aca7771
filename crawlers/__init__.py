"""The network: MediaWiki and images by URL."""
