/* What the models share. */

/* The text says which property is violated; check_model.py compares it with the one that a variant is to violate. */
#define REQUIRE(text, condition) if :: (condition) :: else -> printf(text); assert(false) fi

/* Sets of small numbers. */
#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) & BIT(n)) != 0)
#define ADD(set, n) set = set | BIT(n)
#define REMOVE(set, n) set = set & ~BIT(n)

#define COUNT_DOWN(timer) if :: timer > 0 -> timer-- :: else fi
