"""Names of resources: `project-stack-noun`, short enough for the strictest service.

They are Pulumi's logical names, to which Pulumi adds a random suffix. Only what AWS refuses to name by itself, or what
people look for by name (log groups, the warehouse), gets its name as physical name.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAX_PREFIX = 32
"""S3 buckets and IAM roles take 63 and 64 characters, of which the suffix takes 8 and the noun up to 23."""

_UNFIT = re.compile(r"[^a-z0-9]+")


def prefix_of(project: str, stack: str) -> str:
    """`project-stack` in the characters that every service takes; with a digest where that shortens or changes it."""
    plain = f"{project}-{stack}"
    fit = _UNFIT.sub("-", plain.lower()).strip("-")
    if fit == plain and len(fit) <= MAX_PREFIX and fit[0].isalpha():
        return fit
    digest = hashlib.sha256(plain.encode()).hexdigest()[:6]
    body = f"x-{fit}" if not fit[:1].isalpha() else fit
    return f"{body[: MAX_PREFIX - 7].rstrip('-')}-{digest}"


@dataclass(frozen=True)
class Names:
    """The names of one stack."""

    project: str
    stack: str

    @property
    def prefix(self) -> str:
        return prefix_of(self.project, self.stack)

    def of(self, noun: str) -> str:
        """The name of one component of this stack."""
        return f"{self.prefix}-{noun}"

    @property
    def tags(self) -> dict[str, str]:
        """What every resource of the stack is tagged with."""
        return {"project": self.project, "stack": self.stack}
