"""The provider of a stack: the stack's configuration of the AWS provider, and the stack's tags.

Pulumi configures its default provider from the keys `aws:...`. Another provider gets none of them by
itself (pulumi-aws issues 1307 and 3259), so all of them are passed on. Stacks keep this provider,
because Pulumi replaces every resource whose provider changes to the default one.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

import pulumi
from pulumi.runtime.config import is_config_secret
from pulumi_aws.provider import Provider, ProviderArgs
from pydantic.alias_generators import to_camel

_TAGS = "default_tags"


def stack_provider(name: str, tags: dict[str, str]) -> Provider:
    """Return a provider with every `aws:` key of the configuration.

    The stack's own default tags win over `tags`.
    """
    config = pulumi.Config("aws")
    values: dict[str, Any] = {}
    for parameter, kind in _parameters().items():
        key = to_camel(parameter)
        text = config.get(key)
        if text is not None:
            value = _parse(text, kind)
            values[parameter] = (
                pulumi.Output.secret(value) if is_config_secret(f"aws:{key}") else value
            )
    own = values.pop(_TAGS, None) or {}
    return Provider(name, default_tags={"tags": {**tags, **own.get("tags", {})}}, **values)


def _parameters() -> dict[str, str]:
    """Return the name of each argument of the provider, and the text of its type."""
    known = inspect.signature(ProviderArgs.__init__).parameters
    return {name: str(each.annotation) for name, each in known.items() if name != "__self__"}


def _parse(text: str, kind: str) -> Any:
    """Return a text as it is, everything else from JSON, as Pulumi stores it."""
    return text if "[str]" in kind and "Sequence" not in kind else json.loads(text)
