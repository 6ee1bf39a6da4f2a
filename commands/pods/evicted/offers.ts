import { wording } from '../../kit.ts';
import type { PodParams } from './find-evicted.ts';
import { type Group, nameIn } from './groups.ts';

export type OfferOfEvicted =
  | { readonly remediation: 'delete-evicted'; readonly params: PodParams; readonly target: string }
  | {
      readonly remediation: 'delete-evicted';
      readonly each: readonly { readonly target: string; readonly params: PodParams }[];
    };

/** Lines of one plan: each is checked again right before it is applied. */
const MAX_OFFERED = 500;
/** As many lines as the default configuration allows in one plan. */
const FEW = 20;

/** An offer to delete the replaced ones, oldest first, and what to say about it. Both empty if there are none. */
export function offerDeletion(
  { cluster, index, namespace, pods }: Group,
  isRefusing: boolean,
): {
  readonly offers: readonly OfferOfEvicted[];
  readonly words?: string;
} {
  const removable = pods.filter((pod) => index.obstacleToRemoval(pod) === undefined);
  const permission = cluster.removal[namespace];
  if (removable.length === 0 || !permission) return { offers: [] };
  const counted = wording.count(removable.length, 'replaced pod');
  if (!permission.allowed) return { offers: [], words: `${counted}, not offered: ${permission.because}` };
  const each = removable.map(({ name, uid, controller, owner }) => ({
    target: nameIn(cluster, `${namespace}/${name}`),
    params: {
      cluster: cluster.name,
      namespace,
      pod: name,
      uid,
      kind: controller?.kind ?? '',
      controller: controller?.name ?? '',
      owner: owner.name,
    },
  }));
  const [only] = each;
  const offers =
    each.length === 1 && only
      ? [{ remediation: 'delete-evicted' as const, ...only }]
      : [
          { remediation: 'delete-evicted' as const, each: each.slice(0, MAX_OFFERED) },
          ...(each.length > FEW
            ? [{ remediation: 'delete-evicted' as const, each: each.slice(0, FEW) }]
            : []),
        ];
  const later =
    removable.length > MAX_OFFERED
      ? `. One plan deletes ${MAX_OFFERED}; run the check again for the rest`
      : '';
  const tidying = isRefusing ? "only tidies up; it doesn't end the refusals" : 'only tidies up';
  return { offers, words: `deleting ${counted} ${tidying}. The newest evicted pod is kept${later}` };
}
