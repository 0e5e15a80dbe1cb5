"""A comparison as one HTML page with plots, and the plots as files."""

from guided_store.report._drawing import need_matplotlib
from guided_store.report._write import write_report

__all__ = ["need_matplotlib", "write_report"]
