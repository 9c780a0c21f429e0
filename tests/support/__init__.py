"""What tests share: real servers, environments, builders."""
