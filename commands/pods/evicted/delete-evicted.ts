import { defineRemediation, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { findEvicted, type PodParams, podParams } from './find-evicted.ts';
import { causeIn } from './messages.ts';

const IRREVERSIBLE = [
  'The status of each pod is lost, with the message that says why it was evicted. Its logs are already gone.',
];
const SAFETY = [
  'Each pod is still evicted, and its controller exists and has created a newer one. The newest evicted pod of each owner is kept',
];

const AFTERWARDS = ['Remove the cause of the evictions: deleting their pods only tidies up.'];

/** Deletes exactly the evicted pods that were approved, by their uids. */
export const deleteEvicted = defineRemediation({
  about: 'Deletes evicted pods that their controller has replaced, and keeps the newest of each owner',
  title: ({ namespace, pod }) => fitTitle(`Delete ${namespace}/${pod}`, `Delete ${pod}`),
  risk: 'destructive',
  allow: 'remove',
  uses: ['clusters'],
  params: podParams,
  plan: async (context, asked) => {
    const { pod, controllerUid } = await findEvicted(context, asked);
    const created = pod.createdAt
      ? `created ${wording.utcTime(pod.createdAt)}`
      : 'created at an unknown time';
    const gone = causeIn(pod.message).kind === 'refused' ? 'refused by' : 'evicted from';
    return {
      lines: [`Delete ${asked.namespace}/${asked.pod}, ${gone} ${pod.node ?? 'an unknown node'}, ${created}`],
      targets: [`${asked.cluster}:${asked.namespace}/${asked.pod}`],
      precondition: { uid: asked.uid, phase: pod.phase, controller: controllerUid },
      impact: impactOn([asked]),
      irreversible: IRREVERSIBLE,
      safety: SAFETY,
      afterwards: AFTERWARDS,
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cluster, namespace, pod, uid }) => {
    await write.clusters(cluster).deletePod({ namespace, name: pod, uid }, applyContext);
    await recordStep(`${namespace}/${pod} deleted`);
  },
  settlesWithinSeconds: 30,
  many: {
    title: (all) => `Delete ${all.length} evicted pods`,
    impact: impactOn,
    line: (_, { lines: [line = ''] }) => line,
    precondition: ({ precondition }) => precondition,
  },
});

function impactOn(all: readonly PodParams[]): string {
  const owners = [...new Set(all.map(({ namespace, owner }) => `${namespace}/${owner}`))];
  return `Deletes ${wording.count(all.length, 'evicted pod')} of ${wording.list(owners)}; stops nothing that runs`;
}
