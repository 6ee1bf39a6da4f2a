import { defineRemediation, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { type ContainerParams, containerParams, findLeftover } from './find-container.ts';
import { MEASURED_WITHIN_SECONDS } from './nodes.ts';
import { sum } from './usage.ts';
import { bytesInFull, momentOf } from './words.ts';

const IRREVERSIBLE = ['Everything that was written outside of volumes is lost.'];
const SAFETY = ['Not running, and no volume is used by another container'];
const UNTIL_VERIFIED = [
  `On a Kubernetes node, the kubelet measures the disk with a delay: Wrench waits up to ${MEASURED_WITHIN_SECONDS} seconds for a new measurement.`,
];

/** Removes exactly the containers that were approved, by their ids. */
export const removeContainers = defineRemediation({
  about: 'Removes stopped containers without an owner, each by its id; keeps their volumes',
  title: ({ name, bytes }) =>
    fitTitle(`Remove ${name}${bytes === undefined ? '' : ` (${wording.bytes(bytes)})`}`, `Remove ${name}`),
  risk: 'destructive',
  allow: 'remove',
  uses: ['engines'],
  params: containerParams,
  plan: async (context, asked) => {
    const { target, container } = await findLeftover(context, asked);
    return {
      lines: [lineOf(asked)],
      targets: [target],
      precondition: {
        id: container.id,
        state: container.state,
        finished: container.details?.finishedAtText ?? 'unknown',
      },
      ...(asked.bytes !== undefined && { bytes: asked.bytes }),
      impact: impactOn([asked]),
      irreversible: IRREVERSIBLE,
      safety: SAFETY,
      untilVerified: UNTIL_VERIFIED,
    };
  },
  apply: async ({ write, applyContext, recordStep }, asked) => {
    const { source, engine, id, state, finishedAtText, name } = asked;
    await write.engines(source).removeContainer({ engine, id, state, finishedAtText }, applyContext);
    await recordStep(`${name} removed`);
  },
  // The time in which the kubelet has a new measurement.
  settlesWithinSeconds: 120,
  many: {
    title: (all) => `Remove ${wording.count(all.length, 'container')}${bytesOf(all)}`,
    impact: impactOn,
    line: (asked) => lineOf(asked),
    precondition: ({ precondition }) => precondition,
  },
});

/** ` (1.2 GB)`; empty if the size of one is unknown. */
function bytesOf(all: readonly ContainerParams[]): string {
  const isKnown = all.every(({ bytes }) => bytes !== undefined);
  return isKnown ? ` (${wording.bytes(sum(all.map(({ bytes }) => bytes)))})` : '';
}

function impactOn(all: readonly ContainerParams[]): string {
  return `Deletes ${wording.count(all.length, 'stopped container')}${bytesOf(all)}; keeps ${all.length === 1 ? 'its' : 'their'} volumes`;
}

/** Must not change with time, so it has no ages. */
function lineOf({ name, id, image, finishedAtText, bytes }: ContainerParams): string {
  const size = bytes === undefined ? 'size unknown' : bytesInFull(bytes);
  return `Remove ${name} (${id.slice(0, 12)}), image ${image}, finished ${momentOf(finishedAtText)}: ${size}`;
}
