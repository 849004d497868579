/* SPDX-License-Identifier: MIT */
/* A PCI driver as it would stand in drivers/misc/: a card that adds up bytes.  SUM_NO_LOCK, SUM_EARLY: its broken twins. */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "sum.h"

struct sum {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct miscdevice misc;
	struct mutex lock;		/* one job at a time */
	struct completion done;
	u32 *result;			/* coherent: the card writes it */
	dma_addr_t result_addr;
};

static irqreturn_t sum_irq(int irq, void *data)
{
	struct sum *sum = data;

	if (!(readl(sum->regs + SUM_STATUS) & SUM_DONE))
		return IRQ_NONE;
	writel(SUM_DONE, sum->regs + SUM_STATUS);
	complete(&sum->done);
	return IRQ_HANDLED;
}

static void sum_run(struct sum *sum, dma_addr_t source, struct sum_job *job)
{
	writeq(source, sum->regs + SUM_SOURCE);
	writeq(sum->result_addr, sum->regs + SUM_RESULT);
	writel(job->length, sum->regs + SUM_LENGTH);
#ifndef SUM_EARLY
	wait_for_completion(&sum->done);
#endif
	job->sum = READ_ONCE(*sum->result);
}

static long sum_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct sum *sum = container_of(file->private_data, struct sum, misc);
	struct device *dev = &sum->pdev->dev;
	struct sum_job job;
	dma_addr_t source;
	long ret = -EFAULT;
	void *buf;

	if (cmd != SUM_IOC_RUN)
		return -ENOTTY;
	if (copy_from_user(&job, (void __user *)arg, sizeof(job)))
		return -EFAULT;
	if (!job.length || job.length > PAGE_SIZE)
		return -EINVAL;
	buf = kmalloc(job.length, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_user(buf, (void __user *)(unsigned long)job.address, job.length))
		goto out_free;
	ret = -ENOMEM;
	source = dma_map_single(dev, buf, job.length, DMA_TO_DEVICE);
	if (dma_mapping_error(dev, source))
		goto out_free;
#ifndef SUM_NO_LOCK
	mutex_lock(&sum->lock);
#endif
	sum_run(sum, source, &job);
#ifndef SUM_NO_LOCK
	mutex_unlock(&sum->lock);
#endif
	dma_unmap_single(dev, source, job.length, DMA_TO_DEVICE);
	ret = copy_to_user((void __user *)arg, &job, sizeof(job)) ? -EFAULT : 0;
out_free:
	kfree(buf);
	return ret;
}

static const struct file_operations sum_fops = { .owner = THIS_MODULE, .unlocked_ioctl = sum_ioctl };

static int sum_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct sum *sum = devm_kzalloc(&pdev->dev, sizeof(*sum), GFP_KERNEL);
	int ret;

	if (!sum)
		return -ENOMEM;
	sum->pdev = pdev;
	mutex_init(&sum->lock);
	init_completion(&sum->done);
	sum->misc = (struct miscdevice){ .minor = MISC_DYNAMIC_MINOR, .name = "sum", .fops = &sum_fops, .parent = &pdev->dev };
	pci_set_drvdata(pdev, sum);
	ret = pcim_enable_device(pdev);
	if (!ret)
		ret = pcim_iomap_regions(pdev, BIT(0), "sum");
	if (!ret)
		ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (!ret)
		ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	sum->regs = pcim_iomap_table(pdev)[0];
	ret = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, 0), sum_irq, 0, "sum", sum);
	if (ret)
		return ret;
	sum->result = dma_alloc_coherent(&pdev->dev, sizeof(*sum->result), &sum->result_addr, GFP_KERNEL);
	if (!sum->result)
		return -ENOMEM;
	pci_set_master(pdev);
	ret = misc_register(&sum->misc);
	if (ret)
		dma_free_coherent(&pdev->dev, sizeof(*sum->result), sum->result, sum->result_addr);
	return ret;
}

static void sum_remove(struct pci_dev *pdev)
{
	struct sum *sum = pci_get_drvdata(pdev);

	misc_deregister(&sum->misc);
	dma_free_coherent(&pdev->dev, sizeof(*sum->result), sum->result, sum->result_addr);
}

static const struct pci_device_id sum_ids[] = { { PCI_DEVICE(0x1234, 0x5001) }, { } };
MODULE_DEVICE_TABLE(pci, sum_ids);

static struct pci_driver sum_driver = { .name = "sum", .id_table = sum_ids, .probe = sum_probe, .remove = sum_remove };
module_pci_driver(sum_driver);
MODULE_DESCRIPTION("Adds up bytes");
MODULE_LICENSE("Dual MIT/GPL");
