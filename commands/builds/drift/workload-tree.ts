import type { ports } from '../../kit.ts';
import type { PodFacts, WorkloadFacts } from './facts.ts';

type TemplateContainer = ports.Rollout['template']['containers'][number];

type PodTemplate = Pick<PodFacts, 'workload' | 'template' | 'isCurrent'>;

/** What creates the pods of a namespace: ReplicaSets, and what creates those. */
export class WorkloadTree {
  readonly #all: readonly ports.Rollout[];
  readonly #byUid: ReadonlyMap<string, ports.Rollout>;
  readonly #byName: ReadonlyMap<string, ports.Rollout>;

  constructor(all: readonly ports.Rollout[]) {
    this.#all = all;
    this.#byUid = new Map(all.map((one) => [one.uid, one]));
    this.#byName = new Map(all.map((one) => [`${one.kind} ${one.name}`, one]));
  }

  /** What creates a pod in the end, which template the pod has, and whether that is the current one. */
  templateOf(
    { controller, labels }: Pick<ports.Pod, 'controller' | 'labels'>,
    main: Pick<ports.PodContainer, 'name' | 'image'> | undefined,
  ): PodTemplate {
    const direct = this.#find(controller);
    if (!direct) return {};
    if (direct.kind === 'ReplicaSet') {
      const owner = this.#find(direct.controller);
      const hash = labels['rollouts-pod-template-hash'];
      const newest = owner?.status.updateRevision;
      const isCurrent =
        owner?.kind === 'Rollout' && hash !== undefined && newest !== undefined
          ? hash === newest
          : owner?.revision !== undefined && direct.revision !== undefined
            ? owner.revision === direct.revision
            : owner && hasOtherImages(owner, direct)
              ? false
              : undefined;
      // The ReplicaSet of something that isn't listed, such as the resource of an operator, stands for itself.
      return {
        workload: (owner ?? direct).uid,
        template: direct.uid,
        ...(isCurrent !== undefined && { isCurrent }),
      };
    }
    const hash = labels['controller-revision-hash'];
    const { updateRevision } = direct.status;
    const ofTemplate = direct.template.containers.find(({ name }) => name === main?.name);
    const isCurrent =
      hash !== undefined && updateRevision !== undefined
        ? hash === updateRevision
        : ofTemplate && main && ofTemplate.image !== main.image
          ? false
          : undefined;
    return {
      workload: direct.uid,
      ...(hash !== undefined && { template: hash }),
      ...(isCurrent !== undefined && { isCurrent }),
    };
  }

  /** Whether the controller of a pod with an earlier template creates no pod with that template again. */
  isReplaceable(
    { controller }: Pick<ports.Pod, 'controller'>,
    { isCurrent, workload }: PodTemplate,
  ): boolean {
    const direct = this.#find(controller);
    if (isCurrent !== false || workload === undefined) return false;
    if (direct?.kind === 'ReplicaSet') return direct.uid !== workload && direct.replicas === 0;
    if (direct?.kind === 'StatefulSet') return (direct.partition ?? 0) === 0;
    return direct?.kind === 'DaemonSet';
  }

  /** Those that create these pods, and those whose pods the Service would select if they had any. */
  workloadsOf(
    uids: readonly string[],
    selector: Readonly<Record<string, string>>,
    choose: (mains: readonly TemplateContainer[], uid: string) => TemplateContainer | undefined,
  ): readonly WorkloadFacts[] {
    const used = new Set(uids);
    const selected = Object.entries(selector);
    const isSelected = ({ kind, replicas, template }: ports.Rollout) =>
      kind !== 'ReplicaSet' &&
      replicas !== 0 &&
      selected.length > 0 &&
      selected.every(([label, value]) => template.labels[label] === value);
    return this.#all
      .filter((one) => used.has(one.uid) || isSelected(one))
      .map((one) => {
        const newest = this.#newestOf(one);
        const mains = one.template.containers.filter(({ kind }) => kind === 'main');
        const container = choose(mains, one.uid);
        return { ...one, ...(newest && { newest }), ...(container && { container }) };
      });
  }

  #newestOf({ uid, revision }: ports.Rollout): WorkloadFacts['newest'] {
    const own = this.#all.filter((one) => one.kind === 'ReplicaSet' && one.controller?.uid === uid);
    const found =
      own.find((one) => revision !== undefined && one.revision === revision) ??
      own.toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0))[0];
    return (
      found && { name: found.name, uid: found.uid, ...(found.createdAt && { createdAt: found.createdAt }) }
    );
  }

  #find(reference: ports.Rollout['controller']): ports.Rollout | undefined {
    if (!reference) return undefined;
    return reference.uid === undefined
      ? this.#byName.get(`${reference.kind} ${reference.name}`)
      : this.#byUid.get(reference.uid);
  }
}

/** Whether a ReplicaSet certainly has another template than what owns it has now. */
function hasOtherImages(owner: ports.Rollout, set: ports.Rollout): boolean {
  const images = new Map(owner.template.containers.map(({ name, image }) => [name, image]));
  return set.template.containers.some(({ name, image }) => images.has(name) && images.get(name) !== image);
}
