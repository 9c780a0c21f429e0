"""What deferred tasks wait for, in the triggerer: no database, nothing that blocks the event loop."""
