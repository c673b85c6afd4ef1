/* A host that lost its session comes back under new uuids, and its worker's state with it (protocol.md 3.3, 3.4, 4.1).
 *
 * Two hosts with a worker each; both are members of the in-sync set of one task, whose primary is on host 0. Lives of
 * a host are numbered in the order of their registration. When somebody may be taken for dead without proof is a matter
 * of failover.pml: here that can be at any time. What counts here: is a member that still has the task's state ever
 * passed over as lost, and is one without the state ever promoted? */
#include "common.pml"

#define HOSTS 2
#ifndef LIVES
#define LIVES 4               /* per host */
#endif
#ifndef VIEWS
#define VIEWS 4
#endif
#define NONE 15
#define DEAD 14               /* a proof that names no successor */

/* ---- the coordinator ---- */
byte view = 1;
byte seat[HOSTS];             /* the in-sync member on this host: its life, or NONE */
byte primary = 0;             /* host whose seat is the primary's; NONE: the task has none */
bool present[HOSTS] = true;   /* of the host's newest life: no other comes back */
byte predecessor[HOSTS] = NONE;  /* that the newest presence names: LifeDocument */
byte proof[HOSTS] = NONE;     /* gone/UUID of the life that has the seat: NONE, DEAD, or the successor that it names */

/* ---- hosts ---- */
mtype = { running, fenced, reaped, proven, halfway };
mtype state[HOSTS] = running;
byte life[HOSTS];             /* newest life */
byte first[HOSTS];            /* the first life of the worker's process */
bool has_state[HOSTS] = true; /* the process has all that the task's last primary has */
byte read_view[HOSTS];        /* on which the registration is built: 0: none */
byte read_seat[HOSTS];

#ifdef NO_VIEW_COMPARE
#define STANDS(me) true
#else
#define STANDS(me) (view == read_view[me])
#endif
#ifdef NO_SAME_PROCESS
#define OF_THIS_PROCESS(me, l) ((l) != NONE)
#else
#define OF_THIS_PROCESS(me, l) ((l) != NONE && (l) >= first[me])
#endif

/* Whether the member on host h can be promoted: itself there, or by the presence that names it. */
#define ALIVE(h) (seat[h] != NONE && present[h] && (life[h] == seat[h] || predecessor[h] == seat[h]))
/* Whether it is lost for good. */
#ifdef NO_LAST_MEMBERS
#define LOST(h) (seat[h] == NONE || !ALIVE(h))
#else
#define LOST(h) (seat[h] == NONE || (proof[h] == DEAD && !ALIVE(h)))
#endif
#define OTHER(h) (1 - (h))

proctype Host(byte me) {
  byte named;
  do
  /* Its read does not find it: the lease page is cleared (failover.pml). */
  :: atomic { state[me] == running && !present[me] && life[me] + 1 < LIVES -> state[me] = fenced;
       printf("host %d: life %d is gone, fenced\n", me, life[me]) }
  /* Supervisor::read, at any time before it registers. */
  :: atomic { read_view[me] != view ->
       read_view[me] = view; read_seat[me] = seat[me];
       printf("host %d reads view %d\n", me, view) }

  /* One transaction: the new presence, which names the life that the view names, and the proof of that one, which names
   * the new presence: Supervisor::registration. */
  :: atomic { state[me] == fenced && read_view[me] != 0 ->
       if
       :: STANDS(me) ->
          named = (OF_THIS_PROCESS(me, read_seat[me]) -> read_seat[me] : NONE);
#ifdef NO_ONE_TRANSACTION     /* first the proof, as of a dead worker; the presence follows */
          if :: named != NONE && named == seat[me] -> proof[me] = DEAD :: else fi;
          state[me] = halfway;
          printf("host %d writes the proof of life %d\n", me, named);
#else
          life[me]++; present[me] = true; predecessor[me] = named; state[me] = running;
#ifdef NO_SUCCESSOR_IN_PROOF
          if :: named != NONE && named == seat[me] -> proof[me] = DEAD :: else fi;
#else
          if :: named != NONE && named == seat[me] -> proof[me] = life[me] :: else fi;
#endif
          printf("host %d is back as life %d, in place of %d\n", me, life[me], named);
          REQUIRE("violates: a worker that comes back keeps its seat\n",
                  seat[me] == NONE || seat[me] < first[me] || seat[me] == predecessor[me]);
#endif
          named = 0
       :: else
       fi;
       read_view[me] = 0; read_seat[me] = 0 }
#ifdef NO_ONE_TRANSACTION
  :: atomic { state[me] == halfway && read_view[me] == view ->
       life[me]++; present[me] = true; state[me] = running;
       predecessor[me] = (OF_THIS_PROCESS(me, read_seat[me]) -> read_seat[me] : NONE);
       read_view[me] = 0; read_seat[me] = 0;
       printf("host %d is back as life %d, in place of %d\n", me, life[me], predecessor[me]) }
#endif

  /* The worker dies and is reaped; its state is gone. Supervisor::on(WorkerDied), proofs, registration of another. */
  :: atomic { (state[me] == running || state[me] == fenced) && life[me] + 1 < LIVES ->
       state[me] = reaped; has_state[me] = false; printf("host %d: life %d is reaped\n", me, life[me]) }
  :: atomic { state[me] == reaped && read_view[me] != 0 ->
       if
       :: STANDS(me) ->
          present[me] = false; state[me] = proven;
          if
          :: read_seat[me] != NONE && read_seat[me] >= first[me] && read_seat[me] == seat[me] -> proof[me] = DEAD
          :: else
          fi;
          printf("host %d proves life %d, view names %d\n", me, life[me], read_seat[me]);
          REQUIRE("violates: a proof is of the life that has the seat\n",
                  seat[me] == NONE || seat[me] < first[me] || seat[me] == read_seat[me])
       :: else
       fi;
       read_view[me] = 0; read_seat[me] = 0 }
  :: atomic { state[me] == proven && read_view[me] != 0 ->
       life[me]++; first[me] = life[me]; present[me] = true; state[me] = running;
#ifdef NO_SAME_PROCESS        /* the host's new worker names what the view names on this host */
       predecessor[me] = read_seat[me];
#else
       predecessor[me] = NONE;
#endif
       read_view[me] = 0; read_seat[me] = 0;
       printf("host %d starts another worker, life %d, in place of %d\n", me, life[me], predecessor[me]) }
  od
}

