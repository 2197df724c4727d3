"""How a synthetic walker moves: the phase of the gait cycle -> joints in space -> points in the picture.

Body axes, in metres: forward, left, up; the ground is up = 0 and the hips stay above the origin.
Phase 0 is the instant at which the left heel strikes the ground; the right leg is half a cycle behind.
"""

import numpy as np

from data_tools.walkers.people import Person

Joints = dict[str, np.ndarray]


def _bump(phase: np.ndarray, at: float, sharp: float) -> np.ndarray:
    """A smooth periodic bump of height 1 at the share `at` of the cycle."""
    return np.exp(sharp * (np.cos(phase - 2 * np.pi * at) - 1))


def _leg(person: Person, phase: np.ndarray, side: int) -> Joints:
    """Hip, knee, ankle, heel and toe of one leg, each (T, 3), with the hip joint at height 0."""
    hip_height = person.height * person.legs
    thigh, shank, foot = 0.47 * hip_height, 0.45 * hip_height, 0.08 * hip_height
    zero = np.zeros_like(phase)
    # The hip swings like a sine. The knee gives a little under the load and bends far in the swing, so that the foot
    # clears the ground. The toes point up at the strike; the heel rises before the foot leaves the ground.
    hip_angle = 0.1 + person.stride * np.cos(phase + 0.3)
    knee_angle = 0.06 + 0.18 * _bump(phase, 0.13, 4) + (0.55 + 0.9 * person.stride) * _bump(phase, 0.72, 2.6)
    pitch = 0.35 * _bump(phase, 0.0, 6) - 1.05 * _bump(phase, 0.63, 5)

    def reach(start: np.ndarray, length: float, angle: np.ndarray) -> np.ndarray:
        return start + length * np.stack([np.sin(angle), zero, -np.cos(angle)], 1)

    def sole(ankle: np.ndarray, forward: float) -> np.ndarray:
        ahead = forward * np.cos(pitch) + foot * np.sin(pitch)
        return ankle + np.stack([ahead, zero, forward * np.sin(pitch) - foot * np.cos(pitch)], 1)

    hip = np.stack([zero, zero + side * 0.55 * person.hips, zero], 1)
    knee = reach(hip, thigh, hip_angle)
    ankle = reach(knee, shank, hip_angle - knee_angle)
    return {"hip": hip, "knee": knee, "ankle": ankle, "heel": sole(ankle, -0.06), "toe": sole(ankle, 0.17)}


def _arm(person: Person, phase: np.ndarray, side: int, shoulder: np.ndarray, swing: float) -> Joints:
    """Shoulder, elbow and wrist, each (T, 3). An arm swings against the leg of its own side."""
    zero = np.zeros_like(phase)
    upper = 0.04 - swing * np.cos(phase + 0.2)
    fore = upper + person.elbow * (1 - 0.4 * np.cos(phase)) if swing > 0.1 else upper + 0.05
    elbow = shoulder + 0.175 * person.height * np.stack([np.sin(upper), zero + side * 0.14, -np.cos(upper)], 1)
    wrist = elbow + 0.15 * person.height * np.stack([np.sin(fore), zero, -np.cos(fore)], 1)
    return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist}


def body_joints(person: Person, phase: np.ndarray) -> Joints:
    """Joints in space, each (T, 3) in metres, for phases (T,) in radians.

    Names: pelvis chest neck head, and hip knee ankle heel toe shoulder elbow wrist with `left_` or `right_` before.
    """
    zero = np.zeros_like(phase)
    joints: Joints = {}
    for side, name, shift in ((1, "left", 0.0), (-1, "right", np.pi)):
        joints |= {f"{name}_{part}": p for part, p in _leg(person, phase + shift, side).items()}
    lowest = np.min([joints[f"{side}_{part}"][:, 2] for side in ("left", "right") for part in ("heel", "toe")], axis=0)
    up = np.stack([zero, zero, person.bounce * np.sin(phase) ** 2 - lowest], 1)  # the lower foot stands on the ground
    joints = {name: p + up for name, p in joints.items()}

    trunk = person.height * (0.82 - person.legs)  # from the hip joints to the shoulders
    lean = np.array([np.sin(person.lean), 0.0, np.cos(person.lean)])
    joints["pelvis"] = up
    joints["chest"] = up + trunk * lean
    joints["neck"] = joints["chest"] + 0.035 * person.height * lean
    joints["head"] = joints["chest"] + person.height * np.array([0.03 + 0.05 * np.sin(person.lean), 0.0, 0.105])
    for side, name, shift in ((1, "left", 0.0), (-1, "right", np.pi)):
        turn = -0.05 * np.cos(phase + shift)  # the shoulders turn against the hips
        shoulder = joints["chest"] + np.stack([turn, zero + side * 0.86 * person.shoulders, zero - 0.02], 1)
        carries = person.bag in ("handbag", "suitcase") and person.bag_side == name
        swing = 0.08 if carries else person.arm_swing
        joints |= {f"{name}_{part}": p for part, p in _arm(person, phase + shift, side, shoulder, swing).items()}
    return joints


def metres_per_cycle(person: Person) -> float:
    """Metres per two steps: the way of the standing foot backwards under the hips."""
    return 4 * person.height * person.legs * float(np.sin(person.stride))


def project(joints: Joints, heading: float, elevation: float, scale: np.ndarray, feet: np.ndarray) -> Joints:
    """Points in the picture, each (T, 2) in pixels (x to the right, y down), seen from far away (parallel projection).

    heading: walking direction in radians; 0 walks to the right, pi to the left, pi/2 towards the camera.
    elevation: how far the camera looks down. scale (T,): pixels per metre. feet (T, 2): where the ground point between
    the feet falls.
    """
    picture = {}
    for name, p in joints.items():
        right = p[:, 0] * np.cos(heading) + p[:, 1] * np.sin(heading)
        near = p[:, 0] * np.sin(heading) - p[:, 1] * np.cos(heading)
        up = p[:, 2] * np.cos(elevation) - near * np.sin(elevation)
        picture[name] = np.stack([feet[:, 0] + scale * right, feet[:, 1] - scale * up], 1)
    return picture
