"""What the batcher and the estimate cost a request: lone, in company, behind a busy model.

python -m perf.micro.bench_batching
"""

from time import perf_counter

from seldon_core.agent.batching import Batcher, Entry
from seldon_core.agent.cost import CallCost

ROUNDS = 100_000


def entries(count: int, keys: int = 1) -> list[Entry]:
    return [Entry((i % keys,), 1, [], ("y",)) for i in range(count)]


def lone() -> float:
    batcher = Batcher()
    [entry] = entries(1)
    began = perf_counter()
    for _ in range(ROUNDS):
        batcher.add(entry)
        batcher.finish()
        batcher.end_turn()
    return (perf_counter() - began) / ROUNDS


def company(size: int, keys: int) -> float:
    batcher = Batcher()
    arrivals = entries(size, keys)
    began = perf_counter()
    for _ in range(ROUNDS // size):
        for entry in arrivals:
            if batcher.add(entry) is not None:
                batcher.finish()
        batch = batcher.end_turn()
        while batch is not None:
            batcher.finish()
            batch = batcher.next_batch()
    return (perf_counter() - began) / (ROUNDS // size * size)


def estimate() -> float:
    cost = CallCost(150e-6)
    began = perf_counter()
    for i in range(ROUNDS):
        cost.place(1)
        cost.observe(1 + i % 16, 10e-6)
    return (perf_counter() - began) / ROUNDS


def main() -> None:
    print(f"lone request                     {lone() * 1e6:7.2f} us")
    for size, keys in ((16, 1), (1000, 1), (1000, 100)):
        each = company(size, keys)
        print(f"{size:5} a turn, {keys:4} kinds          {each * 1e6:7.2f} us")
    print(f"estimate, a run                  {estimate() * 1e6:7.2f} us")


if __name__ == "__main__":
    main()
