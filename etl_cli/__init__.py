"""The command `etl`. The archive of the Lambda functions does not contain it."""

__version__ = "0.2.0"
