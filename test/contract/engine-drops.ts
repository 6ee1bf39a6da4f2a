import type {
  ContainerDetails,
  EngineContainer,
  EngineUsage,
  SwarmService,
} from '../../src/ports/engines.ts';

type Batches = readonly (readonly EngineContainer[])[];

/** The same response without one of its parts, with a description of what is missing. */
export interface Incomplete {
  readonly what: string;
  /** What the report must mention. */
  readonly subject: string;
  readonly value: unknown;
}

/** Each container that could not be inspected, and each detail that may be absent. */
export function incompleteContainers(batches: Batches): readonly Incomplete[] {
  return batches.flat().flatMap((container) => {
    const { name, details } = container;
    if (!details) return [];
    const replaced = (changed: EngineContainer): Batches =>
      batches.map((batch) => batch.map((one) => (one.id === container.id ? changed : one)));
    const { details: _, ...listed } = container;
    const { ports, ...withoutPorts } = container;
    const withoutTime = ({ finishedAt: _finishedAt, ...others }: ContainerDetails): ContainerDetails =>
      others;
    return [
      {
        what: `${name} could not be inspected`,
        subject: name,
        value: replaced({ ...listed, error: 'dropped: unreachable' }),
      },
      {
        what: `when ${name} finished is unknown`,
        subject: '',
        value: replaced({ ...container, details: withoutTime(details) }),
      },
      ...(ports ? [{ what: `${name} publishes no port`, subject: '', value: replaced(withoutPorts) }] : []),
    ];
  });
}

/** Each size and each count of containers that an engine may not report. */
export function incompleteUsage(usage: EngineUsage): readonly Incomplete[] {
  const { imageBytes: _, ...withoutTotal } = usage;
  return [
    { what: 'the bytes of all images are unknown', subject: '', value: withoutTotal },
    ...usage.images.map(({ id }) => ({
      what: `who uses ${id} is unknown`,
      subject: '',
      value: {
        ...usage,
        images: usage.images.map((one) => {
          const { containers: _containers, ...others } = one;
          return one.id === id ? others : one;
        }),
      },
    })),
    ...usage.volumes.map(({ name }) => ({
      what: `the size of ${name} is unknown`,
      subject: '',
      value: {
        ...usage,
        volumes: usage.volumes.map((one) => {
          const { bytes: _bytes, ...others } = one;
          return one.name === name ? others : one;
        }),
      },
    })),
  ];
}

/** Each task that can't be asked, because its address or its port is unknown. */
export function incompleteSwarmService(service: SwarmService): readonly Incomplete[] {
  return service.tasks.flatMap((task) => {
    const { nodeAddress: _nodeAddress, ...withoutAddress } = task;
    return [
      { what: 'an address', changed: withoutAddress },
      { what: 'a port of its own', changed: { ...task, hostPorts: [] } },
    ].map(({ what, changed }) => ({
      what: `the task ${task.id} has not ${what}`,
      subject: '',
      value: { ...service, tasks: service.tasks.map((one) => (one === task ? changed : one)) },
    }));
  });
}
