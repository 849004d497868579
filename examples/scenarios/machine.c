/* SPDX-License-Identifier: MIT */
/* The machine of the mail scenarios: building it up and taking it down, from any state in between. */
#include "machine.h"

#include <errno.h>

#include <p2psim/pci.h>

static int build_tree(struct machine *m)
{
	struct pci_dev *host = p2psim_pci_root(NULL);
	struct pci_dev *port = host ? p2psim_pci_root_port(host, NULL) : NULL;

	m->sw = port ? p2psim_pci_switch(port, 3, NULL) : NULL;
	return m->sw ? 0 : -ENOMEM;
}

int machine_build(struct machine *m, const struct machine_config *config)
{
	struct p2psim_gpu_config gpu = { .name = "gpu0", .policy = config->policy, .faults = config->gpu_faults,
					 .bar_pages = config->bar_pages };
	struct p2psim_nic_config nic = { .name = "nic0", .faults = config->nic_faults };

	if (build_tree(m))
		return -ENOMEM;
	m->gpu = p2psim_gpu_create(p2psim_pci_switch_port(m->sw, 0), &gpu);
	m->nic = p2psim_nic_create(p2psim_pci_switch_port(m->sw, 1), &nic);
	m->app = p2psim_process_create("app");
	return m->gpu && m->nic && m->app ? 0 : -ENOMEM;
}

int machine_add_disk(struct machine *m, unsigned int flags)
{
	m->disk = p2psim_importer_create(p2psim_pci_switch_port(m->sw, 2), "disk0", flags);
	return m->disk ? 0 : -ENOMEM;
}

int machine_add_nic(struct machine *m, unsigned long start, unsigned long length)
{
	struct p2psim_nic_config config = { .name = "nic1" };

	m->nic1 = p2psim_nic_create(p2psim_pci_switch_port(m->sw, 2), &config);
	if (!m->nic1)
		return -ENOMEM;
	return p2psim_nic_register(m->nic1, p2psim_process_mm(m->app), start, length, P2PSIM_NIC_WRITE, &m->mr1);
}

void machine_demolish(struct machine *m)
{
	if (m->import)
		p2psim_import_destroy(m->import);
	if (m->mr)
		p2psim_nic_deregister(m->mr);
	if (m->mr1)
		p2psim_nic_deregister(m->mr1);
	if (m->app)
		p2psim_process_exit(m->app);
	p2psim_importer_destroy(m->disk);
	p2psim_nic_destroy(m->nic);
	p2psim_nic_destroy(m->nic1);
	p2psim_gpu_destroy(m->gpu);
}

struct p2psim_gpu_object *machine_map_object(struct machine *m, unsigned long address, unsigned long pages,
					     unsigned int flags)
{
	struct p2psim_gpu_object *bo = p2psim_gpu_object_create(m->gpu, pages, flags);
	long mapped;

	if (!bo)
		return NULL;
	mapped = p2psim_mmap(m->app, address, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			     p2psim_gpu_file(m->gpu), p2psim_gpu_object_offset(bo));
	return mapped < 0 ? NULL : bo;
}

int machine_map_anonymous(struct machine *m, unsigned long address, unsigned long pages)
{
	long mapped = p2psim_mmap(m->app, address, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);

	return mapped < 0 ? (int)mapped : 0;
}

int machine_register(struct machine *m, unsigned long start, unsigned long length)
{
	return p2psim_nic_register(m->nic, p2psim_process_mm(m->app), start, length, P2PSIM_NIC_WRITE, &m->mr);
}
