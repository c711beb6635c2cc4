/* LD_PRELOAD: libcamera's allocators ask /dev/udmabuf or /dev/dma_heap for memory that devices share. A machine without
 * them has no device to share with, so that memory of a memfd does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_allocator(const char *path) {
    return path && (!strcmp(path, "/dev/udmabuf") || !strncmp(path, "/dev/dma_heap/", 14));
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    return is_allocator(path) ? memfd_create("allocator", MFD_CLOEXEC) : next(path, flags, mode);
}

#define WRAP(name)                                \
    int name(const char *path, int flags, ...) {  \
        va_list more;                             \
        va_start(more, flags);                    \
        mode_t mode = va_arg(more, mode_t);       \
        va_end(more);                             \
        return open_with(#name, path, flags, mode); \
    }
WRAP(open)
WRAP(open64)

static int allocate(struct dma_heap_allocation_data *wanted) {
    int memory = memfd_create("frame", MFD_CLOEXEC);
    if (memory >= 0 && ftruncate(memory, wanted->len)) {
        close(memory);
        return -1;
    }
    wanted->fd = memory;
    return memory < 0 ? -1 : 0;
}

int ioctl(int fd, unsigned long request, ...) {
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    switch ((uint32_t)request) {
    case (uint32_t)UDMABUF_CREATE:
        return fcntl(((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
    case (uint32_t)DMA_HEAP_IOCTL_ALLOC:
        return allocate(argument);
    case (uint32_t)DMA_BUF_IOCTL_SYNC:
    case (uint32_t)DMA_BUF_SET_NAME_A:
    case (uint32_t)DMA_BUF_SET_NAME_B:
        return 0;
    }
    int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return next(fd, request, argument);
}
