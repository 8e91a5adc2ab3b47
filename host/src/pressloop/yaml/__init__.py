"""YAML text to plain data, remembering where each piece stood.

Reads YAML 1.2 down to mappings, lists, text, integers, floats and booleans, without constructing
anything else, and stops at sizes that no protocol has. What other YAML readers would take for
something else (`010`, a duplicate key, an empty value) is a finding, not a guess.
"""

from __future__ import annotations

from pressloop.yaml.read_file import read_file_bytes, read_yaml_bytes, read_yaml_file
from pressloop.yaml.source_map import Mark, SourceMap
from pressloop.yaml.values import YamlSource, read_yaml

__all__ = [
    "Mark",
    "SourceMap",
    "YamlSource",
    "read_file_bytes",
    "read_yaml",
    "read_yaml_bytes",
    "read_yaml_file",
]
