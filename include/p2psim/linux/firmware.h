/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/firmware.h, 6.1 (declared: the model has no file of firmware to give; linking names what is asked for). */
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
