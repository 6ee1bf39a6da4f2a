import type { ports } from '../../kit.ts';
import type { View } from './facts.ts';
import { isUp } from './queue-states.ts';

/** A node that runs although another one doesn't see it. */
export interface LostNode {
  readonly name: string;
  /** Nodes that see it as running, itself included, as far as they said who they are. */
  readonly evidence: readonly string[];
  readonly isInMinority: boolean;
  /** Others don't list it as a member: it has its own cluster. */
  readonly isUnlisted: boolean;
}

/**
 * Nodes that run and that others of the cluster don't see: its metadata is split. Mnesia drops a peer when their connection breaks once, and reports no
 * partition: https://github.com/rabbitmq/rabbitmq-server/issues/17319. Of the sides, the one with fewer nodes has lost.
 */
export function lostNodes(views: readonly View[], queues: readonly ports.BrokerQueue[]): readonly LostNode[] {
  const all = [...new Set(views.flatMap(({ nodes }) => nodes.map(({ name }) => name)))].toSorted();
  // A node that isn't listed is a cluster of its own for those that don't list it.
  const isSeenDown = (name: string) => views.some((view) => runs(view, name) !== true);
  const disputed = all.filter((name) => isSeenDown(name) && evidenceOf(name, views, queues).length > 0);
  if (disputed.length === 0) return [];
  // The widest view is that of the side that goes on.
  const sides = views.map((view) => view.nodes.filter(({ isRunning }) => isRunning).map(({ name }) => name));
  const widest = sides.reduce((best, side) => (side.length > best.length ? side : best), []);
  const isTie = sides.some(
    (side) => side.length === widest.length && side.some((one) => !widest.includes(one)),
  );
  const outside = disputed.filter((name) => !widest.includes(name));
  // Only one side may have noticed. If it has most of the nodes, it has lost the others; otherwise they have lost it.
  const blind = views
    .filter((view) => view.nodes.filter(({ isRunning }) => isRunning).length < widest.length)
    .flatMap((view) =>
      2 * view.nodes.filter(({ isRunning }) => isRunning).length > all.length
        ? all.filter((name) => runs(view, name) !== true)
        : (view.node ?? all.filter((name) => isAlone(view, name))),
    );
  const lost = isTie
    ? disputed
    : [outside, [...new Set(blind)].toSorted(), disputed].find((some) => some.length > 0);
  return (lost ?? []).map((name) => ({
    name,
    evidence: evidenceOf(name, views, queues),
    isInMinority: !isTie && lost !== disputed,
    isUnlisted: views.some((view) => runs(view, name) === undefined),
  }));
}

function runs({ nodes }: View, name: string): boolean | undefined {
  return nodes.find((one) => one.name === name)?.isRunning;
}

const MAX_NAMED = 2;

/** What shows that a node runs. */
function evidenceOf(
  name: string,
  views: readonly View[],
  queues: readonly ports.BrokerQueue[],
): readonly string[] {
  const seenBy = views.filter((view) => runs(view, name) === true);
  const others = seenBy.flatMap(({ node }) => (node === undefined || node === name ? [] : [node]));
  const isAnswering = seenBy.some(
    (view) => view.node === name || (view.node === undefined && isAlone(view, name)),
  );
  const member = queues.filter(({ online = [] }) => online.includes(name));
  const led = queues.filter(
    ({ type, node, state, online }) =>
      type === 'quorum' && node === name && isUp(state) && (online === undefined || online.includes(name)),
  );
  const queueNames = (some: readonly ports.BrokerQueue[]) =>
    some
      .slice(0, MAX_NAMED)
      .map((one) => one.name)
      .join(', ');
  return [
    ...(isAnswering ? ['it responds itself'] : []),
    ...(others.length > 0 ? [`${others.join(', ')} sees it`] : []),
    ...(seenBy.length > 0 && !isAnswering && others.length === 0 ? ['another node sees it'] : []),
    ...(led.length > 0 ? [`it leads ${queueNames(led)}`] : []),
    ...(member.length > 0 ? [`it is online as a member of ${queueNames(member)}`] : []),
  ];
}

function isAlone({ nodes }: View, name: string): boolean {
  const running = nodes.filter(({ isRunning }) => isRunning);
  return running.length === 1 && running[0]?.name === name;
}

/** Which nodes the nodes were separated from and didn't rejoin, by the node that reports it. */
export function partitionsOf(views: readonly View[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const { name, partitions = [] } of views.flatMap(({ nodes }) => nodes))
    if (partitions.length > 0) {
      const others = found.get(name) ?? new Set<string>();
      for (const one of partitions) others.add(one);
      found.set(name, others);
    }
  return new Map([...found].map(([name, others]) => [name, [...others].toSorted()]));
}
