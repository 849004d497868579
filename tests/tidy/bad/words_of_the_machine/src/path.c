/* SPDX-License-Identifier: MIT */
const char *where = "/home/someone/p2psim";
