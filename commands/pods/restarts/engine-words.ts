import { type Evidence, wording } from '../../kit.ts';
import type { EngineExit, EngineLoop, EngineLooping } from './engine-loops.ts';
import { exitInWords, mayBeStopped } from './exits.ts';
import type { EngineFacts } from './facts.ts';

/** The words for what container engines show. */

const MAX_NAMED = 3;
const MAX_ROWS = 6;
/** The kubelet waits no longer before it starts a container again: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy */
const LONGEST_BACK_OFF_MS = 5 * 60_000;
/** Probes are set in seconds, so shorter times are compared with them. */
const IN_SECONDS_MS = 10 * 60_000;

type Looping = readonly [EngineLooping, ...EngineLooping[]];

export function hostOf({ node, engine }: EngineFacts): string {
  return node ?? engine;
}

/** As an exit of a container status. */
export function exitOf({ exitCode }: EngineExit): { readonly exitCode?: number } {
  return exitCode === undefined ? {} : { exitCode };
}

/** `etcd on cp-1 was stopped after 91 s with exit code 0 and started again, 3 times in 6 minutes` */
export function engineHeadline(those: Looping): string {
  const [{ container, isControlPlane, loop }, ...others] = those;
  const { namespace, pod, container: own } = container;
  const name = isControlPlane ? own : `${namespace}/${pod} (${own})`;
  const hosts = hostsOf(those);
  if (others.length > 0) return `${name} ${togetherInWords(those)} on ${hosts}`;
  const { last, pace } = loop;
  if (pace !== 'down')
    return `${name} on ${hosts} ${endInWords(last)} and started again${againInWords(loop)}`;
  return last
    ? `${name} is not running on ${hosts}: it ${endInWords(last)}${ago(last.endedMs)}`
    : `${name} is not running on ${hosts}: its container was created and never started`;
}

function hostsOf(those: Looping): string {
  return wording.list(those.map(({ engine }) => hostOf(engine)).toSorted(), MAX_NAMED);
}

function togetherInWords(those: Looping): string {
  const down = those.filter(({ loop }) => loop.pace === 'down').length;
  if (down === 0) return 'keeps restarting';
  return down === those.length ? 'is not running' : 'keeps restarting or is not running';
}

function endInWords(last: EngineExit | undefined): string {
  if (!last) return 'exited';
  const after = last.lifeMs === undefined ? '' : ` after ${brief(last.lifeMs)}`;
  return `${mayBeStopped(exitOf(last)) ? 'was stopped' : 'exited'}${after} with ${exitInWords(exitOf(last))}`;
}

function againInWords({ restarts, spanMs, runningMs }: EngineLoop): string {
  if (restarts > 1 && spanMs !== undefined)
    return `, ${restarts} times in ${spanMs < 120_000 ? brief(spanMs) : wording.span(spanMs)}`;
  return runningMs === undefined ? '' : ` ${brief(runningMs)} ago`;
}

/** What the exit means, and what to run. */
export function adviceOnEngines(those: Looping): string {
  const [{ engine, isControlPlane, loop }] = those;
  const { last } = loop;
  const isOverdue = those.some(
    (one) => one.loop.pace === 'down' && (one.loop.last?.endedMs ?? 0) > LONGEST_BACK_OFF_MS,
  );
  const overdue = isOverdue
    ? 'The kubelet should have started it again within 5 minutes: check that the kubelet runs. '
    : '';
  const kubelet = `${overdue}Check \`journalctl -u kubelet\` on ${hostsOf(those)}`;
  if (last?.exitCode === undefined) return kubelet;
  const isSigterm = last.exitCode === 143 || (last.exitCode === 0 && isControlPlane);
  if (isSigterm) {
    const sent =
      last.exitCode === 0 ? 'Exit code 0 means that something sent it SIGTERM' : 'Something sent it SIGTERM';
    return `${sent}, as the kubelet does when a probe fails; the probe can't be read without the API server. ${kubelet}`;
  }
  if (last.exitCode === 0) return `It finished, or the kubelet stopped it. ${kubelet}`;
  if (last.exitCode === 137)
    return `SIGKILL means that it ran out of memory or did not stop in time. ${overdue}Check \`journalctl -k\` on ${hostsOf(those)}`;
  return `${overdue}Check \`docker logs --tail 50 ${last.id.slice(0, 12)}\` on ${hostOf(engine)}`;
}

export function stateInWords(loop: EngineLoop | undefined): string {
  if (!loop) return 'running';
  const { pace, last, runningMs } = loop;
  if (pace !== 'down') return runningMs === undefined ? 'restarting' : `running for ${brief(runningMs)}`;
  return last
    ? `not running, ${exitInWords(exitOf(last))}${ago(last.endedMs)}`
    : 'not running, never started';
}

/** Newest first. The number is the kubelet's, which counts from 0. */
export function instancesTable(those: Looping): Evidence {
  const hasHosts = those.length > 1;
  const rows = those.flatMap(({ engine, container: { instances }, nowMs }) =>
    instances.map(({ attempt, state, exitCode, startedAt, finishedAt }) => {
      const endMs = finishedAt?.getTime() ?? nowMs;
      const ended = `${exitInWords(exitOf({ id: '', ...(exitCode !== undefined && { exitCode }) }))}${finishedAt ? ago(nowMs - endMs) : ''}`;
      return [
        ...(hasHosts ? [hostOf(engine)] : []),
        attempt === undefined ? 'unknown' : String(attempt),
        state === 'exited' || state === 'dead' ? ended : state,
        startedAt ? brief(endMs - startedAt.getTime()) : 'unknown',
      ];
    }),
  );
  return {
    kind: 'table',
    columns: [...(hasHosts ? ['Node'] : []), 'Restart', 'State', 'Ran for'],
    rows: rows.slice(0, MAX_ROWS * those.length),
  };
}

function ago(ms: number | undefined): string {
  return ms === undefined ? '' : `, ${brief(ms)} ago`;
}

function brief(ms: number): string {
  return ms < IN_SECONDS_MS ? `${Math.max(0, Math.round(ms / 1_000))} s` : wording.span(ms);
}
