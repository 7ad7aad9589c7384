"""Programs that do as little as can be done for a request: what the server is measured against."""
