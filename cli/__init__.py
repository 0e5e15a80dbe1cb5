"""The command line: parses, calls `guided_store`, prints. Nothing here that a Python user would miss.

No module of this package imports the library (or torch, LanceDB, FAISS, rich) when it is itself imported:
that happens inside the command functions, so that `guided-store --help` stays quick.
"""
