/* SPDX-License-Identifier: MIT */
void not_listed(void);
void not_listed(void)
{
}
