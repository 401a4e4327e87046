"""The base of all errors that this project raises on purpose.

::

    EtaoiError
    ├── HandshakeError, HeaderError      a peer's first message, a file's header
    ├── QueryError                       a filter that cannot be read
    ├── TraceFileError, RecordError      a recording that cannot be read, or written
    ├── OptionError, BindError           a collector that cannot start
    ├── RemoteError, SubscriptionEnded   a viewer that cannot be followed, or has gone
    ├── CommandError                     a command that could not do what it was asked for
    └── MissingLangChainError            `attach` without langchain-core

Each also has the built-in base that it had before, so that ``except ValueError`` goes on working.
"""

from __future__ import annotations


class EtaoiError(Exception):
    """Something that this project could not do; the text is a sentence for a person."""


class HeaderError(EtaoiError, ValueError):
    """The header cannot be used; the text ends a sentence that starts with the file's name."""


class DamagedHeaderError(HeaderError):
    """The header breaks off or makes no sense; records may follow it all the same."""
