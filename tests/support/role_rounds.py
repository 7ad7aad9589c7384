"""Rounds of `kill -9` over processes of one role each, at work for clients that never rest."""

import contextlib
import http.client
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import grpc

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.transport.control_client import SchedulerClient
from tests.support.kill_clients import CHANGES, Changer, GrpcCaller, RestCaller
from tests.support.numbered_models import ArtifactShop, Sort
from tests.support.role_processes import REPLICAS, SERVER, Child, Owned, Part, Roles, until
from tests.support.witness import NEVER, Witness

STANDING = ("s0", "s1")
"""Models of two or three replicas, which are updated and scaled, and answer whoever is killed."""
OTHERS = ("m0", "m1", "m2", "m3")
"""Models of one to three replicas, which are deleted, too, and go with a replica."""
MODELS = STANDING + OTHERS
ROLLS = ("new", "new", "new", "broken", "homeless", "scale", "again", "wait", "wait")

HEARD_S = 1.0
"""So long after an answer of the scheduler's routers go by it, however slow the machine."""
FOUND_S = 30.0
"""So long after its return the scheduler is found again by routers, which ask ever less often."""
LONGEST_LIFE_S = 1.2
LONGEST_ABSENCE_S = 0.6
SETTLED_S = 60.0
PAUSE_S = 0.004
"""Between calls of a reader."""
CHANGE_S = 0.05
"""Between requests to change one of two models: 100 versions of it may be on their way at most."""


class RolesWitness(Witness):
    """Knows that routers hear late of what the scheduler knows, and that replicas may be lost."""

    def __init__(self) -> None:
        super().__init__()
        self._absences: list[list[float]] = []  # of the scheduler: from when until when
        self._losses: list[float] = []  # of agents
        self._all_at: dict[int, float] = {}  # when an artifact was wherever it is to be

    def leave(self, now: float) -> None:
        """Note that the scheduler is about to be killed."""
        with self._lock:
            self.life += 1
            self.killed_at = now
            self._absences.append([now, NEVER])

    def come_back(self, now: float) -> None:
        """Note that the scheduler is back, and what it kept is where it is to be."""
        with self._lock:
            self.killed_at = NEVER
            self._absences[-1][1] = now

    def lose(self, now: float, models: Sequence[str]) -> None:
        """Note that an agent is about to be killed, which may alone have some of `models`."""
        with self._lock:
            self._losses.append(now)
            for model in models:
                for request in self._asked.get(model, ()):
                    self._seen_at.pop(request.number, None)

    def _come(self, number: int, asked: float, now: float) -> None:
        self._came_at.setdefault(number, now)
        # An answer may be one of a replica that was killed right after it.
        if not self._losses or asked > self._losses[-1] + HEARD_S:
            self._seen_at.setdefault(number, now)

    def _take_over(self, number: int, now: float) -> None:
        self._all_at.setdefault(number, now)

    def _taken_over_at(self, number: int) -> float:
        return self._all_at.get(number, NEVER)

    def _known_at(self, moment: float) -> float:
        known = moment + HEARD_S
        for left, back in self._absences:
            if left < known and back > moment:
                known = max(known, back + HEARD_S)
        return known

    def _is_excused(self, began: float, ended: float) -> bool:
        # The one that answers may have been killed before it did.
        return any(began <= lost <= ended for lost in self._losses)


class RouterLife:
    """A router from a start to `killed_at`; callers that end with it tell their witness here."""

    def __init__(self, witness: RolesWitness) -> None:
        self.killed_at = NEVER
        self.violations = witness.violations
        self.answered = witness.answered
        self.refused = witness.refused

    def caller(
        self, kind: type[RestCaller] | type[GrpcCaller], port: int
    ) -> RestCaller | GrpcCaller:
        """Return a caller of the router's port."""
        return kind(port, self)  # type: ignore[arg-type] # all that they need of a witness


class Reader(threading.Thread):
    """Calls models through one router for as long as that lives."""

    def __init__(
        self,
        kind: type[RestCaller] | type[GrpcCaller],
        port: int,
        witness: RolesWitness,
        chance: random.Random,
    ) -> None:
        super().__init__()
        self.life = RouterLife(witness)
        self._caller = self.life.caller(kind, port)
        self._chance = chance
        self.over = threading.Event()

    def run(self) -> None:
        try:
            while not self.over.wait(PAUSE_S):
                self._caller.call(self._chance.choice(MODELS))
        except (OSError, http.client.HTTPException) as error:
            if monotonic() < self.life.killed_at:
                self.life.violations.append(f"a call failed: {error!r}")
        finally:
            self._caller.close()


