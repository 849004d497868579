/* SPDX-License-Identifier: MIT */
struct needs_size { size_t n; };
