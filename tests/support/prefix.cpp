// SPDX-License-Identifier: MIT
// No code: only the precompiled header of its target is wanted.
