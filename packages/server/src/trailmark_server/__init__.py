"""trailmark's server: ingest, store, read API, page and command line."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("trailmark-server")
