"""Tests mirror the package: unit (no server), integration (servers that the tests start), chaos, browser."""
