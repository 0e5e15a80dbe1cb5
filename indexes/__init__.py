"""Vector indexes: build, search, save and check, on numpy and FAISS alone."""
