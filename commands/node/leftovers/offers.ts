import { type ports, wording } from '../../kit.ts';
import type { EngineFacts, Leftover } from './facts.ts';
import type { ContainerParams } from './find-container.ts';
import type { ImageParams } from './remove-images.ts';
import { containerTarget, imageTarget } from './targets.ts';

type One<Name extends string, Params> =
  | { readonly remediation: Name; readonly params: Params; readonly target: string }
  | {
      readonly remediation: Name;
      readonly each: readonly { readonly target: string; readonly params: Params }[];
    };

/** An offer of this check. */
export type OfferOfLeftovers = One<'remove-containers', ContainerParams> | One<'remove-images', ImageParams>;

/** Lines of one plan: each is checked again right before it is applied. */
export const MAX_OFFERED = 500;
/** As many lines as the default configuration allows in one plan. */
const FEW = 20;

type Offers = { readonly offers?: readonly OfferOfLeftovers[] };

/** An offer to remove all of them, at most the largest 500, and one for only the largest. Empty if the configuration does not allow it. */
export function offerContainers(engine: EngineFacts, leftovers: readonly Leftover[]): Offers {
  const each = leftovers.map((one) => ({
    target: containerTarget(engine.target, one.name),
    params: {
      source: engine.source,
      engine: engine.engine,
      id: one.id,
      name: one.name,
      image: one.image,
      state: one.state,
      finishedAtText: one.finishedAtText,
      ...(one.bytes !== undefined && { bytes: one.bytes }),
    },
  }));
  return offer(engine, 'remove-containers', each);
}

export function offerImages(engine: EngineFacts, images: readonly ports.EngineImage[]): Offers {
  const each = images.map(({ id, bytes }) => ({
    target: imageTarget(engine.target, id),
    params: { source: engine.source, engine: engine.engine, id, bytes },
  }));
  return offer(engine, 'remove-images', each);
}

function offer<Name extends string, Params>(
  { removal }: EngineFacts,
  remediation: Name,
  all: readonly { readonly target: string; readonly params: Params }[],
): { readonly offers?: readonly One<Name, Params>[] } {
  // A container that was renamed while the list was read may have the name of another one.
  const each = [...new Map(all.map((one) => [one.target, one])).values()];
  const [only] = each;
  if (!removal.allowed || !only) return {};
  if (each.length === 1) return { offers: [{ remediation, ...only }] };
  return {
    offers: [
      { remediation, each: each.slice(0, MAX_OFFERED) },
      ...(each.length > FEW ? [{ remediation, each: each.slice(0, FEW) }] : []),
    ],
  };
}

/** How many the offer leaves out, in words. undefined if none. */
export function notOffered(count: number): string | undefined {
  if (count <= MAX_OFFERED) return undefined;
  return `one plan removes the largest ${MAX_OFFERED}; run the check again for the other ${wording.count(count - MAX_OFFERED, 'container')}`;
}
