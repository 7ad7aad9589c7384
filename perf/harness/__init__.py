"""What scenarios are made of: servers, loads, rounds, figures and the report."""
