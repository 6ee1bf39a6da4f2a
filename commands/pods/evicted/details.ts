import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import type { EvictedPod } from './facts.ts';
import { type Group, isCertain, isReplaced, newestOf, nodeNamesOf, nodeStateOf } from './groups.ts';
import { availableIn, restOf, usageIn } from './messages.ts';
import { conditionsOf, pressureNow } from './urgency.ts';
import { earliest, latest } from './times.ts';

const MAX_MESSAGE_CHARS = 300;
const MAX_NODES = 5;
const MAX_CONTAINERS = 8;
const MAX_ROWS = 500;
/** Slack shows as many rows of a table, which have the same times. */
const MAX_ROWS_SHOWN = 6;

/** What the summary does not say: the most important first. */
export function detailsOf(group: Group, deletion: string | undefined): readonly Evidence[] {
  const newest = newestOf(group);
  const usage = usageIn(newest.message);
  return [
    ...optionalField('Replaced', replacedWords(group)),
    ...optionalField('Uncertain', doubtsAbout(group)),
    ...nodesOf(group),
    ...optionalField('Used', usage.length === 0 ? undefined : wording.list(usage, MAX_CONTAINERS)),
    ...optionalField('Available then', availableIn(newest.message)),
    ...optionalField('Started', timesOf(group)),
    ...optionalField('Ended', endsOf(group)),
    field(group.pods.length === 1 ? 'Message' : 'Newest message', shortened(restOf(newest.message))),
    ...optionalField('Cleanup', deletion),
    ...optionalField('Not in the table', olderWords(group)),
    ...tableOf(group),
  ];
}

/** `3 of 4; the newest pod was created 2026-11-26 09:10 UTC`. undefined if it cannot be known. */
function replacedWords(group: Group): string | undefined {
  const { cluster, pods } = group;
  const answers = pods.map((pod) => isReplaced(group, pod));
  if (answers.includes(undefined)) return undefined;
  const replaced = answers.filter(Boolean).length;
  const { newestLiveAt } = group.live;
  const since = newestLiveAt ? `; the newest pod was created ${wording.utcTime(newestLiveAt)}` : '';
  if (replaced < pods.length && !cluster.arePodsComplete)
    return `at least ${replaced} of ${pods.length}: not all pods could be read`;
  if (pods.length === 1) return replaced === 1 ? `yes${since}` : 'no';
  return `${replaced === pods.length ? 'all' : `${replaced} of ${pods.length}`}${since}`;
}

/** `1 of 3: the status has no reason, but its message is that of an eviction` */
function doubtsAbout({ pods }: Group): string | undefined {
  const doubtful = pods.filter((pod) => !isCertain(pod));
  if (doubtful.length === 0) return undefined;
  const whose = pods.length === 1 ? '' : `${doubtful.length} of ${pods.length}: `;
  return `${whose}${
    doubtful.some(({ isGuess }) => isGuess)
      ? 'the status has no reason, but its message is that of an eviction'
      : `evicted by the status, but the phase is ${wording.list([...new Set(doubtful.map(({ phase }) => phase))])}`
  }`;
}

function nodesOf(group: Group): readonly Evidence[] {
  const { causes, reason, pods } = group;
  const names = nodeNamesOf(group);
  if (causes.every(({ kind }) => kind === 'own-limit') && reason !== 'static-pod-down')
    return optionalField('Node', pods.length === 1 ? names[0] : undefined);
  return optionalField(names.length === 1 ? 'Node now' : 'Nodes now', nodesNow(group, names));
}

/** `w-3: no DiskPressure`, `w-4: DiskPressure`. */
function nodesNow(group: Group, names: readonly string[]): string | undefined {
  const { cluster, reason } = group;
  // The summary says so.
  if (reason.startsWith('node-low-on-') && names.every((name) => pressureNow(group, name).length > 0))
    return undefined;
  const conditions = conditionsOf(group);
  const states = names.map((name) => {
    const state = nodeStateOf(group, name);
    if (!state) return `${name}: ${cluster.areNodesComplete ? 'no longer in the cluster' : 'unknown'}`;
    const ready =
      state.ready === 'True' ? [] : [state.ready === 'False' ? 'not ready' : 'not known whether it is ready'];
    const pressures = conditions.map((type) => {
      const status = state.pressure[type];
      return status === 'True' ? type : status === 'False' ? `no ${type}` : `${type} unknown`;
    });
    return `${name}: ${[...pressures, ...ready].join(', ') || 'ready'}`;
  });
  return states.length === 0 ? undefined : wording.list(states, MAX_NODES);
}

function timesOf({ pods }: Group): string | undefined {
  if (pods.length > 1 && pods.length <= MAX_ROWS_SHOWN) return undefined;
  return rangeOf(pods.flatMap(({ startedAt, createdAt }) => startedAt ?? createdAt ?? []));
}

/** Soon after a pod was evicted. The API server does not store when that was. */
function endsOf({ pods }: Group): string | undefined {
  return rangeOf(pods.flatMap(({ endedAt }) => endedAt ?? []));
}

function rangeOf(times: readonly Date[]): string | undefined {
  const [first, last] = [earliest(times), latest(times)];
  if (!first || !last) return undefined;
  const [from, to] = [wording.utcTime(first), wording.utcTime(last)];
  return from === to ? from : `first ${from}, last ${to}`;
}

function shortened(message: string): string {
  if (message === '') return 'none';
  return message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS - 1)}…` : message;
}

function olderWords({ pods }: Group): string | undefined {
  return pods.length > MAX_ROWS ? `${pods.length - MAX_ROWS} older pods` : undefined;
}

/** Newest first. */
function tableOf({ pods }: Group): readonly Evidence[] {
  if (pods.length === 1) return [];
  const row = ({ name, node = 'unknown', createdAt }: EvictedPod) => [
    name,
    node,
    createdAt ? wording.utcTime(createdAt) : 'unknown',
  ];
  return [
    { kind: 'table', columns: ['Pod', 'Node', 'Created'], rows: pods.slice(-MAX_ROWS).toReversed().map(row) },
  ];
}
