/* SPDX-License-Identifier: MIT */
#include <sys/time.h>
#include <sys/timex.h>
#define timeval p2psim_uapi_timeval
#define timezone p2psim_uapi_timezone
#define itimerspec p2psim_uapi_itimerspec
#define itimerval p2psim_uapi_itimerval
#define timex p2psim_uapi_timex
#include_next <linux/timex.h>
#undef timeval
#undef timezone
#undef itimerspec
#undef itimerval
#undef timex
#include <p2psim/linux/timex.h>
