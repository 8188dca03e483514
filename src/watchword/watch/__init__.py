"""The watch: reads the directories' own logs and says which identity events the evidence speaks for."""
