"""Draw four small pictures and save them as images.npy: a ship, an airplane, a truck and a frog."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE, SCALE = 32, 8  # pictures are drawn eight times as large and then shrunk, which smooths the edges

Colour = tuple[int, int, int]


def backdrop(top: Colour, middle: Colour, ground: Colour, horizon: float) -> Image.Image:
    """A sky fading from `top` to `middle`, and `ground` below `horizon` (0 top, 1 bottom), slightly rough."""
    height = np.linspace(0, 1, SIZE * SCALE)[:, None, None]
    sky = np.array(top) + (np.array(middle) - np.array(top)) * np.minimum(height / max(horizon, 0.01), 1)
    pixels = np.where(height < horizon, sky, np.array(ground)) * np.ones((1, SIZE * SCALE, 1))
    coarse = np.random.default_rng(0).normal(0, 9, (SIZE, SIZE, 1)).repeat(SCALE, 0).repeat(SCALE, 1)
    return Image.fromarray(np.clip(pixels + coarse, 0, 255).astype(np.uint8))


def shrink(picture: Image.Image) -> np.ndarray:
    """The drawing as 32 x 32 pixels, uint8."""
    smooth = picture.filter(ImageFilter.GaussianBlur(2))
    return np.asarray(smooth.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def ship() -> np.ndarray:
    picture = backdrop((140, 180, 220), (205, 220, 232), (45, 85, 125), 0.66)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(20, 140), (240, 132), (216, 188), (44, 188)], fill=(60, 40, 45))
    draw.polygon([(36, 176), (222, 174), (216, 190), (44, 190)], fill=(150, 45, 40))
    draw.rectangle((60, 108, 190, 140), fill=(238, 238, 235))
    draw.rectangle((84, 84, 160, 110), fill=(225, 226, 226))
    draw.rectangle((108, 50, 134, 86), fill=(190, 60, 45))
    draw.line((200, 40, 200, 136), fill=(70, 70, 75), width=5)
    for x in range(70, 184, 18):
        draw.rectangle((x, 118, x + 8, 126), fill=(60, 75, 95))
    draw.polygon([(30, 186), (226, 186), (250, 200), (8, 200)], fill=(190, 208, 220))
    return shrink(picture)


def airplane() -> np.ndarray:
    picture = backdrop((105, 160, 220), (180, 210, 238), (180, 210, 238), 1.0)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(100, 120), (136, 120), (84, 216), (60, 216)], fill=(150, 158, 170))
    draw.polygon([(120, 116), (148, 114), (120, 56), (104, 56)], fill=(170, 178, 190))
    draw.polygon([(22, 70), (44, 66), (66, 118), (36, 124)], fill=(60, 80, 140))
    draw.polygon([(24, 128), (66, 122), (66, 134), (20, 152)], fill=(150, 158, 170))
    hull = [(30, 118), (190, 106), (232, 118), (240, 126), (226, 136), (190, 142), (40, 132)]
    draw.polygon(hull, fill=(240, 242, 245))
    draw.polygon([(40, 128), (236, 128), (226, 136), (190, 142)], fill=(190, 196, 206))
    draw.polygon([(212, 112), (228, 117), (212, 120)], fill=(50, 60, 80))
    draw.ellipse((78, 156, 106, 174), fill=(90, 95, 110))
    return shrink(picture)


def truck() -> np.ndarray:
    picture = backdrop((175, 200, 225), (222, 228, 230), (115, 112, 108), 0.68)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((12, 190, 244, 208), fill=(80, 78, 76))
    draw.rectangle((14, 52, 160, 172), fill=(236, 234, 228))
    draw.rectangle((14, 150, 160, 172), fill=(200, 198, 192))
    draw.polygon([(164, 84), (212, 84), (238, 128), (242, 178), (164, 178)], fill=(190, 35, 30))
    draw.polygon([(176, 94), (208, 94), (226, 126), (176, 126)], fill=(60, 80, 100))
    draw.rectangle((14, 170, 242, 184), fill=(45, 45, 48))
    draw.rectangle((230, 150, 242, 162), fill=(245, 225, 160))
    for x in (30, 76, 184):
        draw.ellipse((x, 162, x + 42, 204), fill=(22, 22, 24))
        draw.ellipse((x + 13, 175, x + 29, 191), fill=(150, 150, 152))
    return shrink(picture)


def frog() -> np.ndarray:
    picture = backdrop((120, 105, 70), (105, 92, 60), (88, 76, 50), 0.5)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((34, 190, 224, 226), fill=(58, 48, 34))
    for x in (20, 164):
        draw.ellipse((x, 120, x + 74, 212), fill=(78, 112, 42))
    draw.ellipse((52, 78, 206, 210), fill=(104, 142, 54))
    draw.ellipse((80, 140, 178, 212), fill=(176, 184, 110))
    draw.ellipse((62, 62, 196, 150), fill=(112, 152, 58))
    for x in (64, 152):
        draw.ellipse((x, 44, x + 44, 90), fill=(124, 160, 64))
        draw.ellipse((x + 10, 52, x + 36, 80), fill=(196, 160, 50))
        draw.ellipse((x + 16, 58, x + 31, 76), fill=(18, 18, 14))
    draw.arc((80, 84, 178, 138), 15, 165, fill=(52, 72, 28), width=6)
    for x in (50, 160):
        draw.ellipse((x, 196, x + 48, 216), fill=(92, 126, 48))
    for x, y in ((78, 98), (170, 110), (60, 150), (194, 150), (120, 72)):
        draw.ellipse((x, y, x + 14, y + 12), fill=(66, 92, 34))
    return shrink(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw four small pictures and save them as images.npy.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    np.save(arguments.out / "images.npy", np.stack([ship(), airplane(), truck(), frog()]))


if __name__ == "__main__":
    main()
