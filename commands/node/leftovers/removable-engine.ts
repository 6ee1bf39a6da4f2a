import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';

/**
 * The source of an engine from which things are to be removed.
 * @throws {SourceError} `refused` if it is no longer configured, or does not allow removal.
 */
export function findRemovable(
  { read }: Pick<ReadContext<'engines'>, 'read'>,
  name: string,
): ports.ContainerEngines {
  const source = sourceNamed(read.engines, name);
  if (!source.removal.allowed) throw new SourceError(name, 'refused', source.removal.because);
  return source;
}

/** Reads the state of an engine once for all lines of a plan, which share one context. */
export function oncePerPlan<Context extends object, State>(
  read: (context: Context, source: ports.ContainerEngines, engine: string) => Promise<State>,
): typeof read {
  const plans = new WeakMap<Context, Map<string, Promise<State>>>();
  return (context, source, engine) => {
    const known = plans.get(context) ?? new Map<string, Promise<State>>();
    plans.set(context, known);
    const key = JSON.stringify([source.name, engine]);
    const reading = known.get(key) ?? read(context, source, engine);
    known.set(key, reading);
    return reading;
  };
}
