/* Preloaded into a process, this lets a campaign break the disk or the clock under it. It knows nothing of the process, and
 * touches files under one folder alone.
 *
 * Everything goes by system calls of its own, since what it stands in for must not call itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* In the order of shim.rs. */
struct orders {
    volatile int64_t sync_error;       /* what a sync fails with */
    volatile int64_t growth_error;     /* what a write fails with that makes a file longer */
    volatile int64_t sync_microseconds; /* how much longer a sync takes */
    volatile int64_t clock_seconds;    /* by how much the clock is wrong */
    volatile int64_t power_off;        /* nothing is written any more */
};

static struct orders *orders;
static char root[PATH_MAX], kept[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CAMPAIGN_ORDERS"), *under = getenv("CAMPAIGN_ROOT"), *copy = getenv("CAMPAIGN_KEPT");
    if (!path || !under) return;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *page = mmap(NULL, sizeof(struct orders), PROT_READ, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (page == MAP_FAILED) return;
    root_length = strlen(under);
    if (root_length >= sizeof root || (copy && strlen(copy) >= sizeof kept)) abort();
    strcpy(root, under);
    if (copy) strcpy(kept, copy);
    orders = page;
}

static int fail(int64_t code) {
    errno = (int)code;
    return -1;
}

/* Whether a path lies where the campaign has a say. */
static int is_ours(const char *path) {
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

/* The path of an open file, if it is ours. */
static int find(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static void copy_of(const char *path, char *copy) {
    snprintf(copy, 2 * PATH_MAX, "%s%s", kept, path + root_length);
}

/* Brings the copy that survives up to what stands in the file now. Only blocks that differ are written, and one at a time:
 * whoever read an older one must not write it after whoever read a newer one. */
static int keep(int fd) {
    static __thread char ours[65536], theirs[65536];
    char path[PATH_MAX], copy[2 * PATH_MAX];
    struct stat is;
    if (!kept[0] || !find(fd, path) || fstat(fd, &is)) return 0;
    copy_of(path, copy);
    if (S_ISDIR(is.st_mode)) {
        syscall(SYS_mkdirat, AT_FDCWD, copy, is.st_mode & 07777);
        return 0;
    }
    int from = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    int to = syscall(SYS_openat, AT_FDCWD, copy, O_RDWR | O_CREAT | O_CLOEXEC, is.st_mode & 07777);
    /* It has been deleted or renamed meanwhile: there is nothing to keep under this name. */
    int bad = to < 0 && from >= 0;
    if (from >= 0 && to >= 0) {
        flock(to, LOCK_EX);
        off_t at = 0;
        for (;;) {
            ssize_t read = syscall(SYS_pread64, from, ours, sizeof ours, at);
            if (read <= 0) break;
            ssize_t same = syscall(SYS_pread64, to, theirs, (size_t)read, at);
            if (same != read || memcmp(ours, theirs, (size_t)read))
                bad |= syscall(SYS_pwrite64, to, ours, (size_t)read, at) != read;
            at += read;
        }
        bad |= syscall(SYS_ftruncate, to, at) != 0;
    }
    if (from >= 0) syscall(SYS_close, from);
    if (to >= 0) syscall(SYS_close, to);
    return bad ? fail(EIO) : 0;
}

static int synced(int fd, long call) {
    char path[PATH_MAX];
    if (!orders || !find(fd, path)) return (int)syscall(call, fd);
    if (orders->power_off) return fail(EIO);
    if (orders->sync_error) return fail(orders->sync_error);
    if (orders->sync_microseconds) {
        struct timespec wait = {orders->sync_microseconds / 1000000, orders->sync_microseconds % 1000000 * 1000};
        syscall(SYS_nanosleep, &wait, NULL);
    }
    if (syscall(call, fd)) return -1;
    return keep(fd);
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* What a write of so many bytes fails with; those at the file's place have none of their own. */
static int64_t refused(int fd, off_t at, size_t length) {
    char path[PATH_MAX];
    struct stat is;
    if (!orders || !(orders->growth_error || orders->power_off) || !find(fd, path)) return 0;
    if (orders->power_off) return EIO;
    if (fstat(fd, &is)) return 0;
    if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? is.st_size : lseek(fd, 0, SEEK_CUR);
    return at + (off_t)length > is.st_size ? orders->growth_error : 0;
}

static size_t length_of(const struct iovec *parts, int count) {
    size_t length = 0;
    for (int n = 0; n < count; n++) length += parts[n].iov_len;
    return length;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    int64_t error = refused(fd, -1, length);
    return error ? fail(error) : syscall(SYS_write, fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    int64_t error = refused(fd, at, length);
    return error ? fail(error) : syscall(SYS_pwrite64, fd, bytes, length, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    int64_t error = refused(fd, -1, length_of(parts, count));
    return error ? fail(error) : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    int64_t error = refused(fd, at, length_of(parts, count));
    return error ? fail(error) : syscall(SYS_pwritev, fd, parts, count, at, 0L);
}

int posix_fallocate64(int fd, off64_t at, off64_t length) {
    int64_t error = refused(fd, at, (size_t)length);
    if (error) return (int)error;
    return syscall(SYS_fallocate, fd, 0, at, length) ? errno : 0;
}

/* Names and lengths are taken to be kept at once, as a journal keeps them before the next sync: only content is lost. */
int ftruncate64(int fd, off64_t length) {
    char path[PATH_MAX], copy[2 * PATH_MAX];
    int64_t error = refused(fd, length, 0);
    if (error) return fail(error);
    if (syscall(SYS_ftruncate, fd, length)) return -1;
    if (orders && kept[0] && find(fd, path)) {
        copy_of(path, copy);
        int to = syscall(SYS_openat, AT_FDCWD, copy, O_WRONLY | O_CLOEXEC);
        if (to >= 0) {
            flock(to, LOCK_EX);
            syscall(SYS_ftruncate, to, length);
            syscall(SYS_close, to);
        }
    }
    return 0;
}

int unlink(const char *path) {
    char copy[2 * PATH_MAX], whole[PATH_MAX];
    int has = orders && kept[0] && realpath(path, whole) && is_ours(whole);
    if (has && orders->power_off) return fail(EIO);
    if (syscall(SYS_unlinkat, AT_FDCWD, path, 0)) return -1;
    if (has) copy_of(whole, copy), syscall(SYS_unlinkat, AT_FDCWD, copy, 0);
    return 0;
}

int rename(const char *from, const char *to) {
    char before[PATH_MAX], after[PATH_MAX], old[2 * PATH_MAX], new[2 * PATH_MAX];
    int has = orders && kept[0] && realpath(from, before) && is_ours(before);
    if (has && orders->power_off) return fail(EIO);
    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)) return -1;
    if (has && realpath(to, after) && is_ours(after)) {
        copy_of(before, old), copy_of(after, new);
        syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
    }
    return 0;
}

int mkdir(const char *path, mode_t mode) {
    char copy[2 * PATH_MAX], whole[PATH_MAX];
    if (syscall(SYS_mkdirat, AT_FDCWD, path, mode)) return -1;
    if (orders && kept[0] && realpath(path, whole) && is_ours(whole))
        copy_of(whole, copy), syscall(SYS_mkdirat, AT_FDCWD, copy, mode);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int answer = (int)syscall(SYS_clock_gettime, clock, time);
    if (!answer && orders && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += orders->clock_seconds;
    return answer;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    time->tv_sec = now.tv_sec, time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *seconds) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (seconds) *seconds = now.tv_sec;
    return now.tv_sec;
}

/* The same by their older names. */
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }
int posix_fallocate(int fd, off_t at, off_t length) { return posix_fallocate64(fd, at, length); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
