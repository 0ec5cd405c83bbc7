"""An integer network as C: one function per layer, nothing but integers, no allocation, no dependency."""
