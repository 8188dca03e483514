"""What people outside the desk read and hear, in their own language: one text file per language."""
