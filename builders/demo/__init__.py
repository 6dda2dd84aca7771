"""The sample that `make demo` builds: pictures drawn by code, and rows about them."""
