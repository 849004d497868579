/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/i2c.h, i2c-algo-bit.h, 6.1 (declared: no such bus is modelled; linking says what is missing). */
#ifndef P2PSIM_LINUX_I2C_H
#define P2PSIM_LINUX_I2C_H

#include <linux/i2c.h>
#include <p2psim/linux/device.h>

struct i2c_client;

struct i2c_adapter {
	struct module *owner;
	unsigned int class;
	void *algo_data;
	int timeout, retries;
	struct device dev;
	char name[48];
};

struct i2c_board_info {
	char type[20];
	unsigned short flags;
	unsigned short addr;
	const char *dev_name;
	void *platform_data;
};

struct i2c_algo_bit_data {
	void *data;
	void (*setsda)(void *data, int state);
	void (*setscl)(void *data, int state);
	int (*getsda)(void *data);
	int (*getscl)(void *data);
	int (*pre_xfer)(struct i2c_adapter *adapter);
	void (*post_xfer)(struct i2c_adapter *adapter);
	int udelay;			/* half a clock, microseconds */
	int timeout;			/* jiffies */
	bool can_do_atomic;
};

int i2c_transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count);
int i2c_add_adapter(struct i2c_adapter *adapter);
void i2c_del_adapter(struct i2c_adapter *adapter);
int i2c_bit_add_bus(struct i2c_adapter *adapter);

#endif
