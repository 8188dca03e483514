"""What is measured of one process, for Prometheus."""
