/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control file /dev/systemtap/<MODULE>: the reader's side of the transport. ABI.md has the protocol. */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

/* A reader's buffer should hold a ring; with less than a unit's size, read fails with -EMSGSIZE. */
#define TAP_READ_LEAST 4096
#define TAP_PACE_NS    (10 * NSEC_PER_MSEC)

static struct tap_ring *ring_at(struct tap_session *s, uint32_t i)
{
	return s->lanes[i] ? &s->lanes[i]->ring : NULL;
}

static void wake_work(struct work_struct *work)
{
	wake_up_all(&tap_session.readable);
}

/* A wait queue's lock sleeps on an RT kernel: there a worker wakes the reader. */
void tap_reader_wake(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		schedule_work(&tap_session.wake_work);
	else
		wake_up_all(&tap_session.readable);
}

static enum hrtimer_restart pace(struct hrtimer *timer)
{
	tap_reader_wake();
	return HRTIMER_NORESTART;
}

/* What there is that the reader has not been given, as TAP_WAIT_* bits. */
static uint32_t reader_news(struct tap_session *s)
{
	struct tap_reader *r = &s->reader;
	uint32_t i, news = 0;

	if ((uint32_t)atomic_read(&s->states) != r->states ||
	    READ_ONCE(tap_session_state) == TAP_STATE_DONE || waitqueue_active(&s->room))
		return TAP_WAIT_URGENT;
	if (r->delivering)
		news = TAP_WAIT_DATA;
	if (r->held && tap_watermark() > r->sent)
		news |= TAP_WAIT_WATERMARK;
	for (i = 0; i < s->lane_count; i++) {
		struct tap_ring *ring = ring_at(s, i);
		uint64_t used = ring ? smp_load_acquire(&ring->head) - ring->tail : 0;

		if (used)
			news |= TAP_WAIT_DATA;
		if (ring && used > ring->size / 2)
			return TAP_WAIT_URGENT;
	}
	return news;
}

/*
 * Whether the reader should go on; else it sleeps. It says what it waits for, then looks. Units wait up to
 * TAP_PACE_NS after those before them: a probe on what the reader itself does (vfs_read) would otherwise keep
 * it running for ever.
 */
static bool reader_ready(void)
{
	struct tap_session *s = tap_self();
	struct tap_reader *r = &s->reader;
	bool early = tap_clock_monotonic_ns() < (int64_t)READ_ONCE(r->next);
	uint32_t news;

	WRITE_ONCE(s->waiting, early	 ? TAP_WAIT_URGENT
			       : r->held ? TAP_WAIT_URGENT | TAP_WAIT_DATA | TAP_WAIT_WATERMARK
					 : TAP_WAIT_URGENT | TAP_WAIT_DATA);
	smp_mb();
	news = reader_news(s);
	if (!early || (news & TAP_WAIT_URGENT))
		return news;
	/* Early: what is there, or comes meanwhile, is looked at then. */
	hrtimer_start(&s->pace, ns_to_ktime(READ_ONCE(r->next)), HRTIMER_MODE_ABS_HARD);
	return false;
}

struct fill {
	char __user *at;
	size_t room;
	size_t done;
};

static int put_chunk(struct fill *fill, uint32_t kind, uint32_t ring, const void *data, uint32_t size,
		     uint32_t state)
{
	struct tap_chunk chunk = {
	    .kind = kind,
	    .ring = ring,
	    .size = size,
	    .state = state,
	    .watermark = tap_session.reader.sent,
	};

	if (copy_to_user(fill->at, &chunk, sizeof(chunk)) ||
	    (size && copy_to_user(fill->at + sizeof(chunk), data, size)))
		return -EFAULT;
	fill->at += sizeof(chunk) + size;
	fill->room -= sizeof(chunk) + size;
	fill->done += sizeof(chunk) + size;
	return 0;
}

/* Bytes of whole units from `tail` that fit in `room`. */
static uint64_t whole_units(const struct tap_ring *ring, uint64_t tail, uint64_t head, uint64_t room)
{
	uint64_t end = tail;

	if (head - tail <= room)
		return head - tail;
	while (end < head) {
		const struct tap_unit_header *unit = (const void *)(ring->data + (end & (ring->size - 1)));

		if (end + unit->size - tail > room)
			break;
		end += unit->size;
	}
	return end - tail;
}

static int fill_states(struct fill *fill)
{
	struct tap_session *s = tap_self();
	struct tap_reader *r = &s->reader;
	static const uint8_t order[] = {TAP_STATE_RUNNING, TAP_STATE_STOPPING, TAP_STATE_ERROR};
	uint32_t i, states = atomic_read(&s->states);

	for (i = 0; i < ARRAY_SIZE(order) && fill->room >= sizeof(struct tap_chunk); i++) {
		uint32_t bit = 1u << order[i];

		if (!(states & ~r->states & bit))
			continue;
		if (put_chunk(fill, TAP_CHUNK_STATE, 0, NULL, 0, order[i]))
			return -EFAULT;
		r->states |= bit;
	}
	return 0;
}

