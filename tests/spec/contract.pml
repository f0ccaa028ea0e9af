/*
 * The contract of a session: buffers, requests, notification, close, and
 * completions that come late.
 *
 * SPIN looks at every state that can be reached (`spin.ts`); its simulations
 * are the traces that are replayed on the systems (`replay.ts`), step by step.
 *
 * EAGER   1: what can complete has completed at once, as on Linux;
 *         0: when the system gets to it, as on Windows
 * TRACES  0: one life, to be checked; otherwise so many lives, one after the
 *         other, each step printed
 * STEPS   of each life
 */
#define BUFFERS 3
#define SOCKETS 2
#ifndef REQUESTS
#define REQUESTS 4
#endif
#ifndef EAGER
#define EAGER 0
#endif
#ifndef TRACES
#define TRACES 0
#endif
#ifndef STEPS
#define STEPS 16
#endif
/* Receives, and sends, of one socket that can be outstanding. */
#define LIMIT 2
/* A send uses the memory of its data and of its address. */
#define USES(r) (is_send[r] -> 2 : 1)
/* The system may read or write the memory of a request. */
#define IN_FLIGHT(r) (at[r] == flying || at[r] == ready || at[r] == queued)

#if TRACES
#define say1(text) said = true; printf(text)
#define say2(text, a) said = true; printf(text, a)
#define say3(text, a, b) said = true; printf(text, a, b)
#define say5(text, a, b, c, d) said = true; printf(text, a, b, c, d)
#else
#define say1(text) skip
#define say2(text, a) skip
#define say3(text, a, b) skip
#define say5(text, a, b, c, d) skip
#endif

/*
 * Where a request is: not posted; in the system, where it waits for a datagram
 * or is about to complete; in the queue; dequeued on behalf of somebody else
 * and kept; seen by the program.
 */
mtype = { unborn, flying, ready, queued, kept, seen };
/* A registration: until it ends; until its last request has; not any more. */
mtype = { registered, closing, gone };

mtype at[REQUESTS];
bool is_send[REQUESTS];
byte request_socket[REQUESTS];
byte request_buffer[REQUESTS];
byte posted;

mtype buffer[BUFFERS];
byte uses[BUFFERS];
/* Of buffers and sockets that are alike, the first is used. */
bool touched_buffer[BUFFERS];
bool touched_socket[SOCKETS];
#define FIRST_BUFFER (b == 0 || touched_buffer[b - 1])
#define FIRST_SOCKET (s == 0 || touched_socket[s - 1])

bool socket_open[SOCKETS];
/* A datagram that no receive has taken. */
bool waits_datagram[SOCKETS];

bool queue_open;
bool waiting;
/* The notification that was armed has fired. */
bool fired;
bool over;
/*
 * Nobody can dequeue any more, and nothing new comes: the session looks for what
 * is left by itself, some time.
 */
#define DRAINS (!queue_open && !socket_open[0] && !socket_open[1])

byte b, s, k;
byte r, count, bits;
#if TRACES
short step, life;
bool said;
#endif

/* The one place where a registration ends. */
inline release(which) {
  assert(buffer[which] != gone);
  for (count : 0 .. REQUESTS - 1) {
    assert(!(IN_FLIGHT(count) && request_buffer[count] == which))
  }
  buffer[which] = gone
}

/* A completion reaches the queue. */
inline enqueue(which) {
  at[which] = queued;
  if :: waiting && queue_open -> fired = true :: else fi
}

/* A request can complete. */
inline complete(which) {
  if
  :: EAGER -> enqueue(which)
  :: else -> at[which] = ready
  fi
}

/* A completion was dequeued: its memory is the program's again. */
inline dequeued(which, where) {
  assert(at[which] == queued);
  at[which] = where;
  uses[request_buffer[which]] = uses[request_buffer[which]] - USES(which);
  if
  :: uses[request_buffer[which]] == 0 &&
     buffer[request_buffer[which]] == closing ->
     release(request_buffer[which])
  :: else
  fi
}

/* Dequeues for somebody else: what is dequeued is kept, while it can be asked for. */
inline pull() {
  for (r : 0 .. REQUESTS - 1) {
    if
    :: at[r] == queued && queue_open -> dequeued(r, kept)
    :: at[r] == queued && !queue_open -> dequeued(r, seen)
    :: else
    fi
  }
}

inline close_socket(which) {
  socket_open[which] = false;
  waits_datagram[which] = false;
  for (r : 0 .. REQUESTS - 1) {
    if
    :: at[r] == flying && request_socket[r] == which -> complete(r)
    :: else
    fi
  }
}

inline system() {
  for (r : 0 .. REQUESTS - 1) {
    if :: at[r] == ready -> enqueue(r) :: else fi
  }
}

/* How many requests are somewhere. */
inline count_at(where) {
  count = 0;
  for (r : 0 .. REQUESTS - 1) {
    if :: at[r] == where -> count++ :: else fi
  }
}