class Notifier:
    """Tells the scheduler of the server, and remembers what was `kept`."""

    def __init__(self, port: int, witness: RolesWitness) -> None:
        self._port = port
        self._witness = witness
        self._sent = self.kept = 0

    def run(self, stop: threading.Event) -> None:
        """Go on until the scheduler is gone or `stop` is set."""
        with grpc.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            notify = channel.unary_unary(
                "/seldon.mlops.scheduler.Scheduler/ServerNotify",
                request_serializer=pb.ServerNotifyRequest.SerializeToString,
                response_deserializer=pb.ServerNotifyResponse.FromString,
            )
            while not stop.wait(0.02):
                self._sent += 1
                notice = pb.ServerNotify(name=SERVER, expectedReplicas=3, shared=True)
                notice.kubernetesMeta.generation = self._sent
                try:
                    notify(pb.ServerNotifyRequest(servers=[notice]), timeout=30)
                except grpc.RpcError as error:
                    if monotonic() < self._witness.killed_at:
                        self._witness.violations.append(f"a notice failed: {error}")
                    return
                self.kept = self._sent

    def check(self, client: SchedulerClient) -> None:
        """Compare what the scheduler says with what was acknowledged."""
        (status,) = client.server_status(pb.ServerStatusRequest(name=SERVER))
        generation = status.kubernetesMeta.generation
        if not self.kept <= generation <= self._sent or (
            self.kept and status.expectedReplicas != 3
        ):
            self._witness.violations.append(
                f"notice {self.kept} of the server was acknowledged, now there is {generation} "
                f"with {status.expectedReplicas} replicas"
            )


