import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { isStatic, suspectsDocker } from './advice.ts';
import type { KilledByProbe } from './causes.ts';
import { exitInWords, isOutOfMemory, isUnknownExit, lastExitOf, lifeMsOf, mayBeStopped } from './exits.ts';
import { isKnownByCount } from './describe.ts';
import type { EventCount, RestartedContainer } from './facts.ts';
import { canHaveEnded, killWindows } from './kill-windows.ts';
import { failureInWords } from './probe-failures.ts';
import { aboutProbe, windowInWords } from './probe-words.ts';
import { lifeOf, type Restarting, type RestartingGroup } from './restarting.ts';
import { manifestAdvice, manifestChanges } from './static-manifest.ts';
import { lifeInWords, rateInWords } from './words.ts';

/** Rows of a table of pods. */
const MAX_ROWS = 500;

/** What the summary does not say, the most important first. */
export function evidenceOf(group: RestartingGroup): readonly Evidence[] {
  const { lead, members } = group;
  const { container, cause } = lead;
  const probe =
    cause.kind === 'killed-by-probe'
      ? cause.probe
      : (['liveness', 'startup'] as const).find((one) => container[one]);
  return [
    ...(members.length > 1 ? [tableOf(members)] : aboutPod(lead)),
    ...optionalField('Waiting', waitsText(container)),
    ...(cause.kind === 'killed-by-probe' ? aboutKills(container, cause) : []),
    ...failureFields(container),
    ...sandboxField(lead),
    ...(cause.kind === 'killed-by-probe' || hasWindowDoubt(lead)
      ? probe
        ? aboutProbe(container, probe)
        : []
      : []),
    ...doubts(lead),
    ...optionalField('Exec timeouts', execTimeouts(lead)),
    ...aboutNodes(group),
    ...staticPod(group),
    ...logLines(members),
  ];
}

function tableOf(members: readonly Restarting[]): Evidence {
  const hows = members.map(({ cause }) => howInWords(cause));
  const isMixed = new Set(hows).size > 1;
  return {
    kind: 'table',
    columns: ['Pod', 'Restarts', 'Total', 'Ran for', 'Exit code', ...(isMixed ? ['Probe'] : [])],
    rows: members.slice(0, MAX_ROWS).map((one, index) => {
      const exit = lastExitOf(one.container.status);
      const life = lifeOf(one);
      return [
        // Its namespace is in the target.
        one.container.pod,
        one.loop.pace === 'proving' ? '' : rateInWords([one.loop], ''),
        totalText(one),
        life === undefined ? 'unknown' : lifeInWords(life),
        exit?.exitCode === undefined ? 'unknown' : String(exit.exitCode),
        ...(isMixed ? [hows[index] ?? ''] : []),
      ];
    }),
  };
}

function howInWords(cause: Restarting['cause']): string {
  if (cause.kind !== 'killed-by-probe') return '';
  const how = { fails: 'fails at once', 'times-out': 'times out', either: 'fails or times out' }[cause.how];
  return `${cause.probe} ${how}`;
}

function aboutPod(one: Restarting): readonly Evidence[] {
  const { status } = one.container;
  const exit = lastExitOf(status);
  return [
    ...(isKnownByCount(one) ? [] : [field('Total restarts', totalText(one))]),
    ...optionalField('Last exit', exit && lastExitText(exit)),
    ...optionalField(
      'Running since',
      status.state.kind === 'running' && status.state.startedAt
        ? wording.utcTime(status.state.startedAt)
        : undefined,
    ),
  ];
}

function totalText({ container: { status } }: Restarting): string {
  return status.restarts === undefined ? 'unknown' : String(status.restarts);
}

function lastExitText(exit: NonNullable<ReturnType<typeof lastExitOf>>): string {
  const parts = [exitInWords(exit), ...(exit.reason === undefined ? [] : [exit.reason])];
  if (exit.finishedAt) parts.push(wording.utcTime(exit.finishedAt));
  if (isUnknownExit(exit)) parts.push('set by the kubelet, because the runtime had lost the container');
  else if (exit.reason === 'OOMKilled' && !isOutOfMemory(exit))
    parts.push('not an OOM kill, whose exit code is 137: a process in its cgroup was OOM-killed earlier');
  return parts.join(', ');
}

/** Why it isn't running now. Not `CrashLoopBackOff`, which sounds like a crash even if nothing crashes. */
function waitsText({ status: { state } }: RestartedContainer): string | undefined {
  if (state.kind !== 'waiting') return undefined;
  const delay = /^back-off (\S+) restarting/.exec(state.message ?? '')?.[1];
  if (delay !== undefined) return `back-off of ${delay} before the next start`;
  return state.reason === 'CrashLoopBackOff' ? 'back-off before the next start' : state.reason;
}

function aboutKills(
  container: RestartedContainer,
  { probe, by, windows, how }: KilledByProbe,
): readonly Evidence[] {
  const { kills } = container.events;
  const known = kills
    ? `events: ${atLeast(kills, 'kill')}`
    : by === 'events'
      ? 'events of failures, and its exit'
      : by === 'earlier'
        ? 'events of earlier restarts or of other pods, and its exit'
        : 'how long it ran: it has no events';
  const decides =
    by === 'events' && windows.length > 1 && how !== 'either'
      ? `. With up to ${container[probe]?.graceSeconds ?? container.graceSeconds} s to stop, how long it ran fits both windows, so only the events show how the probe fails`
      : '';
  return [field('Based on', `${known}${decides}`)];
}

