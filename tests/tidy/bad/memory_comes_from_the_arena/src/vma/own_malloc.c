/* SPDX-License-Identifier: MIT */
void *f(void)
{
	return malloc(8);
}
