"""Checks inputs of a resource against the types of its arguments in the SDK, pulumi_aws.

The SDK itself checks the top level only: an unknown key in a nested dictionary passes, and so does
a value of another type.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin

import pulumi
from pulumi import _types
from pulumi.runtime import rpc

_KEYWORDS = {"lambda": "lambda_"}


class UnknownTypeError(ValueError):
    """The SDK has no resource of this type."""


def faults_of_inputs(type_token: str, inputs: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the inputs, each with its path. Unknown values are not checked."""
    return list(_faults_of_object("", inputs, arguments_of(type_token)))


@cache
def arguments_of(type_token: str) -> type:
    """Return the SDK's class of arguments for a type such as `aws:s3/bucket:Bucket`."""
    _, path, name = type_token.split(":")
    module_name = path.split("/")[0]
    module = importlib.import_module(f"pulumi_aws.{_KEYWORDS.get(module_name, module_name)}")
    # InitArgs, where a nested type is called Args.
    found: type | None = getattr(module, f"{name}InitArgs", None) or getattr(
        module, f"{name}Args", None
    )
    if found is None:
        raise UnknownTypeError(f"pulumi_aws has no resource {type_token}")
    return found


@cache
def _properties(cls: type) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Return the type of each property, by its name in the protocol, and the required ones."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    names = _types.input_type_py_to_pulumi_names(cls)
    required = {
        names[name]
        for name, parameter in parameters.items()
        if name in names and parameter.default is inspect.Parameter.empty
    }
    return _types.input_type_types(cls), frozenset(required)


def _faults_of_object(path: str, value: Mapping[str, Any], cls: type) -> Iterator[str]:
    types, required = _properties(cls)
    for key in sorted(required - value.keys()):
        yield f"{path}{key}: missing; {cls.__name__} requires it"
    for key, inner in value.items():
        if key not in types:
            yield f"{path}{key}: unknown; {cls.__name__} has {', '.join(sorted(types))}"
        else:
            yield from _faults(f"{path}{key}", inner, types[key])


def _faults(path: str, value: Any, expected: Any) -> Iterator[str]:
    if value is None or value == rpc.UNKNOWN:
        return
    origin = get_origin(expected)
    if origin is Union:
        options = [list(_faults(path, value, option)) for option in get_args(expected)]
        if all(options):
            yield from min(options, key=len)
    elif inspect.isclass(expected) and _types.is_input_type(expected):
        if isinstance(value, Mapping):
            yield from _faults_of_object(f"{path}.", value, expected)
        else:
            yield f"{path}: {value!r} is no {expected.__name__}"
    elif inspect.isclass(origin) and issubclass(origin, Mapping):
        yield from _faults_of_mapping(path, value, get_args(expected))
    elif inspect.isclass(origin):
        yield from _faults_of_list(path, value, get_args(expected))
    elif not _is_a(value, expected):
        yield f"{path}: {value!r} is no {getattr(expected, '__name__', expected)}"


def _faults_of_mapping(path: str, value: Any, types: tuple[Any, ...]) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is no mapping"
        return
    for key, inner in value.items():
        yield from _faults(f"{path}.{key}", inner, types[1] if len(types) == 2 else Any)


def _faults_of_list(path: str, value: Any, types: tuple[Any, ...]) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is no list"
        return
    for number, inner in enumerate(value):
        yield from _faults(f"{path}[{number}]", inner, types[0] if types else Any)


def _is_a(value: Any, expected: Any) -> bool:
    """Tell whether a plain value has the type. The protocol has no integers: 30 arrives as 30.0."""
    if expected in (pulumi.Archive, pulumi.Asset):
        return isinstance(value, Mapping) and rpc._special_sig_key in value
    if expected is bool:
        return isinstance(value, bool)
    if expected is int:
        return _is_number(value) and float(value).is_integer()
    if expected is float:
        return _is_number(value)
    if inspect.isclass(expected) and issubclass(expected, str):
        return isinstance(value, str)
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
