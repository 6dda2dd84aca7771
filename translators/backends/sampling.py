"""Sampling that a text's neighbours and a resumed build cannot change.

Gumbel-max: the greatest of log-probabilities plus Gumbel noise is a sample of the distribution (Maddison, Tarlow
and Minka 2014, arXiv 1411.0030, section 2). The noise is a function of seed, step and token alone, by the counter-based
generator SplitMix64 (Steele, Lea and Flood 2014), so no random state is shared between the rows of a batch.
"""

import torch

_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
_FIRST = 0xBF58476D1CE4E5B9 - (1 << 64)
_SECOND = 0x94D049BB133111EB - (1 << 64)


def gumbel_noise(seeds: torch.Tensor, step: int, vocabulary: int) -> torch.Tensor:
    """Standard Gumbel noise, float64, of shape (rows, vocabulary), for the rows' int64 seeds at a step."""
    tokens = torch.arange(1, vocabulary + 1, device=seeds.device)
    streams = _mixed(_mixed(seeds) + _GOLDEN * torch.tensor(step + 1, device=seeds.device))
    bits = _mixed(streams[:, None] + tokens * _GOLDEN)
    uniform = (_shifted(bits, 12).double() + 0.5) * 2.0**-52
    return uniform.log_().neg_().log_().neg_()


def _mixed(state: torch.Tensor) -> torch.Tensor:
    """SplitMix64's output function; int64 arithmetic wraps around as the generator asks."""
    state = (state ^ _shifted(state, 30)) * _FIRST
    state = (state ^ _shifted(state, 27)) * _SECOND
    return state ^ _shifted(state, 31)


def _shifted(state: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical shift to the right, where torch's own keeps the sign."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)
