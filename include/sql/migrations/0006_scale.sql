-- A history of ten years: what retention removed, and the reads that must not grow with it.

-- When retention removed a superseded capture's rows; the capture itself, its stages and its revisions stay.
ALTER TABLE core_captures ADD COLUMN pruned_at ${instant};
