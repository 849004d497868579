/* SPDX-License-Identifier: MIT */
int new_one;
