"""Imported by the fork server: Great Expectations takes two seconds, which no child need spend again."""

from spine.quality.gx.imports import great_expectations

great_expectations()

import spine.quality.expectations  # noqa: E402 - after Great Expectations, which it needs quiet
import spine.quality.gx.judging  # noqa: E402, F401
