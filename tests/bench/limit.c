/* The limit: what C reaches with the same system calls and the same batches.
 *
 *   limit pairs COUNT SIZE BATCH     send and receive in one thread
 *   limit flood PORT SIZE BATCH MS   send to a port
 *   limit sink SIZE BATCH MS         receive; prints its port first
 *   limit tcp-echo COUNT SIZE        round trips over one connection
 *   limit tcp-bulk BYTES CHUNK       one connection, one thread each side
 *
 * Prints one line: work done, seconds, user and system CPU seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
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

static void report(double work, double start) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("%.0f %.6f %.6f %.6f\n", work, now() - start,
         use.ru_utime.tv_sec + use.ru_utime.tv_usec / 1e6,
         use.ru_stime.tv_sec + use.ru_stime.tv_usec / 1e6);
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

static void pairs(long count, int size, int batch) {
  int receiver = bound(SOCK_DGRAM), sender = bound(SOCK_DGRAM);
  struct sockaddr_in to = name_of(receiver);
  if (connect(sender, (void *)&to, sizeof to)) fail("connect");
  prepare(size, batch);
  double start = now();
  for (long done = 0; done < count; done += batch) {
    if (sendmmsg(sender, messages, batch, MSG_DONTWAIT) != batch) fail("send");
    for (int left = batch; left > 0;) {
      int got = recvmmsg(receiver, messages, left, MSG_DONTWAIT, NULL);
      if (got > 0) left -= got;
      else if (errno != EAGAIN) fail("receive");
    }
  }
  report(count, start);
}

static void flood(int port, int size, int batch, int milliseconds) {
  int sender = bound(SOCK_DGRAM);
  struct sockaddr_in to = loopback(port);
  if (connect(sender, (void *)&to, sizeof to)) fail("connect");
  prepare(size, batch);
  double start = now(), end = start + milliseconds / 1e3;
  double sent = 0;
  while (now() < end) {
    int done = sendmmsg(sender, messages, batch, 0);
    if (done > 0) sent += done;
    else if (errno != ECONNREFUSED) fail("send");
  }
  report(sent, start);
}

static void sink(int size, int batch, int milliseconds) {
  int receiver = bound(SOCK_DGRAM);
  printf("%d\n", ntohs(name_of(receiver).sin_port));
  fflush(stdout);
  struct timeval patience = {.tv_usec = 100000};
  setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  prepare(size, batch);
  while (recv(receiver, data[0], size, 0) < 0) {}
  double start = now(), end = start + milliseconds / 1e3;
  double received = 0;
  while (now() < end) {
    int got = recvmmsg(receiver, messages, batch, MSG_WAITFORONE, NULL);
    if (got > 0) received += got;
  }
  report(received, start);
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
  double start = now();
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
  report(count ? count : bytes, start);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0;
  long c = argc > 4 ? atol(argv[4]) : 0, d = argc > 5 ? atol(argv[5]) : 0;
  if (!strcmp(mode, "pairs")) pairs(a, b, c);
  else if (!strcmp(mode, "flood")) flood(a, b, c, d);
  else if (!strcmp(mode, "sink")) sink(a, b, c);
  else if (!strcmp(mode, "tcp-echo")) tcp(echo, b, a, 0);
  else if (!strcmp(mode, "tcp-bulk")) tcp(drain, b, 0, a);
  else return 2;
  return 0;
}
