"""How others measure retrieval, beside our audit: time, memory and what comes out, on the same data."""
