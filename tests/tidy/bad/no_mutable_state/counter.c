/* SPDX-License-Identifier: MIT */
int next(void);
int next(void)
{
	static int counter;

	return ++counter;
}
