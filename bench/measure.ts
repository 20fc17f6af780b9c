import { setTimeout as sleep } from 'node:timers/promises';
import { type Round, sendLoad } from './load.ts';
import { type CpuSample, cpuBetween, machineCpuMs, sampleCpu } from './processes.ts';
import type { Programs } from './programs.ts';
import { ARMS, type Arm, type Scenario, targetOf } from './scenarios.ts';
import { percentile, type Spread, spreadOf, sum } from './statistics.ts';

export interface Quantiles {
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** One arm of a scenario, over all rounds. Times are milliseconds. */
export interface ArmResult {
  readonly requests: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly latency: Quantiles;
  readonly firstContent: Quantiles;
  readonly transit: Quantiles;
  readonly requestsPerSecond: number | undefined;
  /** CPU time of the gateway or the floor for each request; `undefined` for the direct arm, or where unknown. */
  readonly cpuMs: number | undefined;
  /** CPU time of the gateway's store for each request. */
  readonly engineCpuMs: number | undefined;
}

/** What an arm adds to the direct one: one difference for each pair of neighbouring rounds. */
export interface Added {
  readonly p50: Spread | undefined;
  readonly p99: Spread | undefined;
  /** Time to the first piece of text. */
  readonly firstContent: Spread | undefined;
  /** How much later each further piece comes. */
  readonly transit: Spread | undefined;
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly arms: Readonly<Record<Arm, ArmResult>>;
  readonly added: Readonly<Record<'floor' | 'gateway', Added>>;
  /** CPU other programs took while rounds ran, in cores, at its worst. */
  readonly foreignCores: number | undefined;
}

export interface Effort {
  readonly rounds: number;
  readonly durationMs: number;
}

interface MeasuredRound extends Round {
  readonly cpuMs: number | undefined;
  readonly engineCpuMs: number | undefined;
  readonly foreignCores: number | undefined;
}

const WARM_UP_MS = 50;
const LONGEST_SETTLING_MS = 1_000;

/** Runs a few requests through each arm, then rounds in turn; which arm begins changes from round to round. */
export async function measure(
  programs: Programs,
  scenario: Scenario,
  effort: Effort,
): Promise<ScenarioResult> {
  const rounds: Record<Arm, MeasuredRound[]> = { direct: [], floor: [], gateway: [] };
  for (const arm of ARMS) await runRound(programs, scenario, arm, WARM_UP_MS);
  for (let round = 0; round < effort.rounds; round += 1)
    for (const arm of rotated(ARMS, round))
      rounds[arm].push(await runRound(programs, scenario, arm, effort.durationMs));
  const all = ARMS.flatMap((arm) => rounds[arm]);
  return {
    scenario,
    arms: {
      direct: armResult(rounds.direct),
      floor: armResult(rounds.floor),
      gateway: armResult(rounds.gateway),
    },
    added: {
      floor: addedBy(rounds.floor, rounds.direct),
      gateway: addedBy(rounds.gateway, rounds.direct),
    },
    foreignCores: spreadOf(all.map(({ foreignCores }) => foreignCores))?.max,
  };
}

const rotated = <Value>(values: readonly Value[], by: number): readonly Value[] => {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
};

async function runRound(
  programs: Programs,
  scenario: Scenario,
  arm: Arm,
  durationMs: number,
): Promise<MeasuredRound> {
  const measured = { direct: [], floor: [programs.floor.pid], gateway: [programs.gateway.pid] }[arm];
  const ours = [programs.upstream.pid, programs.floor.pid, programs.gateway.pid, ...programs.engine];
  const before = cpuSamples(measured, programs.engine, [...ours, process.pid]);
  const startedMs = performance.now();
  const round = await sendLoad(targetOf(scenario, arm, programs.addresses), {
    concurrency: scenario.concurrency,
    durationMs,
  });
  if (arm === 'gateway') await untilSettled(programs);
  const tookMs = performance.now() - startedMs;
  const after = cpuSamples(measured, programs.engine, [...ours, process.pid]);
  const own = cpuBetween(before.own, after.own);
  const machineMs =
    before.machineMs === undefined || after.machineMs === undefined
      ? undefined
      : after.machineMs - before.machineMs;
  return {
    ...round,
    cpuMs: arm === 'direct' ? undefined : cpuBetween(before.measured, after.measured),
    engineCpuMs: arm === 'gateway' ? cpuBetween(before.engine, after.engine) : undefined,
    foreignCores:
      own === undefined || machineMs === undefined ? undefined : Math.max(0, (machineMs - own) / tookMs),
  };
}

interface CpuSamples {
  readonly measured: CpuSample;
  readonly engine: CpuSample;
  readonly own: CpuSample;
  readonly machineMs: number | undefined;
}

const cpuSamples = (
  measured: readonly number[],
  engine: readonly number[],
  own: readonly number[],
): CpuSamples => ({
  measured: sampleCpu(measured),
  engine: sampleCpu(engine),
  own: sampleCpu(own),
  machineMs: machineCpuMs(),
});

/** The gateway settles after an answer's end: that work belongs to the round, and not to the next one. */
async function untilSettled({ gateway, engine }: Programs): Promise<void> {
  const deadlineMs = performance.now() + LONGEST_SETTLING_MS;
  const pids = [gateway.pid, ...engine];
  let before = sampleCpu(pids);
  while (performance.now() < deadlineMs) {
    await sleep(20);
    const after = sampleCpu(pids);
    if ((cpuBetween(before, after) ?? 0) < 2) return;
    before = after;
  }
}

function armResult(rounds: readonly MeasuredRound[]): ArmResult {
  const shots = rounds.flatMap((round) => round.shots);
  const failures = new Map<string, number>();
  for (const round of rounds)
    for (const [reason, count] of round.failures) failures.set(reason, (failures.get(reason) ?? 0) + count);
  const perRequest = (values: readonly (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : sum(known) / shots.length;
  };
  return {
    requests: shots.length,
    failures: Object.fromEntries(failures),
    latency: quantiles(shots.map(({ latencyMs }) => latencyMs)),
    firstContent: quantiles(shots.map(({ firstContentMs }) => firstContentMs)),
    transit: quantiles(shots.flatMap(({ transitsMs }) => transitsMs)),
    requestsPerSecond: spreadOf(rounds.map(({ requestsPerSecond }) => requestsPerSecond))?.median,
    cpuMs: perRequest(rounds.map(({ cpuMs }) => cpuMs)),
    engineCpuMs: perRequest(rounds.map(({ engineCpuMs }) => engineCpuMs)),
  };
}

const quantiles = (values: readonly number[]): Quantiles => ({
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
});

type TimesOf = (round: Round) => readonly number[];
const latencies: TimesOf = ({ shots }) => shots.map(({ latencyMs }) => latencyMs);
const firstContents: TimesOf = ({ shots }) => shots.map(({ firstContentMs }) => firstContentMs);
const transits: TimesOf = ({ shots }) => shots.flatMap(({ transitsMs }) => transitsMs);

function addedBy(rounds: readonly Round[], direct: readonly Round[]): Added {
  const difference = (times: TimesOf, share: number): Spread | undefined =>
    spreadOf(
      rounds.map((round, index) => {
        const pair = direct[index];
        const [ours, theirs] = [percentile(times(round), share), pair && percentile(times(pair), share)];
        return ours === undefined || theirs === undefined ? undefined : ours - theirs;
      }),
    );
  return {
    p50: difference(latencies, 0.5),
    p99: difference(latencies, 0.99),
    firstContent: difference(firstContents, 0.5),
    transit: difference(transits, 0.5),
  };
}
