/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/firmware.h, 6.1 (declared: there is no file of firmware; linking names what is asked for). */
#ifndef P2PSIM_LINUX_FIRMWARE_H
#define P2PSIM_LINUX_FIRMWARE_H

#include <p2psim/linux/types.h>

struct device;

struct firmware {
	size_t size;			/* bytes */
	const u8 *data;
	void *priv;
};

int request_firmware(const struct firmware **fw, const char *name, struct device *dev);
void release_firmware(const struct firmware *fw);

#endif
