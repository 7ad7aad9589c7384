"""What the pool costs a request, with 1 and with 10,000 registered models.

python -m perf.micro.bench_pool
"""

from time import perf_counter

from seldon_core.agent.decisions import Decision, StartLoad, StartUnload
from seldon_core.agent.events import InferArrived, LoadFinished, ModelAdded, UnloadFinished
from seldon_core.agent.pool import ModelPool

ROUNDS = 200_000


def pool_of(models: int, room: int) -> ModelPool:
    """`models` models of one byte, of which the last `room` are in memory."""
    pool = ModelPool(room, 100 * models)
    for i in range(models):
        todo = list(pool.handle(ModelAdded(0, f"m{i}", 1)))
        carry_out(pool, todo)
    return pool


def carry_out(pool: ModelPool, todo: list[Decision]) -> None:
    while todo:
        match todo.pop(0):
            case StartLoad(model):
                todo += pool.handle(LoadFinished(0, model, 1))
            case StartUnload(model):
                todo += pool.handle(UnloadFinished(0, model))


def main() -> None:
    for models in (1, 10_000):
        pool = pool_of(models, models)
        began = perf_counter()
        for _ in range(ROUNDS):
            slot = pool.try_admit("m0")
            assert slot is not None
            pool.release(slot)
        each = (perf_counter() - began) / ROUNDS
        print(f"admit and release, {models:6} models   {each * 1e6:7.2f} us")
    for models in (2, 10_000):
        pool = pool_of(models, 1)
        began = perf_counter()
        rounds = ROUNDS // 20
        for i in range(rounds):
            carry_out(pool, list(pool.handle(InferArrived(0, f"m{i % 2}", i))))
            pool.release(pool.slots[f"m{i % 2}"])
        each = (perf_counter() - began) / rounds
        print(f"evict and reload, {models:6} models    {each * 1e6:7.2f} us")


if __name__ == "__main__":
    main()
