"""YAML files that people write: values that know their line, tables of keys, every problem told with its place."""
