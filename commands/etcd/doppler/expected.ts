import type { ports } from '../../kit.ts';
import type { Facts } from './collect.ts';
import type { Service } from './services.ts';

/** One instance that should register. */
export interface ExpectedInstance {
  /** As people call it: `doppler_z2/0`, with its deployment's name before it where two deployments have one. */
  readonly name: string;
  readonly group: string;
  readonly id: string;
  readonly index?: number;
  readonly zone?: string;
  readonly addresses: readonly string[];
  /** Where an instance is known. One that is only named in the configuration has none. */
  readonly at?: { readonly deployment: ports.Deployment; readonly instance: ports.Instance };
}

/** All instances that may register, and those of them that should. */
export interface ExpectedInstances {
  readonly expected: readonly ExpectedInstance[];
  /** Stopped or ignored: their keys are not orphans, and a missing key is expected. */
  readonly excused: readonly ExpectedInstance[];
}

/** `named` are names such as `doppler_z1/0`, where no source lists processes. */
export function findExpected(
  service: Service,
  { deployments }: Facts,
  named: readonly string[],
): ExpectedInstances {
  const isOver = (version: string | undefined) => version !== undefined && service.ended?.isOver(version);
  const known = deployments
    .filter(({ version }) => isOver(version) !== true)
    .flatMap((deployment) =>
      deployment.instances
        .filter((instance) => belongsTo(service, instance))
        .map((instance): ExpectedInstance => ({ ...instance, at: { deployment, instance } })),
    );
  const distinct = disambiguateNames(known);
  const due = (one: ExpectedInstance) => one.at?.instance.desired === 'started' && !one.at.instance.ignored;
  const others = named.filter(
    (name) => !known.some((one) => one.name === name || `${one.group}/${one.id}` === name),
  );
  return {
    expected: [...distinct.filter(due), ...others.map(fromName)],
    excused: distinct.filter((one) => !due(one)),
  };
}

/** The deployments that are too new for it, by version. */
export function tooNew(
  { group, process, ended }: Service,
  { deployments }: Facts,
): readonly ports.Deployment[] {
  return deployments.filter(
    ({ version, instances }) =>
      version !== undefined &&
      ended?.isOver(version) &&
      instances.some((one) => group.test(one.group) || one.processes.some(({ name }) => name === process)),
  );
}

/** Where an agent shows no process at all, its group's name has to do. */
function belongsTo({ process, group }: Service, instance: ports.Instance): boolean {
  if (instance.processes.length > 0) return instance.processes.some(({ name }) => name === process);
  return group.test(instance.group);
}

function disambiguateNames(known: readonly ExpectedInstance[]): readonly ExpectedInstance[] {
  const times = Map.groupBy(known, ({ name }) => name);
  return known.map((one) =>
    (times.get(one.name)?.length ?? 0) > 1 ? { ...one, name: `${one.at?.deployment.name} ${one.name}` } : one,
  );
}

function fromName(name: string): ExpectedInstance {
  const [group = name, id = ''] = name.split('/');
  return { name, group, id, ...(/^\d+$/.test(id) && { index: Number(id) }), addresses: [] };
}
