"""Files in and out for the command `krun`: arrays, text, tables, JSON and pictures."""
