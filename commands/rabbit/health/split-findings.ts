import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import { type BrokerFacts, type Facts, hostOf, nodeTarget } from './facts.ts';
import { lostNodes, partitionsOf } from './split.ts';

/** One split is one finding, though there may be partitions and lost nodes. */
export function splitFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  const { name, views, queues } = broker;
  const lost = lostNodes(views, queues);
  const partitions = partitionsOf(views);
  const separated = [...partitions].flatMap(([node, others]) => [node, ...others]);
  if (lost.length === 0 && partitions.size === 0) return [];
  const separatedByMost = partitions.size > 0 ? minorityOf(partitions) : [];
  const losers = separatedByMost.length > 0 ? separatedByMost : lost.map((one) => one.name);
  const [only] = losers;
  const isOne = losers.length === 1 && only !== undefined;
  const affected = [
    ...new Set(isOne ? [] : [...losers, ...(losers.length === 0 ? separated : [])]),
  ].toSorted();
  const target = isOne ? nodeTarget(facts, name, only) : name;
  const about = {
    target,
    severity: 'critical' as const,
    ...(affected.length > 0 && { targets: affected.map((node) => nodeTarget(facts, name, node)) }),
  };
  const reported = [...partitions].map(([node, others]) =>
    field(node, `separated from ${wording.list(others, 5)}`),
  );
  const shown = lost.map((one) =>
    field(lost.length === 1 ? 'Shows that it runs' : one.name, wording.list(one.evidence, 5)),
  );
  const seen = views.map((view) =>
    field(
      `As seen by ${view.node ?? hostOf(view.endpoint)}`,
      view.nodes.map((node) => `${node.name} ${node.isRunning ? 'running' : 'not running'}`).join(', '),
    ),
  );
  if (partitions.size > 0)
    return [
      {
        reason: 'network-partition',
        ...about,
        summary: `${name} is partitioned: ${wording.list([...partitions.keys()], 5)} ${partitions.size === 1 ? 'reports' : 'report'} nodes that they lost and didn't rejoin. Page whoever runs RabbitMQ`,
        evidence: [...reported, ...shown, ...seen, ...splitSteps(isOne ? only : undefined)],
      },
    ];
  const who = wording.list(losers, 5);
  const isMinority = lost.every(({ isInMinority }) => isInMinority);
  if (lost.every(({ isUnlisted }) => isUnlisted))
    return [
      {
        reason: 'separate-clusters',
        ...about,
        summary: isMinority
          ? `${who} ${losers.length === 1 ? "isn't a member of the cluster: it runs as a cluster of its own" : "aren't members of the cluster: they run as clusters of their own"}, with other queues. Page whoever runs RabbitMQ`
          : `The nodes of ${name} are members of different clusters, with different queues. Page whoever runs RabbitMQ`,
        evidence: [
          ...shown,
          ...seen,
          ...steps([
            'Check that `urls` of the source names nodes of one cluster',
            'If it does, page a person who knows this cluster: a node that joins again loses its own queues and messages',
          ]),
        ],
      },
    ];
  return [
    {
      reason: 'metadata-split',
      ...about,
      summary: isMinority
        ? `${who} ${losers.length === 1 ? 'runs' : 'run'}, but the other nodes don't see ${losers.length === 1 ? 'it' : 'them'} as part of the cluster: its metadata is split, though no partition is reported. Page whoever runs RabbitMQ`
        : `The nodes of ${name} run, but don't see one another: its metadata is split, though no partition is reported. Page whoever runs RabbitMQ`,
      evidence: [...shown, ...seen, ...splitSteps(isMinority && isOne ? only : undefined)],
    },
  ];
}

function splitSteps(loser: string | undefined): readonly Evidence[] {
  return steps([
    'Page a person who knows this cluster. Wrench offers no restart: queues and declarations may differ between the sides',
    'Compare the queues, their leaders and their messages on each side before anything is restarted',
    loser === undefined
      ? 'Decide which side keeps its state, then restart the nodes of the other side, one at a time'
      : `Then restart only ${loser}, in working hours; the other side keeps its state`,
  ]);
}

/** Separated nodes that most of the others have lost. None if both sides are as large. */
function minorityOf(partitions: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const counts = new Map<string, number>();
  for (const one of [...partitions.values()].flat()) counts.set(one, (counts.get(one) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const losers = [...counts].filter(([, count]) => count === most).map(([node]) => node);
  return losers.length < counts.size || partitions.size === 1 ? losers.toSorted() : [];
}
