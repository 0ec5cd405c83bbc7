"""C written from the op table, compiled with the compiler of this machine, loaded in-process."""