/* A new snapshot: first the watermark, then the heads (tap_watermark ends in a barrier). */
static void snapshot(void)
{
	struct tap_session *s = tap_self();
	struct tap_reader *r = &s->reader;
	uint32_t i;

	r->watermark = tap_watermark();
	r->delivering = r->held && r->watermark > r->sent;
	for (i = 0; i < s->lane_count; i++) {
		struct tap_ring *ring = ring_at(s, i);

		if (!ring)
			continue;
		r->heads[i] = smp_load_acquire(&ring->head);
		if (r->heads[i] != ring->tail)
			r->delivering = true;
	}
}

/* The units of one ring, up to the snapshot: 1 when all are given, 0 when the buffer is full. */
static int fill_ring(struct fill *fill, uint32_t i)
{
	struct tap_session *s = tap_self();
	struct tap_ring *ring = ring_at(s, i);
	uint64_t n;

	if (!ring || ring->tail == s->reader.heads[i])
		return 1;
	if (fill->room <= sizeof(struct tap_chunk))
		return 0;
	n = whole_units(ring, ring->tail, s->reader.heads[i], fill->room - sizeof(struct tap_chunk));
	if (!n)
		return fill->done ? 0 : -EMSGSIZE;
	if (put_chunk(fill, TAP_CHUNK_DATA, i, ring->data + (ring->tail & (ring->size - 1)), n,
		      READ_ONCE(tap_session_state)))
		return -EFAULT;
	smp_store_release(&ring->tail, ring->tail + n);
	if (s->lanes[i] == s->self)
		wake_up_all(&s->room);
	return ring->tail == s->reader.heads[i];
}

/* As much as fits; 0: nothing is there. */
static ssize_t fill_buffer(struct fill *fill)
{
	struct tap_session *s = tap_self();
	struct tap_reader *r = &s->reader;
	uint32_t i;
	int rc = fill_states(fill);

	if (rc)
		return rc;
	if (!r->delivering)
		snapshot();
	for (i = 0; r->delivering && i < s->lane_count; i++) {
		rc = fill_ring(fill, i);
		if (rc < 0)
			return fill->done ? (ssize_t)fill->done : rc;
		if (!rc)
			return fill->done;
	}
	if (!r->delivering || fill->room < sizeof(struct tap_chunk))
		return fill->done;
	/* The snapshot is out: its watermark holds now. Units that are still at or above it wait for the
	 * next. */
	r->sent = r->watermark;
	r->held = r->watermark <= (uint64_t)atomic64_read(&s->counter);
	r->delivering = false;
	WRITE_ONCE(r->next, tap_clock_monotonic_ns() + TAP_PACE_NS);
	rc = put_chunk(fill, TAP_CHUNK_WATERMARK, 0, NULL, 0, READ_ONCE(tap_session_state));
	return rc ? rc : (ssize_t)fill->done;
}

static ssize_t tap_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	struct tap_session *s = tap_self();
	struct tap_reader *r = &s->reader;
	struct fill fill = {.at = buffer, .room = min_t(size_t, size, INT_MAX &PAGE_MASK)};
	ssize_t n;

	if (size < TAP_READ_LEAST)
		return -EINVAL;
	if (mutex_lock_interruptible(&r->lock))
		return -ERESTARTSYS;
	do {
		/* Read before the rings: after DONE nothing is added. */
		bool done = smp_load_acquire(&tap_session_state) == TAP_STATE_DONE;

		n = 0;
		if (!(file->f_flags & O_NONBLOCK) && !done)
			n = wait_event_interruptible(s->readable, reader_ready());
		if (!n)
			n = fill_buffer(&fill);
		if (!n && done) {
			r->states |= 1u << TAP_STATE_DONE;
			break;
		}
		if (!n && (file->f_flags & O_NONBLOCK))
			n = -EAGAIN;
	} while (!n);
	mutex_unlock(&r->lock);
	return n;
}

static __poll_t tap_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &tap_session.readable, wait);
	return reader_ready() ? EPOLLIN | EPOLLRDNORM : 0;
}

