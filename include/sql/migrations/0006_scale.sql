-- A long history: what retention removed from it.

-- When retention removed a superseded capture's rows; the capture itself, its stages and its revisions stay.
ALTER TABLE core_captures ADD COLUMN pruned_at ${instant};
