/* SPDX-License-Identifier: MIT */
/* What the device file "hfi1_sdma" understands: hfi1_sdma.c. */
#ifndef TESTS_UPSTREAM_HFI1_SDMA_H
#define TESTS_UPSTREAM_HFI1_SDMA_H

#define SDMA_SEND 1	/* arg: an address; sends its page, from pins of a cache.  The page's first byte as sent, or -errno */
#define SDMA_POST 2	/* the same, but does not wait: 0 or -errno */
#define SDMA_EVICT 3	/* arg: pages that should go out of the cache; how many went */
#define SDMA_CACHED 4	/* how many pages are pinned */

/* The module's parameter "how": what hfi1_sdma.c does. */
enum sdma_how {
	SDMA_AS_IN_6_1,		/* pins, then enters the node into the cache */
	SDMA_ENTER_FIRST,	/* the other way round */
	SDMA_ASK_SEQUENCE,	/* pins, and enters only if nothing was invalidated since */
	SDMA_CLOSE_EARLY,	/* wrong: takes the cache away with a request under way */
};

#endif
