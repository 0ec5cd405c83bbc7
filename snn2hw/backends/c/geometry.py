"""Where the places of a kernel lie in the input, as layers that walk through them one by one have it in their templates."""

from __future__ import annotations

from snn2hw.backends.c.synapse_plan import Synapse


def geometry(s: Synapse) -> dict[str, object]:
    """Names of a template and their values: the input's size, the output's width, steps, and the window."""
    (h, w), (ph, pw) = s.source.size, s.window.padding
    (kh, kw), (sy, sx), (dy, dx) = s.window.kernel, s.window.stride, s.window.dilation
    return {
        "HEIGHT": h,
        "WIDTH": w,
        "OUT_WIDTH": s.value.size[1],
        "STEPS": s.source.steps,
        "KERNEL_HEIGHT": kh,
        "KERNEL_WIDTH": kw,
        "DOWN": sy,
        "ACROSS": sx,
        "DILATED_DOWN": dy,
        "DILATED_ACROSS": dx,
        "ABOVE": ph,
        "BESIDE": pw,
    }
