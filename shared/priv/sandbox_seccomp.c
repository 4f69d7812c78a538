/*
 * System call filters, made of one comparison per call.  For net a list of
 * what is allowed: it has few needs and meets strangers.  For stores a list of
 * what is refused: SQLite and the C library may use any call on files.
 *
 * A call that is not allowed fails with EPERM instead of ending the process,
 * since libraries try calls and have a second way (the sanitizers do).  Only
 * what no honest code of ours ever does ends it.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/array.h"
#include "priv/sandbox.h"

#if defined(__x86_64__)
#define OUR_ARCH	AUDIT_ARCH_X86_64
#define FOREIGN_BIT	0x40000000U	/* the x32 calls */
#elif defined(__aarch64__)
#define OUR_ARCH	AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH	AUDIT_ARCH_RISCV64
#endif

#define FILTER_MAX	256U	/* instructions */

#define LOAD(field)							\
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,				\
	    offsetof(struct seccomp_data, field))
#define RETURN(what)	BPF_STMT(BPF_RET | BPF_K, (what))
#define DENIED		(SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

#ifdef OUR_ARCH

static const int net_allowed[] = {
	__NR_read, __NR_write, __NR_readv, __NR_writev, __NR_close,
	__NR_recvfrom, __NR_sendto, __NR_recvmsg, __NR_sendmsg,
	__NR_shutdown, __NR_getsockopt, __NR_setsockopt, __NR_fcntl,
	__NR_ppoll, __NR_fstat, __NR_lseek, __NR_munmap, __NR_mremap,
	__NR_brk, __NR_madvise, __NR_futex, __NR_clock_gettime,
	__NR_clock_nanosleep, __NR_nanosleep, __NR_gettimeofday,
	__NR_getrandom, __NR_getpid, __NR_gettid, __NR_getuid, __NR_geteuid,
	__NR_getgid, __NR_getegid, __NR_rt_sigaction, __NR_rt_sigprocmask,
	__NR_rt_sigreturn, __NR_sigaltstack, __NR_tgkill, __NR_exit,
	__NR_exit_group, __NR_restart_syscall, __NR_sched_yield,
	__NR_sched_getaffinity,
#ifdef __NR_poll
	__NR_poll,
#endif
#ifdef __NR_time
	__NR_time,
#endif
};

/* What ends a process of either kind. */
static const int always_fatal[] = {
	__NR_execve, __NR_execveat, __NR_process_vm_writev,
#ifndef SANITIZED
	__NR_ptrace,
#endif
};

static const int store_denied[] = {
	__NR_socket, __NR_connect, __NR_bind, __NR_listen, __NR_accept,
	__NR_accept4, __NR_process_vm_readv, __NR_mount, __NR_umount2,
	__NR_pivot_root, __NR_chroot, __NR_unshare, __NR_setns, __NR_bpf,
	__NR_perf_event_open, __NR_keyctl, __NR_add_key, __NR_request_key,
	__NR_kexec_load, __NR_init_module, __NR_finit_module,
	__NR_delete_module, __NR_userfaultfd, __NR_reboot, __NR_swapon,
	__NR_swapoff, __NR_settimeofday, __NR_clock_settime, __NR_sethostname,
	__NR_quotactl, __NR_acct, __NR_mknodat, __NR_personality,
#ifdef __NR_mknod
	__NR_mknod,
#endif
#ifdef __NR_io_uring_setup
	__NR_io_uring_setup,
#endif
};

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void
emit(struct filter *filter, struct sock_filter instruction)
{
	if (filter->n < FILTER_MAX)
		filter->code[filter->n] = instruction;
	filter->n++;
}

static void
emit_calls(struct filter *filter, const int *calls, size_t count,
    uint32_t action)
{
	for (size_t i = 0; i < count; i++) {
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ |
		    BPF_K, (uint32_t)calls[i], 0, 1));
		emit(filter, (struct sock_filter)RETURN(action));
	}
}

/* Calls of another architecture have other numbers: none of them. */
static void
emit_begin(struct filter *filter)
{
	emit(filter, (struct sock_filter)LOAD(arch));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
	    OUR_ARCH, 1, 0));
	emit(filter, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	emit(filter, (struct sock_filter)LOAD(nr));
#ifdef FOREIGN_BIT
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
	    FOREIGN_BIT, 0, 1));
	emit(filter, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
#endif
	emit_calls(filter, always_fatal, nitems(always_fatal),
	    SECCOMP_RET_KILL_PROCESS);
}

/* Memory may be had, but not to run code from. */
static void
emit_memory(struct filter *filter, int call)
{
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
	    (uint32_t)call, 0, 4));
	emit(filter, (struct sock_filter)LOAD(args[2]));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
	    PROT_EXEC, 0, 1));
	emit(filter, (struct sock_filter)RETURN(DENIED));
	emit(filter, (struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
}

static int
filter_install(const struct filter *filter, struct sandbox_report *report,
    struct err *err)
{
	struct sock_fprog prog = { .len = filter->n,
	    /* The kernel copies it. */
	    .filter = (struct sock_filter *)(uintptr_t)filter->code };
	size_t len = strlen(report->off);

	if (filter->n > FILTER_MAX)
		return err_set(err, ERR_CONFIG, "filter too long");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0) {
		report->seccomp = true;
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return err_sys(err, "seccomp");
	snprintf(report->off + len, sizeof(report->off) - len,
	    "%sseccomp: the kernel has none", len > 0 ? "; " : "");
	return 0;
}

int
sandbox_calls_net(struct sandbox_report *report, struct err *err)
{
	struct filter filter = { .n = 0 };

	emit_begin(&filter);
	emit_calls(&filter, net_allowed, nitems(net_allowed),
	    SECCOMP_RET_ALLOW);
	emit_memory(&filter, __NR_mmap);
	emit_memory(&filter, __NR_mprotect);
	emit(&filter, (struct sock_filter)RETURN(DENIED));
	return filter_install(&filter, report, err);
}

int
sandbox_calls_store(struct sandbox_report *report, struct err *err)
{
	struct filter filter = { .n = 0 };

	emit_begin(&filter);
	emit_calls(&filter, store_denied, nitems(store_denied), DENIED);
	emit(&filter, (struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
	return filter_install(&filter, report, err);
}

#else

static int
no_filter(struct sandbox_report *report)
{
	size_t len = strlen(report->off);

	snprintf(report->off + len, sizeof(report->off) - len,
	    "%sseccomp: not built for this processor", len > 0 ? "; " : "");
	return 0;
}

int
sandbox_calls_net(struct sandbox_report *report, struct err *err)
{
	(void)err;
	return no_filter(report);
}

int
sandbox_calls_store(struct sandbox_report *report, struct err *err)
{
	(void)err;
	return no_filter(report);
}

#endif
