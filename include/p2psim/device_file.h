/* SPDX-License-Identifier: MIT */
/*
 * The system calls of a process on a device file: open, ioctl, read, write, lseek, poll, close.  mmap() of it is in
 * <p2psim/process.h>.
 *
 *	p2psim_device_open(app, "hmm_dmirror0", O_RDWR, &file);	fops->open(), by the name of the struct device
 *	p2psim_store(app, at, &cmd, sizeof(cmd));			what the driver reads with copy_from_user()
 *	p2psim_ioctl(app, file, HMM_DMIRROR_READ, at);
 *	p2psim_load(app, at, &cmd, sizeof(cmd));
 *	p2psim_close(app, file);					fops->flush(), and with the last reference ->release()
 *
 * Inside of each, current->mm is the process's.  Descriptors do not exist: a struct file is handed around, and fork() shares it
 * by get_file().  Addresses are the simulated process's.
 */
#ifndef P2PSIM_DEVICE_FILE_H
#define P2PSIM_DEVICE_FILE_H

#include <sys/types.h>

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct file;
struct p2psim_process;

/*
 * open(2) of the node of a device, with O_RDONLY, O_WRONLY or O_RDWR and O_NONBLOCK.  By the name that the driver gave to its
 * struct device, without /dev/; or by number, as in kdev_t.h.
 * Return: 0 and *file with one reference; -ENOENT: no such device; -ENXIO: nobody answers for its number; -ENOMEM; or what
 * ->open() says.
 */
P2PSIM_EXPORT int p2psim_device_open(struct p2psim_process *process, const char *name, int flags, struct file **file);
P2PSIM_EXPORT int p2psim_chrdev_open(struct p2psim_process *process, dev_t dev, int flags, struct file **file);

/* `arg`: as the driver takes it, usually an address.  -ENOTTY: the driver has no ->unlocked_ioctl(), or not this command. */
P2PSIM_EXPORT long p2psim_ioctl(struct p2psim_process *process, struct file *file, unsigned int cmd, unsigned long arg);
/* At f_pos, which ->read() moves.  Bytes, or -errno; -EBADF: not open for it; -EINVAL: the driver cannot. */
P2PSIM_EXPORT long p2psim_device_read(struct p2psim_process *process, struct file *file, unsigned long addr, size_t len);
P2PSIM_EXPORT long p2psim_device_write(struct p2psim_process *process, struct file *file, unsigned long addr, size_t len);
P2PSIM_EXPORT long p2psim_lseek(struct p2psim_process *process, struct file *file, long offset, int whence);
/* Mask of EPOLL* bits at this moment; a driver without ->poll() is always ready to read and write. */
P2PSIM_EXPORT unsigned int p2psim_device_poll(struct p2psim_process *process, struct file *file);
/* What ->flush() says, or 0; the file is closed in any case. */
P2PSIM_EXPORT int p2psim_close(struct p2psim_process *process, struct file *file);

#define p2psim_device_open(p, name, flags, file) (P2PSIM_HERE(), p2psim_device_open((p), (name), (flags), (file)))
#define p2psim_ioctl(p, file, cmd, arg) (P2PSIM_HERE(), p2psim_ioctl((p), (file), (cmd), (arg)))
#define p2psim_close(p, file) (P2PSIM_HERE(), p2psim_close((p), (file)))

P2PSIM_END_DECLS

#endif
