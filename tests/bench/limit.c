/* The limit: what C reaches with the same system calls and the same batches.
 *
 *   limit pairs COUNT SIZE BATCH     send and receive in one thread
 *   limit receive COUNT SIZE BATCH   the same, of which receiving is measured
 *   limit send COUNT SIZE BATCH      the same, of which sending is measured
 *   limit tcp-echo COUNT SIZE        round trips over one connection
 *   limit tcp-bulk BYTES CHUNK       one connection, one thread each side
 *
 * Prints one line: work done, seconds, CPU seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static double cpu(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void report(double work, double seconds, double cpu_seconds) {
  printf("%.0f %.6f %.6f\n", work, seconds, cpu_seconds);
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
  double seconds = 0, cpu_seconds = 0;
  for (long done = 0; done < count; done += (long)batch * rounds) {
    double start = now(), cpu_start = cpu(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < rounds; i++) {
      if (sendmmsg(sender, messages, batch, MSG_DONTWAIT) != batch) {
        fail("send");
      }
    }
    double middle = now(), cpu_middle = cpu(CLOCK_PROCESS_CPUTIME_ID);
    for (int left = batch * rounds; left > 0;) {
      int ask = left < batch ? left : batch;
      int got = recvmmsg(receiver, messages, ask, MSG_DONTWAIT, NULL);
      if (got > 0) left -= got;
      else if (errno != EAGAIN) fail("receive");
    }
    double end = now(), cpu_end = cpu(CLOCK_PROCESS_CPUTIME_ID);
    if (sending_counts) {
      seconds += middle - start;
      cpu_seconds += cpu_middle - cpu_start;
    }
    if (receiving_counts) {
      seconds += end - middle;
      cpu_seconds += cpu_end - cpu_middle;
    }
  }
  report(count, seconds, cpu_seconds);
}

static void no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct peer {
  int fd;
  long bytes;
  int chunk;
};

static void *echo(void *argument) {
  struct peer *peer = argument;
  static char buffer[MAX_SIZE];
  ssize_t got;
  while ((got = read(peer->fd, buffer, sizeof buffer)) > 0) {
    if (write(peer->fd, buffer, got) != got) fail("write");
  }
  return NULL;
}

static void *drain(void *argument) {
  struct peer *peer = argument;
  static char buffer[MAX_SIZE];
  ssize_t got;
  while ((got = read(peer->fd, buffer, peer->chunk)) > 0) peer->bytes += got;
  return NULL;
}

static void tcp(void *(*serve)(void *), int size, long count, long bytes) {
  int listener = bound(SOCK_STREAM);
  struct sockaddr_in to = name_of(listener);
  if (listen(listener, 1)) fail("listen");
  int client = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(client, (void *)&to, sizeof to)) fail("connect");
  struct peer peer = {.fd = accept(listener, NULL, NULL), .chunk = size};
  no_delay(client);
  no_delay(peer.fd);
  pthread_t thread;
  pthread_create(&thread, NULL, serve, &peer);
  double start = now(), cpu_start = cpu(CLOCK_PROCESS_CPUTIME_ID);
  for (long i = 0; i < count; i++) {
    if (write(client, data[0], size) != size) fail("write");
    for (int left = size; left > 0;) {
      ssize_t got = read(client, data[1], left);
      if (got <= 0) fail("read");
      left -= got;
    }
  }
  for (long sent = 0; sent < bytes; sent += size) {
    if (write(client, data[0], size) != size) fail("write");
  }
  shutdown(client, SHUT_WR);
  pthread_join(thread, NULL);
  report(count ? count : bytes, now() - start,
         cpu(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0;
  long c = argc > 4 ? atol(argv[4]) : 0;
  if (!strcmp(mode, "pairs")) one_way(a, b, c, 1, 1, 1);
  else if (!strcmp(mode, "receive")) one_way(a, b, c, 3, 0, 1);
  else if (!strcmp(mode, "send")) one_way(a, b, c, 3, 1, 0);
  else if (!strcmp(mode, "tcp-echo")) tcp(echo, b, a, 0);
  else if (!strcmp(mode, "tcp-bulk")) tcp(drain, b, 0, a);
  else return 2;
  return 0;
}
