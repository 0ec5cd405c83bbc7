"""Fewer bits: a float network and samples enter; what each choice of widths keeps and costs leaves."""
