"""Files and modules of others, and our own file: each format is read and written in one package here."""
