"""The errors Recoup raises on purpose.

::

    RecoupError                 one clear sentence: what is wrong, where, what to do
    ├── ConfigurationError      a setting, policy, world or template file that cannot be used
    └── ConnectionFailed        Temporal, Stripe, the database or a mail server cannot be reached

A command that meets one of these prints its sentence and exits with code 2; anything else is a defect and shows its traceback.
"""

from __future__ import annotations


class RecoupError(Exception):
    """Base of all errors meant for an operator; ``str(error)`` is the whole sentence to show."""


class ConfigurationError(RecoupError):
    """A setting or a file that the operator wrote cannot be used as it stands."""


class ConnectionFailed(RecoupError):
    """Something Recoup depends on does not answer at the configured address."""
