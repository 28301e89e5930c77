"""The errors of the Data API, with the names that the service model has for them."""

from __future__ import annotations

from xml.sax.saxutils import escape


class ApiError(Exception):
    """An error for the caller. `code` is its name in the service model."""

    code = "InternalServerException"
    http_status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, str]:
        """Return the JSON object that the caller gets."""
        return {"__type": self.code, "Message": self.message}

    def xml(self) -> str:
        """Return the document that a caller of the query protocol gets."""
        error = f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
        return f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"


class ValidationError(ApiError):
    """The request breaks a rule, or asks for something that the emulator does not do."""

    code = "ValidationException"


class NotFoundError(ApiError):
    """There is no such statement, result or secret."""

    code = "ResourceNotFoundException"

    def __init__(self, message: str, resource: str) -> None:
        super().__init__(message)
        self.resource = resource

    def body(self) -> dict[str, str]:
        """Return the JSON object that the caller gets."""
        return {**super().body(), "ResourceId": self.resource}


class TooManyStatementsError(ApiError):
    """Too many statements are active."""

    code = "ActiveStatementsExceededException"


class UnknownOperationError(ApiError):
    """The operation is not one of the Data API, or the emulator does not have it."""

    code = "UnknownOperationException"


class MissingSignatureError(ApiError):
    """The request is not signed."""

    code = "MissingAuthenticationTokenException"
    http_status = 403


class SerializationError(ApiError):
    """The body is not a JSON object."""

    code = "SerializationException"


class BodyTooLargeError(ApiError):
    """The body is larger than any valid request, or its length is not given."""

    code = "RequestEntityTooLargeException"
    http_status = 413


class InternalError(ApiError):
    """The emulator failed."""

    http_status = 500