function failureFields({ events }: RestartedContainer): readonly Evidence[] {
  const of = (label: string, some: readonly (EventCount & { readonly message: string })[]) =>
    some
      .toSorted((a, b) => b.count - a.count)
      .slice(0, 2)
      .map((one) => field(label, `${failureInWords(one.message) || 'no output'} (${atLeast(one, 'time')})`));
  return [
    ...of('Failure', events.failures),
    ...of('Could not run', events.errors),
    ...of('Start failure', events.startFailures),
  ];
}

/** https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers */
function sandboxField({ container: { events }, cause }: Restarting): readonly Evidence[] {
  if (cause.kind !== 'stopped-from-outside' || !cause.isSandboxLost || !events.sandboxChanges) return [];
  return [field('Sandbox changed', atLeast(events.sandboxChanges, 'time'))];
}

/** Events are aggregated and limited in rate. */
function atLeast({ count, firstAt, lastAt }: EventCount, noun: string): string {
  const since = firstAt && lastAt && count > 1 ? ` since ${wording.utcTime(firstAt)}` : '';
  return `at least ${wording.count(count, noun)}${since}`;
}

/** How long it ran fits a window of its probe, although nothing else shows that the probe killed it. */
function hasWindowDoubt({ container, cause }: Restarting): boolean {
  if (cause.kind !== 'crash-loop' || container.startup) return false;
  const exit = lastExitOf(container.status);
  const life = exit && lifeMsOf(exit);
  if (!container.liveness || life === undefined || exit?.exitCode === undefined) return false;
  const { fails, timesOut } = killWindows(container.liveness);
  return [fails, timesOut].some((one) => canHaveEnded(one, { seconds: life / 1_000 }, 0));
}

/** What else it could be. */
function doubts(one: Restarting): readonly Evidence[] {
  const { container, cause } = one;
  const { liveness, events } = container;
  if (hasWindowDoubt(one) && liveness)
    return [
      field(
        'Other cause',
        `the liveness probe may kill it, if it exits with this code on SIGTERM: how long it ran fits ${windowInWords(killWindows(liveness).fails)} or ${windowInWords(killWindows(liveness).timesOut)}. No event shows that`,
      ),
    ];
  const exit = lastExitOf(container.status);
  const areGone = !events.kills && !events.backOff && events.failures.length === 0;
  const isEnd =
    cause.kind === 'exits-with-success' || (cause.kind === 'stopped-from-outside' && !cause.isSandboxLost);
  return [
    ...(isEnd && liveness && areGone && exit && mayBeStopped(exit)
      ? [
          'the liveness probe may kill it after it has worked for a while: its events would be deleted after an hour',
        ]
      : []),
    ...(cause.kind === 'stopped-from-outside' && !cause.isSandboxLost && exit?.exitCode === 137
      ? [
          `the kernel may have killed it because ${container.memoryLimit === undefined ? '' : `it exceeded its memory limit of ${container.memoryLimit}, or `}the node ran out of memory`,
        ]
      : []),
    ...((cause.kind === 'crash-loop' || cause.kind === 'exits-with-success') && exit?.reason === 'OOMKilled'
      ? ['it may exit because one of its processes was OOM-killed']
      : []),
  ].map((text) => field('Other cause', text));
}

/** https://kubernetes.io/blog/2020/12/08/kubernetes-1-20-release-announcement/ */
function execTimeouts({ container, cause }: Restarting): string | undefined {
  if (cause.kind !== 'killed-by-probe' || container[cause.probe]?.action !== 'exec') return undefined;
  const minor = Number(/^v?1\.(\d+)/.exec(container.node?.kubeletVersion ?? '')?.[1] ?? Number.NaN);
  const version = container.node?.kubeletVersion ?? '';
  if (minor < 20)
    return `kubelets before 1.20 don't enforce timeoutSeconds of commands (this one is ${version}), so the command wasn't cut off`;
  return cause.how === 'times-out'
    ? 'kubelets before 1.20 did not enforce timeoutSeconds of commands: a slow command may have failed only since an upgrade'
    : undefined;
}

const MAX_NODES = 5;

function aboutNodes({ lead, members }: RestartingGroup): readonly Evidence[] {
  const { node } = lead.container;
  if (!node) return [];
  const names = [...new Set(members.flatMap(({ container }) => container.node?.name ?? []))].toSorted();
  const matters = lead.cause.kind === 'killed-by-probe' && (lead.cause.isExecBroken || suspectsDocker(lead));
  const more = matters ? [node.containerRuntime, node.osImage].filter((one) => one !== undefined) : [];
  const label = names.length === 1 ? 'Node' : 'Nodes';
  return [field(label, [wording.list(names, MAX_NODES), ...more].join(', '))];
}

function staticPod({ lead, members }: RestartingGroup): readonly Evidence[] {
  const { container, cause } = lead;
  if (!isStatic(container) || cause.kind !== 'killed-by-probe') return [];
  const nodes = members.flatMap((one) => (one.container.node ? [one.container.node] : []));
  if (nodes.length === 0) return [];
  const changes = suspectsDocker(lead) ? [] : manifestChanges(container, cause);
  return manifestAdvice({ owner: container.owner, container: container.container, nodes }, changes);
}

const MAX_LOG_LINES = 10;
const MAX_LINE_LENGTH = 240;

/** The newest last. */
function logLines(members: readonly Restarting[]): readonly Evidence[] {
  const { log = [] } = members.find(({ container }) => container.log)?.container ?? {};
  const lines = log
    .filter((line) => line.trim() !== '')
    .slice(-MAX_LOG_LINES)
    .map((line) => (line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line));
  return lines.length === 0 ? [] : [{ kind: 'log', lines }];
}
