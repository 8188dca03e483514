"""Ways to verify a person: one port, one file each, and the contract every one of them passes."""
