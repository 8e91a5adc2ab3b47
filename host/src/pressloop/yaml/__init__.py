"""Read YAML text into plain data and record the line of each key and value.

Only mappings, lists, text, integers, floats and booleans of YAML 1.2 are constructed, and a text
that is larger than any protocol is refused. What other YAML readers could interpret differently
(`010`, a duplicate key, an empty value) is reported as a finding, not guessed.
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
