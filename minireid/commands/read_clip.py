"""The clip that `minireid read` shows: a few frames of one drawn walker, as a network sees them."""

import numpy as np

FRAMES = 8
PERSON = 9  # a white shirt with a blue square, green trousers: easy to find again in small maps
SCALE = 16  # flow bytes: 127 + 16 for each pixel of movement, as data_tools.prepare writes them


def real_clip(height: int, width: int, flow: bool) -> np.ndarray:
    """float32 (T, height, width, C): YUV, with the optical flow if `flow`; each image normalised. Always the same."""
    from minireid.data.images import normalise

    return normalise(prepared_frames(height, width, flow)[None])[0]


def prepared_frames(height: int, width: int, flow: bool) -> np.ndarray:
    """uint8 (T, height, width, C): resized like the frames of a prepared folder. No folder is written.

    One more frame is filmed and then left out: the first frame of a track has no flow.
    """
    from PIL import Image

    from data_tools.optical_flow import track_flow

    pictures = [Image.fromarray(frame) for frame in filmed(FRAMES + 1)]
    frames = np.stack([np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)) for picture in pictures])
    if flow:
        frames = np.concatenate([frames, track_flow(frames, SCALE)], axis=-1)
    return frames[1:]


def filmed(length: int) -> list[np.ndarray]:
    """The frames (128, 64, 3) uint8 of one person who walks past camera a."""
    from data_tools.walkers.cameras import CAMERA_A, draw_track, film
    from data_tools.walkers.gait import metres_per_cycle
    from data_tools.walkers.people import draw_person

    rng = np.random.default_rng([0, PERSON])
    person = draw_person(rng)
    track = draw_track(rng, CAMERA_A, length, person.height, person.frequency * metres_per_cycle(person))
    phase = 2 * np.pi * person.frequency * np.arange(length)
    return list(film(person, track, phase, 0))
