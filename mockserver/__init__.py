"""An unofficial sandbox of the Flagright user API: offline, deterministic, with state."""


def __getattr__(name: str) -> str:
    """Give `__version__`, looked up when asked for: the look-up costs more than the rest of the import."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("flagright-mockserver")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
