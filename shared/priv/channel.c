#include "config.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "priv/channel.h"

/* Space for one descriptor, aligned as a control message must be. */
union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int
channel_pair(int ends_r[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_r) ==
	    -1)
		return err_sys(err, "socketpair");
	return 0;
}

int
channel_send(int end, const void *msg, size_t len, int pass, struct err *err)
{
	union control control;
	/* sendmsg reads only; the interface lacks a const. */
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg,
	    .iov_len = len };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	assert(len > 0 && len <= CHANNEL_MESSAGE_MAX);
	memset(&control, 0, sizeof(control));
	if (pass != -1) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control.space);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pass, sizeof(int));
	}
	do {
		n = sendmsg(end, &header, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_sys(err, "message to another process");
	return 0;
}

static int
wait_readable(int end, uint64_t deadline, struct err *err)
{
	struct pollfd fd = { .fd = end, .events = POLLIN };
	uint64_t now;
	int r, timeout;

	for (;;) {
		now = clock_mono_ms();
		if (deadline == UINT64_MAX)
			timeout = -1;
		else if (now >= deadline)
			timeout = 0;
		else if (deadline - now > INT_MAX)
			timeout = INT_MAX;
		else
			timeout = (int)(deadline - now);
		r = poll(&fd, 1, timeout);
		if (r > 0)
			return 0;
		if (r == -1 && errno != EINTR)
			return err_sys(err, "poll");
		if (r == 0 && clock_mono_ms() >= deadline)
			return err_set(err, ERR_TEMP, "another process does "
			    "not answer in time");
	}
}

static int
passed_descriptor(struct msghdr *header)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

ssize_t
channel_recv(int end, void *buf, size_t size, int *passed_r,
    uint64_t deadline, struct err *err)
{
	union control control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control.space) };
	ssize_t n;
	int fd;

	memset(&control, 0, sizeof(control));
	do {
		if (wait_readable(end, deadline, err) == -1)
			return -1;
		n = recvmsg(end, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n == -1 && (errno == EINTR || errno == EAGAIN));
	if (n == -1 && errno == ECONNRESET)
		n = 0;
	if (n == -1)
		return err_sys(err, "message from another process");
	fd = passed_descriptor(&header);
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		if (fd != -1)
			(void)close(fd);
		return err_set(err, ERR_PROTO, "message from another process "
		    "is too long");
	}
	if (passed_r != NULL)
		*passed_r = fd;
	else if (fd != -1)
		(void)close(fd);
	return n;
}
