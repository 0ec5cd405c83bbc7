"""torch: a torch.nn.Module enters, a float network leaves."""
