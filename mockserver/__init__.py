"""An unofficial sandbox of the Flagright user API: offline, deterministic, with state."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("flagright-mockserver")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
