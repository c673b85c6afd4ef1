"""A random graph whose degrees follow a power law, the same for the same arguments on every machine."""

import random
from pathlib import Path


def write_graph(path: Path, edges: int, vertices: int, seed: int) -> None:
    """Writes exactly `edges` different edges. Ids are shuffled, so that a block of them is like any other."""
    uniform = random.Random(seed).random
    ids = list(range(vertices))
    random.Random(seed + 1).shuffle(ids)
    seen = set()
    with open(path, "w", encoding="ascii") as file:
        file.write(f"# {edges} edges between {vertices} vertices, seed {seed}\n")
        while len(seen) < edges:
            source = ids[int(vertices * uniform() ** 1.5)]
            target = ids[int(vertices * uniform() ** 3)]
            if (source, target) not in seen:
                seen.add((source, target))
                file.write(f"{source} {target}\n")
