"""Names of resources: `project-stack-noun`, short enough for the service with the strictest limit.

These are Pulumi's logical names; Pulumi adds a random suffix to get the physical name. Resources
have a fixed physical name only if AWS requires one or if people search for it (log groups, the
warehouse).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAX_PREFIX = 32
"""Names of S3 buckets have up to 63 characters, of IAM roles 64. The suffix needs 8 of them, the noun up to 23."""

_OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")


def prefix_of(project: str, stack: str) -> str:
    """Return `project-stack` in characters that every service accepts, in at most MAX_PREFIX characters.

    A digest at the end keeps names distinct if they had to be changed or shortened.
    """
    plain = f"{project}-{stack}"
    safe = _OTHER_CHARACTERS.sub("-", plain.lower()).strip("-")
    if safe == plain and len(safe) <= MAX_PREFIX and safe[0].isalpha():
        return safe
    digest = hashlib.sha256(plain.encode()).hexdigest()[:6]
    body = safe if safe[:1].isalpha() else f"x-{safe}"
    return f"{body[: MAX_PREFIX - 7].rstrip('-')}-{digest}"


@dataclass(frozen=True)
class Names:
    """The names of the resources of one stack."""

    project: str
    stack: str

    @property
    def prefix(self) -> str:
        return prefix_of(self.project, self.stack)

    def of(self, noun: str) -> str:
        """Return the name of a component of this stack."""
        return f"{self.prefix}-{noun}"

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags of every resource of this stack."""
        return {"project": self.project, "stack": self.stack}
