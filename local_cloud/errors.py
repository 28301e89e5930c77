"""The base class of the errors that a person can act on.

The command line prints their message without a stack trace.
"""


class LocalCloudError(RuntimeError):
    """The local cloud cannot do what was asked; the message says why and what to do."""
