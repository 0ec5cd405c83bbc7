"""Files that lava-dl's own blocks write; run as a script where lava-dl and torch are installed: python netx_writer.py FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import h5py
import torch

sys.modules["lava.lib.dl.slayer.object_detection"] = ModuleType("object_detection")  # it asks for cv2; nothing here uses it

from lava.lib.dl import slayer  # noqa: E402

P = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": False}
BLOCKS = slayer.block.cuba

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    ends = {
        "dense": [BLOCKS.Dense(P, 3, 5), BLOCKS.Dense(P, 5, 2)],
        "affine": [BLOCKS.Dense(P, 3, 5), BLOCKS.Affine(P, 5, 2, dynamics=False)],
        "dynamics": [BLOCKS.Dense(P, 3, 5), BLOCKS.Affine(P, 5, 2, dynamics=True)],
        "recurrent": [BLOCKS.Recurrent(P, 3, 5), BLOCKS.Dense(P, 5, 2)],
    }
    for name, blocks in ends.items():
        x = (torch.rand(1, 3, 12) < 0.5).float()
        with h5py.File(Path(sys.argv[1]) / f"{name}.net", "w") as file:
            layers = file.create_group("layer")
            for n, block in enumerate(blocks):
                x = block(x)
                block.export_hdf5(layers.create_group(str(n)))
