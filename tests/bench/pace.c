/* Datagrams at a steady pace, to a port of the loopback address.
 *
 *   pace send PORT COUNT INTERVAL        sends one each interval
 *   pace ask PORT COUNT INTERVAL WINDOW  asks one question each interval, with
 *                                        at most so many unanswered
 *
 * Intervals are nanoseconds. Each datagram begins with the moment at which it
 * was sent, in nanoseconds of CLOCK_MONOTONIC: the clock that all processes of
 * a system have in common. `ask` wants its questions back, and prints p50 and
 * p99 of the time from question to answer, in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define SIZE 64
#define SECOND 1000000000L

static char data[SIZE];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

static struct timespec timespec_of(int64_t nanoseconds) {
  return (struct timespec){nanoseconds / SECOND, nanoseconds % SECOND};
}

static int connected(int port) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || connect(fd, (void *)&to, sizeof to)) fail("connect");
  return fd;
}

static void send_stamped(int fd) {
  int64_t stamp = now();
  memcpy(data, &stamp, sizeof stamp);
  if (send(fd, data, SIZE, 0) != SIZE) fail("send");
}

static void send_steadily(int fd, long count, int64_t interval) {
  int64_t due = now();
  for (long i = 0; i < count; i++) {
    struct timespec until = timespec_of(due += interval);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    send_stamped(fd);
  }
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void ask(int fd, long count, int64_t interval, long window) {
  double *trips = malloc(count * sizeof *trips);
  if (!trips) fail("start");
  int64_t start = now();
  for (long asked = 0, answered = 0; answered < count;) {
    int may_ask = asked < count && asked - answered < window;
    int64_t wait = may_ask ? start + asked * interval - now() : SECOND;
    if (wait <= 0) {
      send_stamped(fd);
      asked++;
      continue;
    }
    struct timespec timeout = timespec_of(wait);
    struct pollfd readable = {fd, POLLIN, 0};
    int ready = ppoll(&readable, 1, &timeout, NULL);
    if (ready < 0) fail("poll");
    if (!ready && may_ask) continue;
    int64_t stamp;
    if (!ready || recv(fd, data, SIZE, 0) != SIZE) fail("answer");
    memcpy(&stamp, data, sizeof stamp);
    trips[answered++] = (now() - stamp) / 1e3;
  }
  qsort(trips, count, sizeof *trips, ascending);
  printf("%.3f %.3f\n", trips[count / 2], trips[count * 99 / 100]);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  /* Otherwise each sleep is up to 50 microseconds too long. */
  prctl(PR_SET_TIMERSLACK, 1);
  int fd = connected(atoi(argv[2]));
  long count = atol(argv[3]), interval = atol(argv[4]);
  if (!strcmp(argv[1], "send")) send_steadily(fd, count, interval);
  else if (!strcmp(argv[1], "ask") && argc > 5) {
    ask(fd, count, interval, atol(argv[5]));
  } else return 2;
  return 0;
}
