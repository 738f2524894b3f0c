"""Tubes, lines and implants in a frontal image, and the side marker beside the patient."""

import math

from relinkage.cohorts.phantom.canvas import Overlay, Point
from relinkage.cohorts.phantom.scene import Device
from relinkage.cohorts.phantom.thorax import Thorax

_CAN = ((0.50, -0.62), (0.72, -0.66), (0.76, -0.46), (0.66, -0.40), (0.50, -0.45))


def draw_marker(overlay: Overlay, place: Point) -> None:
    """Draw the letter L that marks the patient's left."""
    x, y = place
    overlay.line([(x - 0.03, y - 0.06), (x - 0.03, y + 0.05), (x + 0.04, y + 0.05)], 1.0, 0.95)


def draw_device(overlay: Overlay, thorax: Thorax, device: Device) -> None:
    """Draw a device onto the overlay of a frontal image."""
    out = -1.0 if device.side == "right" else 1.0
    bend, depth, floor = device.bend, device.variant - 1, thorax.floor

    def line(points: list[Point], width: float, grey: float) -> None:
        overlay.line([thorax.point(*point) for point in points], width, grey)

    match device.kind:
        case "endotracheal tube":
            line([(0.02 + 0.02 * bend, -0.99), (0.01, -0.7), (0.0, -0.36 + 0.13 * depth)], 1.8, 0.62)
        case "enteric tube":
            end = (0.30, floor + 0.18) if depth >= 0 else (0.06, floor - 0.22)
            line([(-0.02 + 0.02 * bend, -0.99), (-0.03, -0.3), (0.03, floor - 0.3), end], 1.0, 0.60)
        case "jugular catheter":
            neck = [(out * (0.24 + 0.04 * bend), -0.98), (out * 0.20, -0.62)]
            line([*neck, (-0.10, -0.40), (-0.11, -0.14 + 0.14 * depth)], 1.0, 0.60)
        case "picc":
            arm = [(out * 0.93, -0.34 + 0.08 * bend), (out * 0.62, -0.58), (out * 0.25, -0.55)]
            line([*arm, (-0.10, -0.38), (-0.11, -0.08 + 0.14 * depth)], 0.8, 0.50)
        case "chest tube":
            wall = [(out * 0.97, 0.34), (out * 0.66, 0.16 + 0.08 * bend)]
            line([*wall, (out * 0.42, -0.20 - 0.125 * (1 + bend))], 2.2, 0.66)
        case "pacemaker":
            overlay.shape([thorax.point(out * x, y) for x, y in _CAN], 0.92)
            vein = [(out * 0.52, -0.52), (out * 0.28, -0.58), (-0.09, -0.36), (-0.11, 0.05)]
            for tip in [(0.26 + 0.05 * bend, floor - 0.03), (-0.17, 0.0)][: device.variant]:
                line([*vein, tip], 1.0, 0.85)
        case "sternal wires":
            for y in (-0.42, -0.26, -0.10, 0.06, 0.22):
                loop = [(-0.03, y - 0.03), (0.03, y - 0.02), (0.04, y + 0.02), (-0.03, y + 0.03)]
                line([*loop, loop[0]], 0.8, 0.85)
        case "valve":
            line(ring(0.08, floor - 0.26 + 0.04 * bend), 1.2, 0.9)
        case "clips":
            for step in range(4):
                x, y = -0.30 + 0.05 * step, floor + 0.28 + 0.03 * (step % 2)
                line([(x, y), (x + 0.02, y + 0.03)], 1.0, 0.95)


def ring(x: float, y: float) -> list[Point]:
    """Give the outline of a prosthetic valve around a point."""
    angles = [2 * math.pi * step / 8 for step in range(9)]
    return [(x + 0.06 * math.cos(angle), y + 0.045 * math.sin(angle)) for angle in angles]