/* How many of a kind are outstanding on a socket. */
inline count_outstanding(which, sends) {
  count = 0;
  for (r : 0 .. REQUESTS - 1) {
    if
    :: IN_FLIGHT(r) && request_socket[r] == which && is_send[r] == sends ->
       count++
    :: else
    fi
  }
}

/* What a request was is of no consequence once it was seen. */
inline forget() {
  for (r : 0 .. REQUESTS - 1) {
    if
    :: at[r] == seen ->
       is_send[r] = false;
       request_socket[r] = 0;
       request_buffer[r] = 0
    :: at[r] == kept ->
       is_send[r] = false;
       request_socket[r] = 0;
       request_buffer[r] = 0
    :: else
    fi
  }
}

inline do_post() {
  count_outstanding(s, k);
  if
  :: posted < REQUESTS && queue_open && socket_open[s] &&
     buffer[b] == registered && count < LIMIT && FIRST_SOCKET && FIRST_BUFFER ->
     touched_socket[s] = true;
     touched_buffer[b] = true;
     r = posted;
     posted++;
     is_send[r] = k;
     request_socket[r] = s;
     request_buffer[r] = b;
     uses[b] = uses[b] + USES(r);
     say5("post %d %d %d %d\n", r, k, s, b);
     if
     :: k == 1 || waits_datagram[s] ->
        if :: k == 0 -> waits_datagram[s] = false :: else fi;
        complete(r)
     :: else -> at[r] = flying
     fi
  :: else
  fi
}

inline do_arrive() {
  bits = REQUESTS;
  for (r : 0 .. REQUESTS - 1) {
    if
    :: bits == REQUESTS && at[r] == flying && request_socket[r] == s ->
       bits = r
    :: else
    fi
  }
  if
  :: socket_open[s] && bits < REQUESTS && FIRST_SOCKET ->
     touched_socket[s] = true;
     complete(bits);
     count_at(ready);
     say3("arrive %d %d\n", s, count)
  :: socket_open[s] && bits == REQUESTS && !waits_datagram[s] && FIRST_SOCKET ->
     touched_socket[s] = true;
     count_at(ready);
     say3("arrive %d %d\n", s, count);
     waits_datagram[s] = true
  :: else
  fi;
#if TRACES
  /* What sends the datagram gives the system its time. */
  if :: said -> system() :: else fi
#endif
}

inline do_system() {
  count_at(ready);
  if
  :: count > 0 -> say2("system %d\n", count); system()
  :: else
  fi
}

inline do_dequeue() {
  if
  :: queue_open ->
     bits = 0;
     for (r : 0 .. REQUESTS - 1) {
       if
       :: at[r] == queued -> dequeued(r, seen); bits = bits + (1 << r)
       :: at[r] == kept -> at[r] = seen; bits = bits + (1 << r)
       :: else
       fi
     }
     say2("dequeue %d\n", bits)
  :: else
  fi
}

inline do_deregister() {
  if
  :: buffer[b] == registered && uses[b] > 0 && !DRAINS ->
     say2("refused %d\n", b)
  :: buffer[b] == registered && uses[b] == 0 && FIRST_BUFFER ->
     touched_buffer[b] = true;
     say2("deregister %d\n", b);
     release(b)
  :: else
  fi
}

inline do_dispose() {
  if
  :: buffer[b] == registered && FIRST_BUFFER ->
     touched_buffer[b] = true;
     say2("dispose %d\n", b);
     if :: uses[b] > 0 -> pull() :: else fi;
     if
     :: uses[b] == 0 -> release(b)
     :: else -> buffer[b] = closing
     fi
  :: else
  fi
}

inline do_close() {
  if
  :: socket_open[s] && FIRST_SOCKET ->
     touched_socket[s] = true;
     say2("close %d\n", s);
     close_socket(s)
  :: else
  fi
}

inline do_wait() {
  count_at(queued);
  bits = count;
  count_at(kept);
  if
  :: queue_open && !waiting ->
     say2("wait %d\n", count);
     if
     /* There is no need to wait. */
     :: count > 0
     :: else -> waiting = true; fired = bits > 0
     fi
  :: else
  fi
}

/* The event loop has a turn: a wait ends where there is something, if not before. */
inline do_turn() {
  count_at(ready);
  bits = count;
  count_at(queued);
  if
  :: waiting && bits == 0 && queue_open ->
     if
     :: fired && count > 0 -> say1("turn 2\n"); waiting = false; fired = false
     :: fired && count == 0 -> say1("turn 1\n")
     :: else -> say1("turn 0\n")
     fi
  :: else
  fi
}

inline do_close_queue() {
  if
  :: queue_open ->
     say2("close_queue %d\n", fired);
     pull();
     queue_open = false;
     waiting = false;
     fired = false;
     for (r : 0 .. REQUESTS - 1) {
       if :: at[r] == kept -> at[r] = seen :: else fi
     }
  :: else
  fi
}

inline do_drain() {
  if :: DRAINS -> pull() :: else fi
}

