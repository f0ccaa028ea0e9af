/* The limit: what C reaches with the same system calls and the same batches.
 *
 *   limit pairs COUNT SIZE BATCH     send and receive in one thread
 *   limit receive COUNT SIZE BATCH   the same, of which receiving is measured
 *   limit send COUNT SIZE BATCH      the same, of which sending is measured
 *   limit tcp-bulk BYTES CHUNK       one connection, one thread each side
 *   limit udp-echo COUNT SIZE APART  round trips, one in flight
 *   limit tcp-echo COUNT SIZE APART  the same over one connection
 *
 * Prints one line: work done, seconds, CPU seconds of user and system. For
 * round trips p50 and p99 in microseconds; APART is 1 for a server in a
 * process of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_BATCH 64
#define MAX_SIZE 65536

static char data[MAX_BATCH][MAX_SIZE];
static struct mmsghdr messages[MAX_BATCH];
static struct iovec vectors[MAX_BATCH];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

struct cpu {
  double user, system;
};

static struct cpu cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (struct cpu){r.ru_utime.tv_sec + r.ru_utime.tv_usec / 1e6,
                      r.ru_stime.tv_sec + r.ru_stime.tv_usec / 1e6};
}

static void add(struct cpu *sum, struct cpu start, struct cpu end) {
  sum->user += end.user - start.user;
  sum->system += end.system - start.system;
}

static void report(double work, double seconds, struct cpu spent) {
  printf("%.0f %.6f %.6f %.6f\n", work, seconds, spent.user, spent.system);
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return address;
}

static int bound(int type) {
  int fd = socket(AF_INET, type, 0);
  struct sockaddr_in address = loopback(0);
  if (fd < 0 || bind(fd, (void *)&address, sizeof address)) fail("bind");
  return fd;
}

static struct sockaddr_in name_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (void *)&address, &length)) fail("getsockname");
  return address;
}

static void prepare(int size, int batch) {
  for (int i = 0; i < batch; i++) {
    vectors[i] = (struct iovec){data[i], size};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i],
                                          .msg_iovlen = 1};
  }
}

/* Fills the receive buffer of one socket from another, and empties it. */
static void one_way(long count, int size, int batch, int rounds,
                    int sending_counts, int receiving_counts) {
  int receiver = bound(SOCK_DGRAM), sender = bound(SOCK_DGRAM);
  struct sockaddr_in to = name_of(receiver);
  if (connect(sender, (void *)&to, sizeof to)) fail("connect");
  prepare(size, batch);
  double seconds = 0;
  struct cpu spent = {0, 0};
  for (long done = 0; done < count; done += (long)batch * rounds) {
    struct cpu cpu_start = cpu();
    double start = now();
    for (int i = 0; i < rounds; i++) {
      if (sendmmsg(sender, messages, batch, MSG_DONTWAIT) != batch) {
        fail("send");
      }
    }
    double middle = now();
    struct cpu cpu_middle = cpu();
    for (int left = batch * rounds; left > 0;) {
      int ask = left < batch ? left : batch;
      int got = recvmmsg(receiver, messages, ask, MSG_DONTWAIT, NULL);
      if (got > 0) left -= got;
      else if (errno != EAGAIN) fail("receive");
    }
    double end = now();
    struct cpu cpu_end = cpu();
    if (sending_counts) {
      seconds += middle - start;
      add(&spent, cpu_start, cpu_middle);
    }
    if (receiving_counts) {
      seconds += end - middle;
      add(&spent, cpu_middle, cpu_end);
    }
  }
  report(count, seconds, spent);
}

static void no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* A connection: the ends of the client and of the server. */
static void connection(int fds[2]) {
  int listener = bound(SOCK_STREAM);
  struct sockaddr_in to = name_of(listener);
  if (listen(listener, 1)) fail("listen");
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fds[0], (void *)&to, sizeof to)) fail("connect");
  fds[1] = accept(listener, NULL, NULL);
  no_delay(fds[0]);
  no_delay(fds[1]);
}

/* Two datagram sockets, each connected to the other. */
static void datagrams(int fds[2]) {
  for (int i = 0; i < 2; i++) fds[i] = bound(SOCK_DGRAM);
  for (int i = 0; i < 2; i++) {
    struct sockaddr_in to = name_of(fds[!i]);
    if (connect(fds[i], (void *)&to, sizeof to)) fail("connect");
  }
}

static void move(int from, int to, long size) {
  for (long left = size; left > 0;) {
    ssize_t got = read(from, data[0], left);
    if (got <= 0) fail("read");
    left -= got;
  }
  if (write(to, data[0], size) != size) fail("write");
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void echo(int fds[2], long count, long size, int apart) {
  double *trips = malloc(count * sizeof *trips);
  pid_t server = apart ? fork() : 0;
  if (server < 0 || !trips) fail("start");
  if (apart && !server) {
    for (;;) move(fds[1], fds[1], size);
  }
  for (long i = 0; i < count; i++) {
    double start = now();
    if (write(fds[0], data[1], size) != size) fail("write");
    if (!apart) move(fds[1], fds[1], size);
    for (long left = size; left > 0;) {
      ssize_t got = read(fds[0], data[1], left);
      if (got <= 0) fail("read");
      left -= got;
    }
    trips[i] = (now() - start) * 1e6;
  }
  if (apart) kill(server, SIGKILL);
  qsort(trips, count, sizeof *trips, ascending);
  printf("%.3f %.3f\n", trips[count / 2], trips[count * 99 / 100]);
}

struct peer {
  int fd;
  int chunk;
};

static void *drain(void *argument) {
  struct peer *peer = argument;
  static char buffer[MAX_SIZE];
  while (read(peer->fd, buffer, peer->chunk) > 0) continue;
  return NULL;
}

static void tcp_bulk(long bytes, int size) {
  int fds[2];
  connection(fds);
  struct peer peer = {fds[1], size};
  pthread_t thread;
  pthread_create(&thread, NULL, drain, &peer);
  struct cpu cpu_start = cpu(), spent = {0, 0};
  double start = now();
  for (long sent = 0; sent < bytes; sent += size) {
    if (write(fds[0], data[0], size) != size) fail("write");
  }
  shutdown(fds[0], SHUT_WR);
  pthread_join(thread, NULL);
  double seconds = now() - start;
  add(&spent, cpu_start, cpu());
  report(bytes, seconds, spent);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0;
  long c = argc > 4 ? atol(argv[4]) : 0;
  int fds[2];
  if (!strcmp(mode, "pairs")) one_way(a, b, c, 1, 1, 1);
  else if (!strcmp(mode, "receive")) one_way(a, b, c, 3, 0, 1);
  else if (!strcmp(mode, "send")) one_way(a, b, c, 3, 1, 0);
  else if (!strcmp(mode, "tcp-bulk")) tcp_bulk(a, b);
  else if (!strcmp(mode, "udp-echo")) datagrams(fds), echo(fds, a, b, c);
  else if (!strcmp(mode, "tcp-echo")) connection(fds), echo(fds, a, b, c);
  else return 2;
  return 0;
}
