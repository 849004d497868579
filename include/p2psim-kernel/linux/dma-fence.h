/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/dma-fence.h>
