import { z } from 'zod';
import { defineRemediation, SourceError, wording } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { fitTitle } from '../../shared/title.ts';
import { type Build, type BuildGroup, buildInWords } from './build.ts';
import { areExpected } from './expected.ts';
import type { Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import { repositoryOf } from './image-id.ts';
import {
  impactOf,
  readChangeable,
  revertedBy,
  whyNotReplaced,
  workloadName,
  workloadParams,
} from './planned-workload.ts';
import { obstacleToChange } from './restart-rules.ts';

const params = workloadParams.extend({
  container: z.string(),
  /** The image in its template: `registry.example/api:latest`. */
  from: z.string(),
  /** `registry.example/api@sha256:…` */
  to: z.string(),
  /** What replicas with that digest run: `412`. */
  build: z.string(),
});

export interface PinOffer {
  readonly remediation: 'pin-image';
  readonly params: z.output<typeof params>;
  readonly target: string;
}

const details = z.strictObject({ uid: z.string() });

/** Names the image of a workload by its digest, so that all pods run the same one. */
export const pinImage = defineRemediation({
  about: 'Pins the image of a workload to the digest that some of its pods run',
  title: ({ namespace, name, build }) =>
    fitTitle(`Pin ${namespace}/${name} to build ${build}`, `Pin ${name} to ${build}`, `Pin ${name}`),
  risk: 'disruptive',
  allow: 'pin',
  uses: ['clusters'],
  params,
  settlesWithinSeconds: 900,
  plan: async (context, asked) => {
    const { cluster: source, namespace, container, from, to, build } = asked;
    const cluster = sourceNamed(context.read.clusters, source);
    const permission = await cluster.pinPermission({ namespace, signal: context.signal });
    const workload = await readChangeable(context, asked, 'pin', permission);
    const now = workload.template.containers.find(({ name }) => name === container)?.image;
    if (now !== from)
      throw new SourceError(
        source,
        'missing',
        `the image of container ${container} in ${workloadName(asked)} is no longer ${from}`,
      );
    await cluster.tryImageChange(
      { workload: { namespace, kind: asked.kind, name: asked.name, uid: workload.uid }, container, from, to },
      { signal: context.signal },
    );
    const afterwards = [
      `Deploys that set the tag again undo this: let them set the digest`,
      ...revertedBy(workload, 'set the digest'),
    ];
    return {
      lines: [
        `Set the image of container ${container} in ${workloadName(asked)} from ${from} to ${to}, which runs build ${build}`,
      ],
      targets: [`${source}:${workloadName(asked)}`],
      precondition: { uid: workload.uid, image: from },
      impact: impactOf(workload),
      afterwards,
      details: { uid: workload.uid },
    };
  },
  apply: async ({ write, applyContext, recordStep }, asked, plan) => {
    const { cluster, namespace, kind, name, container, from, to } = asked;
    const { uid } = details.parse(plan.details);
    await write
      .clusters(cluster)
      .changeImage({ workload: { namespace, kind, name, uid }, container, from, to }, applyContext);
    await recordStep(`${workloadName(asked)} has the image ${to}`);
  },
  whyUnproven: (context, asked, { plan }) => whyNotReplaced(context, asked, details.parse(plan.details).uid),
});

/** How many builds are offered if it isn't known which is right. */
const MOST_OFFERED = 3;

/** Why the digest of a replica might not run on every node: it may be that of a manifest for one architecture. */
export function obstacleToDigest(
  { kubernetes }: ServiceFacts,
  replicas: readonly Replica[],
): string | undefined {
  const known = replicas.flatMap(({ architecture }) => architecture ?? []);
  const all = [...new Set([...known, ...(kubernetes?.architectures ?? [])])].toSorted();
  if (all.length > 1)
    return `nodes have different architectures (${wording.list(all)}), and a digest may be that of one of them`;
  const isPartial = all.length > 0 && known.length < replicas.length;
  return kubernetes?.areNodesUnread || isPartial ? 'the architectures of its nodes are unknown' : undefined;
}

/**
 * To the digest of the expected build, or of the newest one. If their order is unknown, one offer for each: a person decides. The digest of a manifest for
 * one architecture would not run on others, so there is none for a mixed set.
 */
export function pinOffers(
  service: ServiceFacts,
  { kind, namespace, name, container, ...workload }: WorkloadFacts,
  groups: readonly BuildGroup<Replica>[],
): readonly PinOffer[] {
  const { name: target, kubernetes, expected } = service;
  if (!kubernetes || !container || kind === 'ReplicaSet' || kind === 'Rollout') return [];
  if (obstacleToChange({ kind, ...workload }, kubernetes.pin, 'pin') !== undefined) return [];
  const all = groups.flatMap(({ members }) => members);
  if (obstacleToDigest(service, all) !== undefined) return [];
  const right = expected ? groups.filter(({ members }) => areExpected(members, expected, service)) : [];
  // None of them is wanted.
  if (expected && right.length === 0) return [];
  const chosen = right.length === 1 ? right : newestOf(groups);
  const offers = chosen.flatMap(({ build, members }): readonly PinOffer[] => {
    const digests = new Set(
      members.flatMap(({ imageId }) => (imageId?.kind === 'repository' ? [imageId.digest] : [])),
    );
    return [...digests].map((digest) => ({
      remediation: 'pin-image',
      params: {
        cluster: kubernetes.cluster,
        namespace,
        kind,
        name,
        container: container.name,
        from: container.image,
        to: `${repositoryOf(container.image)}@${digest}`,
        build: digests.size > 1 ? `${buildInWords(build)} (${digest.slice(7, 19)})` : buildInWords(build),
      },
      target,
    }));
  });
  return offers.slice(0, MOST_OFFERED);
}

/** The newest build by number or time; all of them if that doesn't decide. */
function newestOf(groups: readonly BuildGroup<Replica>[]): readonly BuildGroup<Replica>[] {
  const ranked = groups.map((group) => ({ group, rank: rankOf(group.build) }));
  const ranks = ranked.flatMap(({ rank }) => rank ?? []);
  const most = Math.max(...ranks);
  const newest = ranked.filter(({ rank }) => rank === most);
  return ranks.length === groups.length && newest.length === 1 ? newest.map(({ group }) => group) : groups;
}

function rankOf({ number, builtAt }: Build): number | undefined {
  return number !== undefined && /^\d{1,15}$/.test(number) ? Number(number) : builtAt?.getTime();
}
