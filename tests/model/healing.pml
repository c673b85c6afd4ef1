/* After a fault a healed system gets a primary, for good (liveness): the office, seats and memberships of who comes
 * back, suspicion (protocol.md 3.4, 4.4, 6.1, 6.2).
 *
 * Three hosts, all members of the task's in-sync set; hosts 0 and 1 are candidates, host 0 holds the office. One of
 * three faults strikes: every session ends; two hosts die; a host is cut off from its peers, while it still reaches the
 * coordinator. Time does not count, only that who can take a step at last does (weak fairness). */

#define HOSTS 3
#define NONE 7

/* How a seat names a host's newest life: not at all, itself, or the one that it came after. */
mtype = { nobody, itself, predecessor };

bool dead[HOSTS];
bool cut[HOSTS];              /* from its peers */
bool present[HOSTS] = true;
bool suspected[HOSTS];        /* suspected/UUID of the life that its newest one came after */
byte office = 0;              /* host; vanishes with its presence */
mtype candidate[HOSTS] = nobody;
mtype member[HOSTS] = nobody;
mtype primary[HOSTS] = nobody;

/* Successors hold what their predecessors had (3.4). */
#ifdef NO_SUCCESSION
#define COUNTS(what) (what == itself)
#else
#define COUNTS(what) (what != nobody)
#endif
#define SEATED(h) (present[h] && COUNTS(candidate[h]))
#define PROMOTABLE(h) (present[h] && COUNTS(member[h]))
#define ACTS(h) (primary[h] == itself && present[h])
#define HAS_PRIMARY (ACTS(0) || ACTS(1) || ACTS(2))
#define ALL_GONE (!SEATED(0) && !SEATED(1) && !SEATED(2))
#define GOOD(h) (ACTS(h) && !dead[h] && !cut[h])

/* A successor is preferred unless its predecessor was destroyed on suspicion, or it does not answer the probe. */
#ifdef NO_SUSPICION_MARK
#define PREFERRED(h) (primary[h] == predecessor && PROMOTABLE(h))
#else
#define PREFERRED(h) (primary[h] == predecessor && PROMOTABLE(h) && !suspected[h])
#endif
#define OTHER(h) (PROMOTABLE(h) && primary[h] == nobody)
#define ANYBODY (PREFERRED(0) || PREFERRED(1) || PREFERRED(2) || OTHER(0) || OTHER(1) || OTHER(2))

/* Who may find a silent host guilty: the holder of the office; of the holder itself, any other candidate. */
#ifdef NO_JUDGE_OF_HOLDER
#define JUDGES(me, h) (office == me)
#else
#define JUDGES(me, h) (office == me || (office == h && SEATED(me)))
#endif

inline age(what) {
  if :: what == itself -> what = predecessor :: else fi
}
/* A silent primary or holder of the office. Who hears nobody cannot have others probe, and destroys none. */
#define GUILTY(me, h) (!cut[me] && cut[h] && present[h] && JUDGES(me, h) && (ACTS(h) || office == h))
inline destroy(h) {
  present[h] = false; suspected[h] = true;
  printf("host %d destroys the presences of host %d\n", me, h);
  if :: office == h -> office = NONE :: else fi
}

proctype Host(byte me) {
  byte to;
  do
  /* Back under a new uuid: Supervisor::registration. */
  :: atomic { !dead[me] && !present[me] ->
       age(candidate[me]); age(member[me]); age(primary[me]); present[me] = true;
       printf("host %d is back under a new uuid\n", me) }
  /* Supervisor::office. Who was destroyed on suspicion leaves the office to others. */
  :: atomic { !dead[me] && SEATED(me) && office == NONE && !suspected[me] -> office = me;
       printf("host %d takes the office\n", me) }
#ifndef NO_REPLACEMENT
  :: atomic { !dead[me] && present[me] && !SEATED(me) && ALL_GONE ->
       candidate[0] = nobody; candidate[1] = nobody; candidate[2] = nobody; candidate[me] = itself;
       printf("host %d replaces the candidates\n", me) }
#endif
  /* Controller::change_assignment. */
  :: atomic { !dead[me] && present[me] && office == me && !HAS_PRIMARY && ANYBODY ->
       if
       :: PREFERRED(0) -> to = 0
       :: PREFERRED(1) -> to = 1
       :: PREFERRED(2) -> to = 2
       :: else ->
          if
          :: OTHER(0) -> to = 0
          :: OTHER(1) -> to = 1
          :: OTHER(2) -> to = 2
          fi
       fi;
       primary[0] = nobody; primary[1] = nobody; primary[2] = nobody;
       primary[to] = itself; member[to] = itself; suspected[to] = false;
       printf("host %d GRANTS the next term to host %d\n", me, to); to = 0 }
  /* Probed by a second host, then destroyed (4.4). */
  :: atomic { !dead[me] && present[me] && GUILTY(me, (me + 1) % HOSTS) -> destroy((me + 1) % HOSTS) }
  :: atomic { !dead[me] && present[me] && GUILTY(me, (me + 2) % HOSTS) -> destroy((me + 2) % HOSTS) }
  od
}

proctype Fault() {
  byte one;
  atomic {
    select(one : 0 .. 2);
    if
    :: printf("every session ends\n");
       present[0] = false; present[1] = false; present[2] = false; office = NONE
    :: printf("hosts %d and %d die\n", one, (one + 1) % HOSTS);
       dead[one] = true; present[one] = false; dead[(one + 1) % HOSTS] = true; present[(one + 1) % HOSTS] = false;
       if :: office != (one + 2) % HOSTS -> office = NONE :: else fi
    :: printf("host %d is cut off from its peers\n", one);
       cut[one] = true
    fi
  }
}

/* Time goes on where nobody can do anything. */
bit idle;
proctype Time() { do :: idle = 1 - idle od }

init {
  byte first;
  atomic {
    select(first : 0 .. 2); primary[first] = itself;
    candidate[0] = itself; candidate[1] = itself;
    member[0] = itself; member[1] = itself; member[2] = itself;
    run Host(0); run Host(1); run Host(2); run Fault(); run Time() }
}

ltl heals { <>[] (GOOD(0) || GOOD(1) || GOOD(2)) }
