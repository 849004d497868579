/* SPDX-License-Identifier: MIT */
void helper(void);
void helper(void)
{
}
