"""What people would use instead: small, fair loops over other HTTP clients, run in a throwaway environment."""