/* The session is disposed of: everything ends, and is drained. */
inline do_end() {
  over = true;
  for (k : 0 .. SOCKETS - 1) {
    if :: socket_open[k] -> close_socket(k) :: else fi
  }
  count_at(ready);
  say2("end %d\n", count);
  system();
  pull();
  for (r : 0 .. REQUESTS - 1) {
    if :: at[r] == kept -> at[r] = seen :: else fi
  }
  for (k : 0 .. BUFFERS - 1) {
    if :: buffer[k] != gone -> release(k) :: else fi
  }
  queue_open = false;
  waiting = false;
  fired = false;
  for (r : 0 .. REQUESTS - 1) {
    assert(at[r] == seen || r >= posted)
  }
}

/* What holds in every state. */
inline audit() {
  for (k : 0 .. BUFFERS - 1) {
    count = 0;
    for (r : 0 .. REQUESTS - 1) {
      if
      :: IN_FLIGHT(r) && request_buffer[r] == k -> count = count + USES(r)
      :: else
      fi
    }
    assert(uses[k] == count);
    assert(buffer[k] != gone || count == 0);
    assert(buffer[k] != closing || count > 0)
  }
  for (r : 0 .. REQUESTS - 1) {
    /* No wake-up is lost. */
    assert(!(waiting && at[r] == queued && !fired));
    /* What nobody can ask for is not kept. */
    assert(!(at[r] == kept && !queue_open));
    /* Nothing is forgotten by a socket that was closed. */
    assert(!(at[r] == flying && !socket_open[request_socket[r]]));
    assert(!(EAGER && at[r] == ready))
  }
}

inline begin() {
  for (r : 0 .. REQUESTS - 1) {
    at[r] = unborn;
    is_send[r] = false;
    request_socket[r] = 0;
    request_buffer[r] = 0
  }
  for (b : 0 .. BUFFERS - 1) {
    buffer[b] = registered;
    uses[b] = 0;
    touched_buffer[b] = false
  }
  for (s : 0 .. SOCKETS - 1) {
    socket_open[s] = true;
    touched_socket[s] = false;
    waits_datagram[s] = false
  }
  posted = 0;
  queue_open = true;
  waiting = false;
  fired = false;
  over = false;
  b = 0; s = 0; k = 0; r = 0; count = 0; bits = 0
}

/* Tells what is in use after a step that did something. */
inline tell() {
#if TRACES
  if
  :: said && !DRAINS -> printf("uses %d %d %d\n", uses[0], uses[1], uses[2])
  :: said && DRAINS -> printf("at_most %d %d %d\n", uses[0], uses[1], uses[2])
  :: else
  fi;
  said = false
#else
  skip
#endif
}

/* Leaves no trace in the state of what is only used within a step. */
#define STEP(guard, choice, action) \
  atomic { \
    (guard) && !over -> \
    choice; \
    d_step { action; audit(); forget(); tell(); b = 0; s = 0; k = 0; r = 0; count = 0; bits = 0 } \
  }
#define ANY_BUFFER if :: b = 0 :: b = 1 :: b = 2 fi
#define ANY_SOCKET if :: s = 0 :: s = 1 fi
#define ANY_KIND if :: k = 0 :: k = 1 fi
#if TRACES
#define MORE (step < STEPS)
#define NEXT step++
#define LAST (step >= STEPS)
#define LATE (step > STEPS / 2)
#else
#define MORE true
#define NEXT skip
#define LAST true
#define LATE true
#endif

active proctype session() {
again:
  skip;
  d_step { skip; begin() }
  do
  :: STEP(MORE, ANY_SOCKET; ANY_BUFFER; ANY_KIND, do_post(); NEXT)
#if TRACES
  /* Posted more often than closed. */
  :: STEP(MORE, ANY_SOCKET; ANY_BUFFER; ANY_KIND, do_post(); NEXT)
  :: STEP(MORE, ANY_SOCKET; ANY_BUFFER; ANY_KIND, do_post(); NEXT)
#endif
  :: STEP(MORE, ANY_SOCKET, do_arrive(); NEXT)
#if !EAGER
  :: STEP(MORE, skip, do_system(); NEXT)
#endif
  :: STEP(MORE, skip, do_dequeue(); NEXT)
  :: STEP(MORE, ANY_BUFFER, do_deregister(); NEXT)
  :: STEP(MORE, ANY_BUFFER, do_dispose(); NEXT)
  :: STEP(MORE, ANY_SOCKET, do_close(); NEXT)
  :: STEP(MORE, skip, do_wait(); NEXT)
  :: STEP(MORE, skip, do_turn(); NEXT)
  :: STEP(MORE && LATE, skip, do_close_queue(); NEXT)
#if !TRACES
  :: STEP(MORE, skip, do_drain(); NEXT)
#endif
  :: STEP(LAST, skip, do_end())
  :: over -> break
  od;
#if TRACES
  life++;
  step = 0;
  if :: life < TRACES -> goto again :: else fi
#endif
}