/* The new primary of the task: Placer::promote, Placer::new_seat. */
inline grant(to) {
  view++; primary = to; seat[to] = life[to]; proof[to] = NONE
}

/* Controller::change_assignment, place(), on one snapshot of all documents. In between others may register, but then a
 * version that is compared has changed, or what was read as lost still is. */
proctype Controller() {
  byte to, snapshot;
  do
  /* A member goes on: first the one whose process had the term (3.4). It may have died without a proof yet. */
  :: atomic { view < VIEWS && primary != NONE && (!present[primary] || life[primary] != seat[primary]) &&
              (ALIVE(primary) || ALIVE(OTHER(primary))) ->
       if
       :: ALIVE(primary) -> to = primary
       :: ALIVE(OTHER(primary)) -> to = OTHER(primary)
       fi;
       printf("GRANT to life %d of host %d, which has the state\n", life[to], to);
       REQUIRE("violates: who is promoted has the state\n", has_state[to] || state[to] == reaped);
       if
       :: to != primary ->  /* who had the term has run ahead of the others: it leaves the set and drops its state */
          has_state[primary] = false; seat[primary] = NONE; proof[primary] = NONE
       :: else
       fi;
       grant(to); to = 0 }
  /* Nobody is left that could have the state: it begins anew, and says so. */
  :: atomic { view < VIEWS && LOST(0) && LOST(1) -> snapshot = view; printf("state lost, by view %d\n", view) }
  :: atomic { snapshot != 0 && (present[0] || present[1]) ->
       if
       :: snapshot == view ->
          if :: present[0] -> to = 0 :: present[1] -> to = 1 fi;
          printf("GRANT to life %d of host %d, without state\n", life[to], to);
          REQUIRE("violates: state is lost only when nobody has it\n",
                  (!has_state[0] || seat[0] == NONE) && (!has_state[1] || seat[1] == NONE));
          seat[0] = NONE; seat[1] = NONE; has_state[0] = false; has_state[1] = false; proof[0] = NONE; proof[1] = NONE;
          grant(to); has_state[to] = (state[to] == running); to = 0
       :: else
       fi;
       snapshot = 0 }
  /* A member that is lost leaves the set, as long as another is left; a new one is added when it has caught up. */
  :: atomic { view < VIEWS && primary != NONE && seat[OTHER(primary)] != NONE && ALIVE(primary) &&
              seat[primary] == life[primary] && !ALIVE(OTHER(primary)) ->
       seat[OTHER(primary)] = NONE; proof[OTHER(primary)] = NONE; view++;
       printf("host %d leaves the set\n", OTHER(primary)) }
  :: atomic { view < VIEWS && primary != NONE && ALIVE(primary) && seat[primary] == life[primary] &&
              state[primary] == running && seat[OTHER(primary)] == NONE && present[OTHER(primary)] &&
              state[OTHER(primary)] == running ->
       seat[OTHER(primary)] = life[OTHER(primary)]; proof[OTHER(primary)] = NONE;
       has_state[OTHER(primary)] = has_state[primary]; view++;
       printf("host %d joins the set as life %d\n", OTHER(primary), life[OTHER(primary)]) }
  od
}

proctype Sessions() {
  do
  :: atomic { present[0] -> present[0] = false; printf("the presence of host 0 vanishes\n") }
  :: atomic { present[1] -> present[1] = false; printf("the presence of host 1 vanishes\n") }
  od
}

init { atomic { run Host(0); run Host(1); run Controller(); run Sessions() } }
