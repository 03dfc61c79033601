"""Stored states at instants between those stored."""

from __future__ import annotations

import numpy as np


class Between:
    """Interpolation from stored instants to others."""

    def __init__(self, stored: np.ndarray, times: np.ndarray) -> None:
        # A frame at a stored instant must be that state, not one a rounding error away from it.
        at = np.interp(times, stored, np.arange(len(stored)))
        at = np.where(np.abs(at - np.round(at)) < 1e-6, np.round(at), at)
        self.before = np.minimum(np.floor(at).astype(int), len(stored) - 1)
        self._after = np.minimum(self.before + 1, len(stored) - 1)
        self._share = at - self.before

    def linear(self, values: np.ndarray) -> np.ndarray:
        """values (stored, …) at the other instants, in their own precision."""
        if not self._share.any():
            return values[self.before]
        start, end = values[self.before], values[self._after]
        share = self._share.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
        return np.where(share > 0, start + (end - start) * share, start)

    def turned(self, quaternion: np.ndarray) -> np.ndarray:
        """Unit quaternions (stored, body, 4) at the other instants (slerp, Shoemake 1985)."""
        start, end = quaternion[self.before], quaternion[self._after]
        cosine = np.sum(start * end, axis=-1, keepdims=True)
        end = np.where(cosine < 0, -end, end)
        angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
        share = self._share[:, None, None]
        turning = angle > 1e-6
        sine = np.where(turning, np.sin(angle), 1.0)
        first = np.where(turning, np.sin((1 - share) * angle) / sine, 1 - share)
        second = np.where(turning, np.sin(share * angle) / sine, share)
        mixed = first * start + second * end
        length = np.sqrt(np.sum(mixed**2, axis=-1, keepdims=True))
        # Slots that hold no body are stored as zeros: leave them unturned.
        unturned = np.array([1.0, 0.0, 0.0, 0.0])
        return np.where(length > 1e-9, mixed / np.where(length > 1e-9, length, 1.0), unturned)
