"""An unofficial sandbox of the Flagright user API: offline, deterministic, with state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.client.handle import FlagrightMock as FlagrightMock
    from mockserver.errors import FlagrightContractWarning as FlagrightContractWarning

    __version__: str


def __getattr__(name: str) -> object:
    """Give what is asked for by name, looked up then: each costs more than the rest of the import.

    `__version__`; `FlagrightContractWarning`, for `-W error::mockserver.FlagrightContractWarning`; and
    `FlagrightMock`, the type of the fixture `flagright_mock`.
    """
    if name == "FlagrightContractWarning":
        from mockserver.errors import FlagrightContractWarning

        return FlagrightContractWarning
    if name == "FlagrightMock":
        from mockserver.client.handle import FlagrightMock

        return FlagrightMock
    if name != "__version__":
        raise AttributeError(f"module 'mockserver' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("flagright-mockserver")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
