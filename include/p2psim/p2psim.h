/* SPDX-License-Identifier: MIT */
/* The umbrella for programs; inside the library, and in drivers, include the precise headers. */
#ifndef P2PSIM_P2PSIM_H
#define P2PSIM_P2PSIM_H

#include <p2psim/actors.h>
#include <p2psim/bar.h>
#include <p2psim/check.h>
#include <p2psim/dma.h>
#include <p2psim/explore.h>
#include <p2psim/exporter.h>
#include <p2psim/gpu.h>
#include <p2psim/importer.h>
#include <p2psim/inject.h>
#include <p2psim/lock.h>
#include <p2psim/minimise.h>
#include <p2psim/nic.h>
#include <p2psim/notifier.h>
#include <p2psim/pci.h>
#include <p2psim/process.h>
#include <p2psim/quirk.h>
#include <p2psim/race.h>
#include <p2psim/ram.h>
#include <p2psim/reason.h>
#include <p2psim/reclaim.h>
#include <p2psim/report.h>
#include <p2psim/retry.h>
#include <p2psim/scenario.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>
#include <p2psim/world.h>

#endif
