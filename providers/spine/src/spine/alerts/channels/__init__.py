"""The channels: one module for each service, with its renderer (pure, golden files) and its sender."""
