import type { BuildLocation, BuildService, ReplicaLocation } from '../../ports/builds.ts';
import type { ServiceConfig } from './ask-replica.ts';

/** A service as the port describes it. */
export function toBuildService(config: ServiceConfig): BuildService {
  const { name, build, expected, container } = config;
  return {
    name,
    replicas: toLocation(config),
    build: toBuildLocation(build),
    ...(expected !== undefined && { expected: toExpected(expected) }),
    ...(container !== undefined && { container }),
  };
}

function toLocation({ replicas, port }: ServiceConfig): ReplicaLocation {
  const { kubernetes, containers, swarm, addresses = [] } = replicas;
  if (kubernetes) return { kind: 'kubernetes', ...kubernetes, ...(port !== undefined && { port }) };
  if (containers) return { kind: 'containers', ...containers, port: Number(port) };
  return swarm ? { kind: 'swarm', ...swarm, port: Number(port) } : { kind: 'addresses', addresses };
}

function toBuildLocation(build: ServiceConfig['build']): BuildLocation {
  if (typeof build === 'string') return { kind: build };
  return 'pointer' in build ? { kind: 'pointer', ...build } : { kind: 'header', ...build };
}

function toExpected(expected: NonNullable<ServiceConfig['expected']>): NonNullable<BuildService['expected']> {
  if (typeof expected === 'string') return { kind: expected };
  return 'label' in expected
    ? { kind: 'label', name: expected.label }
    : { kind: 'annotation', name: expected.annotation };
}
