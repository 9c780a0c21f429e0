"""The leg that Great Expectations stands on. Imported inside a gate alone, never while a DAG file parses."""
