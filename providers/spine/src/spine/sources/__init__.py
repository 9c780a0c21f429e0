"""Where rows come from. Every source yields text columns in Arrow batches and accounts for every line it read."""

from spine.sources.base import LINE_NUMBER, RejectedLine, Source, SourceBatch, SourceReading

__all__ = ["LINE_NUMBER", "RejectedLine", "Source", "SourceBatch", "SourceReading"]
