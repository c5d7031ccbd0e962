"""pixian-batch: folders of photos through the Pixian.AI API, without wasting a credit.

The library: `PixianClient` for asyncio programs, `remove_background` for scripts; docs/reference/library.md.
Importing this package imports nothing else: each public name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PLACES = {
    "library.client": ("Account", "PixianClient", "Result"),
    "library.once": ("remove_background",),
    "library.sources": ("Base64", "Bytes", "File", "Source", "Url"),
    "library.parameters": ("Parameters",),
    "library.errors": (
        "CredentialsError",
        "InDoubtError",
        "InputError",
        "LostResultError",
        "NotSentError",
        "OutOfCreditsError",
        "OutputError",
        "PixianError",
        "RateLimitedError",
        "RefusedError",
        "UnavailableError",
    ),
    "contract.headers": ("Box", "ResultHeaders"),
    "contract.kinds": ("Kind",),
    "contract.params": (
        "Color",
        "Margin",
        "OutputFormat",
        "ParamError",
        "Params",
        "Size",
        "VerticalAlignment",
    ),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}

if TYPE_CHECKING:
    from pixian_batch.contract.headers import Box as Box
    from pixian_batch.contract.headers import ResultHeaders as ResultHeaders
    from pixian_batch.contract.kinds import Kind as Kind
    from pixian_batch.contract.params import Color as Color
    from pixian_batch.contract.params import Margin as Margin
    from pixian_batch.contract.params import OutputFormat as OutputFormat
    from pixian_batch.contract.params import ParamError as ParamError
    from pixian_batch.contract.params import Params as Params
    from pixian_batch.contract.params import Size as Size
    from pixian_batch.contract.params import VerticalAlignment as VerticalAlignment
    from pixian_batch.library.client import Account as Account
    from pixian_batch.library.client import PixianClient as PixianClient
    from pixian_batch.library.client import Result as Result
    from pixian_batch.library.errors import CredentialsError as CredentialsError
    from pixian_batch.library.errors import InDoubtError as InDoubtError
    from pixian_batch.library.errors import InputError as InputError
    from pixian_batch.library.errors import LostResultError as LostResultError
    from pixian_batch.library.errors import NotSentError as NotSentError
    from pixian_batch.library.errors import OutOfCreditsError as OutOfCreditsError
    from pixian_batch.library.errors import OutputError as OutputError
    from pixian_batch.library.errors import PixianError as PixianError
    from pixian_batch.library.errors import RateLimitedError as RateLimitedError
    from pixian_batch.library.errors import RefusedError as RefusedError
    from pixian_batch.library.errors import UnavailableError as UnavailableError
    from pixian_batch.library.once import remove_background as remove_background
    from pixian_batch.library.parameters import Parameters as Parameters
    from pixian_batch.library.sources import Base64 as Base64
    from pixian_batch.library.sources import Bytes as Bytes
    from pixian_batch.library.sources import File as File
    from pixian_batch.library.sources import Source as Source
    from pixian_batch.library.sources import Url as Url
else:

    def __getattr__(name: str) -> object:
        """PEP 562: a public name, when it is first used."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULE_OF})


__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604  # names, by construction