@dataclass
class RoleRounds:
    """Processes, and everything that is known about what they were asked.

    They are of one role each, or, if `is_owned`, agents that the one of all roles runs.
    """

    folder: Path
    seed: int
    is_owned: bool = False
    witness: RolesWitness = field(default_factory=RolesWitness)
    rounds: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.shop = ArtifactShop(self.folder / "artifacts")
        ports = random.Random(f"ports/{self.seed}")
        self.roles: Roles | Owned = (Owned if self.is_owned else Roles)(self.folder, ports)
        self._notifier = Notifier(self.roles.api_port, self.witness)
        self._readers: dict[str, list[Reader]] = {}

    def run(self, rounds: int, limit_s: float | None = None) -> None:
        """Run so many rounds, each with one or two kills, or until one goes wrong.

        No round begins `limit_s` after all have started.
        """
        try:
            self.roles.start()
            self._settle(HEARD_S)
            began = monotonic()
            for number in range(rounds):
                if self.witness.violations or (
                    limit_s is not None and monotonic() - began > limit_s
                ):
                    break
                self.rounds += 1
                self._one_round(random.Random(f"{self.seed}/{number}"))
        finally:
            for part in self.roles.routers:
                self._end_readers(part)
            self.witness.violations += self.roles.stop()
        self._check_store()
        if self.witness.violations:
            for part in self.roles.parts:
                (self.folder / f"{part.name}.log").write_text("\n--\n".join(part.told))

    def _one_round(self, chance: random.Random) -> None:
        for part in self.roles.routers:
            self._begin_readers(part, chance)
        victims = self._victims(chance)
        with self._writers(chance):
            # Not only for time to pass: the clients are at work meanwhile.
            time.sleep(chance.uniform(0, LONGEST_LIFE_S))
            for victim in victims:
                self._kill(victim)
                time.sleep(chance.uniform(0, LONGEST_ABSENCE_S))
            chance.shuffle(victims)
            for victim in victims:
                if victim is self.roles.scheduler:
                    self._check_store()
                victim.start()
                time.sleep(chance.uniform(0, LONGEST_ABSENCE_S))
        with SchedulerClient(f"127.0.0.1:{self.roles.api_port}") as client:
            if self.roles.scheduler in victims:
                self.witness.return_as(list(client.model_status(pb.ModelStatusRequest())))
            if not self.is_owned:
                self._notifier.check(client)
        if self.roles.scheduler in victims:
            self._settle(FOUND_S)
            self.witness.come_back(monotonic())
        else:
            self._settle(HEARD_S)

    def _victims(self, chance: random.Random) -> list[Part | Child]:
        """Who is killed: one, or two of different roles."""
        roles = self.roles
        kinds: list[Sequence[Part | Child]] = [[roles.scheduler], roles.agents]
        if not self.is_owned:
            kinds.append(roles.routers)
        everybody = [part for kind in kinds for part in kind]
        victims = [chance.choice(everybody)]
        if chance.random() < 0.3:
            others = [kind for kind in kinds if victims[0] not in kind]
            victims.append(chance.choice([part for kind in others for part in kind]))
        return victims

    def _kill(self, part: Part | Child) -> None:
        self.kills += 1
        if part is self.roles.scheduler:
            self.witness.leave(monotonic())
        if part in self.roles.agents:
            self.witness.lose(monotonic(), OTHERS)
        elif isinstance(self.roles, Owned):
            self.witness.lose(monotonic(), MODELS)
        for reader in self._readers.get(part.name, ()):
            reader.life.killed_at = monotonic()
        self.witness.violations += part.kill()
        self._end_readers(part)

    def _begin_readers(self, part: Part, chance: random.Random) -> None:
        """Have a router called that is not yet."""
        if part.name in self._readers:
            return
        readers = [
            Reader(kind, part.server.port, self.witness, random.Random(chance.random()))
            for kind in (RestCaller, GrpcCaller)
        ]
        for reader in readers:
            reader.start()
        self._readers[part.name] = readers

    def _end_readers(self, part: Part | Child) -> None:
        for reader in self._readers.pop(part.name, ()):
            reader.over.set()
            reader.join()

    @contextlib.contextmanager
    def _writers(self, chance: random.Random) -> Iterator[None]:
        """Have models changed until the scheduler is gone, or the end of the block."""
        stop = threading.Event()
        works = [self._notifier.run] * (not self.is_owned) + [
            Changer(
                models,
                self.roles.api_port,
                self.shop,
                self.witness,
                random.Random(chance.random()),
                changes,
                replicas,
                CHANGE_S,
            ).run
            for models, changes, replicas in (
                (STANDING, ROLLS, (2, 3)),
                (OTHERS[::2], (*CHANGES, "scale"), (1, 2, 3)),
                (OTHERS[1::2], (*CHANGES, "scale"), (1, 2, 3)),
            )
        ]
        threads = [threading.Thread(target=work, args=(stop,)) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _settle(self, heard_s: float) -> None:
        """Wait until everything is where it is to be; routers go by it `heard_s` later."""
        missing: list[str] = []

        def is_settled() -> bool:
            missing[:] = self._missing()
            return not missing

        if not until(is_settled, SETTLED_S):
            told = [f"life {self.witness.life}: not settled: {each}" for each in missing]
            self.witness.violations += told
            return
        self._check_answers(heard_s)
        leaks: list[str] = []

        def is_tight() -> bool:
            leaks[:] = self.roles.leaks()
            return not leaks

        if not until(is_tight, 5.0):
            self.witness.violations += leaks

    def _missing(self) -> list[str]:
        """Return what is not yet as it is to be, in sentences."""
        missing = self.roles.missing()
        with SchedulerClient(f"127.0.0.1:{self.roles.api_port}") as client:
            (server,) = client.server_status(pb.ServerStatusRequest(name=SERVER))
            statuses = client.model_status(pb.ModelStatusRequest())
            found = {each.modelName: each.versions[-1].state for each in statuses if each.versions}
        if server.availableReplicas != REPLICAS:
            missing.append(f"{server.availableReplicas} replicas of {REPLICAS} are there")
        for model in MODELS:
            last, state = self.witness.last(model), found.get(model)
            if last is None or last.spec is None or last.sort is not Sort.HEALTHY:
                continue
            if (
                state is None
                or state.state != pb.ModelStatus.ModelAvailable
                or state.availableReplicas != last.spec.replicas
            ):
                missing.append(f"{last} is to be on {last.spec.replicas}, and is {state}")
        return missing

    def _check_answers(self, heard_s: float) -> None:
        """See that each router answers by what is expected, and by nothing else."""
        for part in self.roles.routers:
            for kind in (RestCaller, GrpcCaller):
                life = RouterLife(self.witness)
                with contextlib.closing(life.caller(kind, part.server.port)) as caller:
                    for model, right in list(self.witness.expected()):
                        self._check_answer(part, caller, model, right, heard_s)

    def _check_answer(
        self,
        part: Part,
        caller: RestCaller | GrpcCaller,
        model: str,
        right: Sequence[int],
        heard_s: float,
    ) -> None:
        numbers: list[int | None] = []

        def is_right() -> bool:
            numbers[:] = [caller.call(model)]
            return numbers[0] in right or (numbers[0] is None and not right)

        if not until(is_right, heard_s):
            self.witness.violations.append(
                f"life {self.witness.life}: {model} is settled, {part.name} has {numbers[0]} "
                f"answer, and right were {right}"
            )

    def _check_store(self) -> None:
        """Have the store checked, with the rules of the machine."""
        command = ("store", "check", "--data-dir", str(self.roles.data))
        done = subprocess.run(
            [sys.executable, "-m", "seldon_core", *command], capture_output=True, text=True
        )
        if done.returncode and (self.roles.data / "store" / "data.mdb").exists():
            self.witness.violations.append(
                f"life {self.witness.life}: the store is not sound: {done.stdout}{done.stderr}"
            )
