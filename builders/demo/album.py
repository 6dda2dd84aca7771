"""All scenes of the sample, by their key."""

from builders.demo.indoors import INDOORS
from builders.demo.outdoors import OUTDOORS

SCENES = {scene.key: scene for scene in INDOORS + OUTDOORS}