static long info(void __user *to)
{
	struct tap_session *s = tap_self();
	struct tap_info info = {
	    .abi = TAP_ABI,
	    .rings = s->lane_count,
	    .formats = s->program->format_count,
	    .formats_bytes = s->formats_bytes,
	    .state = READ_ONCE(tap_session_state),
	    .probes = s->sites_placed,
	};

	/* It ends in zeros. strscpy(), the only one here, would cost every module three imported symbols. */
	static_assert(sizeof(info.name) >= sizeof(THIS_MODULE->name));
	memcpy(info.name, THIS_MODULE->name, sizeof(THIS_MODULE->name));
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long formats(void __user *from)
{
	struct tap_session *s = tap_self();
	struct tap_formats_request request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	if (request.size < s->formats_bytes)
		return -ENOSPC;
	return copy_to_user(u64_to_user_ptr(request.address), s->formats, s->formats_bytes) ? -EFAULT : 0;
}

static long tap_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct tap_start start;
	struct tap_stats stats;

	switch (command) {
	case TAP_IOC_INFO:
		return info(user);
	case TAP_IOC_FORMATS:
		return formats(user);
	case TAP_IOC_START:
		if (copy_from_user(&start, user, sizeof(start)))
			return -EFAULT;
		return tap_session_start(&start);
	case TAP_IOC_STOP:
		return tap_session_stop(false);
	case TAP_IOC_STATS:
		tap_session_stats(&stats);
		return copy_to_user(user, &stats, sizeof(stats)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static int tap_open(struct inode *inode, struct file *file)
{
	if (atomic_cmpxchg(&tap_session.open, 0, 1) != 0)
		return -EBUSY;
	tap_session.reader_pid = current->tgid;
	return nonseekable_open(inode, file);
}

/* The reader is gone: whatever the session was doing ends, and the module can be unloaded. */
static int tap_release(struct inode *inode, struct file *file)
{
	if (tap_session.phase == TAP_STARTED)
		tap_session_stop(true);
	atomic_set(&tap_session.open, 0);
	return 0;
}

static const struct file_operations tap_file_operations = {
    .owner = THIS_MODULE,
    .open = tap_open,
    .release = tap_release,
    .read = tap_read,
    .poll = tap_poll,
    .unlocked_ioctl = tap_ioctl,
};

/* uint32_t length, text, uint32_t number of arguments, their letters; zeros up to a multiple of 4. */
static int formats_init(void)
{
	struct tap_session *s = tap_self();
	uint64_t bytes = 0;
	uint8_t *at;
	uint32_t i;

	for (i = 0; i < s->program->format_count; i++) {
		const struct tap_format *format = &s->program->formats[i];

		bytes += ALIGN(8ull + format->length + strlen(format->args), 4);
	}
	if (bytes > INT_MAX)
		return -E2BIG;
	s->formats = at = kvzalloc(bytes ? bytes : 4, GFP_KERNEL);
	if (!at)
		return -ENOMEM;
	s->formats_bytes = bytes;
	for (i = 0; i < s->program->format_count; i++) {
		const struct tap_format *format = &s->program->formats[i];
		uint32_t count = strlen(format->args);

		memcpy(at, &format->length, 4);
		memcpy(at + 4, format->text, format->length);
		memcpy(at + 4 + format->length, &count, 4);
		memcpy(at + 8 + format->length, format->args, count);
		at += ALIGN(8 + format->length + count, 4);
	}
	return 0;
}

int tap_transport_init(void)
{
	struct tap_session *s = tap_self();
	int rc = formats_init();

	if (rc)
		return rc;
	mutex_init(&s->reader.lock);
	INIT_WORK(&s->wake_work, wake_work);
	hrtimer_init(&s->pace, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	s->pace.function = pace;
	s->reader.sent = 1;
	s->reader.heads = kvcalloc(s->lane_count, sizeof(*s->reader.heads), GFP_KERNEL);
	if (!s->reader.heads) {
		rc = -ENOMEM;
		goto fail;
	}
	/* In sysfs the name has '!' for '/': no clash with the names of other devices. */
	scnprintf(s->device_name, sizeof(s->device_name), "systemtap!%s", THIS_MODULE->name);
	scnprintf(s->node_name, sizeof(s->node_name), "systemtap/%s", THIS_MODULE->name);
	s->device = (struct miscdevice){
	    .minor = MISC_DYNAMIC_MINOR,
	    .name = s->device_name,
	    .nodename = s->node_name,
	    .fops = &tap_file_operations,
	    .mode = 0600,
	};
	rc = misc_register(&s->device);
	if (!rc)
		return 0;
	kvfree(s->reader.heads);
fail:
	kvfree(s->formats);
	return rc;
}

void tap_transport_exit(void)
{
	struct tap_session *s = tap_self();

	misc_deregister(&s->device);
	hrtimer_cancel(&s->pace);
	flush_work(&s->wake_work);
	kvfree(s->reader.heads);
	kvfree(s->formats);
}

TAP_SMALL_END
