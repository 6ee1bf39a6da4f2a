import { wording } from '../../kit.ts';
import type { Chain, ChainStep } from './chain.ts';

/** What a larger MTU of the link at the top would take. */
export interface Raise {
  /** The links that must change, the lowest first. */
  readonly changes: readonly { readonly link: string; readonly to: number }[];
  /** The links whose drivers don't allow it. */
  readonly blocked: readonly ChainStep[];
  /** NICs that don't say what they allow. */
  readonly unverified: readonly ChainStep[];
}

/** Slaves get the MTU of their bond when that changes. */
export function raiseOf({ table, link, mtu, steps }: Chain, moreBytes = 0): Raise {
  const wanted = steps.map((step) => ({ step, to: step.needs + moreBytes }));
  const higher = wanted.filter(({ step, to }) => step.mtu < to);
  const isSetByMaster = ({ link: { master } }: ChainStep) => {
    const kind = master === undefined ? undefined : table.find(master)?.kind;
    return (kind === 'bond' || kind === 'team') && higher.some(({ step }) => step.link.name === master);
  };
  return {
    changes: [
      ...higher
        .filter(({ step }) => !isSetByMaster(step))
        .map(({ step, to }) => ({ link: step.link.name, to }))
        .toReversed(),
      ...(moreBytes > 0 ? [{ link: link.name, to: mtu + moreBytes }] : []),
    ],
    blocked: wanted
      .filter(
        ({ step, to }) => step.link.maxMtu !== undefined && step.link.maxMtu > 0 && step.link.maxMtu < to,
      )
      .map(({ step }) => step),
    unverified: higher
      .filter(({ step }) => step.link.kind === undefined && !step.link.maxMtu)
      .map(({ step }) => step),
  };
}

/** `bond0 and bond0.77 to 1550` */
export function changesInWords({ changes }: Raise): string {
  const bySize = [...Map.groupBy(changes, ({ to }) => to)].map(
    ([to, some]) => `${wording.list(some.map(({ link }) => link))} to ${to}`,
  );
  return wording.list(bySize);
}

/** `eno1 and eno2 allow no more than 1500` */
export function limitInWords({ blocked }: Raise): string {
  const names = blocked.map(({ link }) => link.name);
  const limit = Math.min(...blocked.map(({ link }) => link.maxMtu ?? 0));
  return `${wording.list(names)} ${names.length === 1 ? 'allows' : 'allow'} no more than ${limit}`;
}

/** Text for the step before a raise whose limits aren't known. */
export function limitsToCheck({ unverified }: Raise): string {
  if (unverified.length === 0) return '';
  return `; first check \`maxmtu\` of ${wording.list(unverified.map(({ link }) => link.name))} in \`ip -d link\``;
}
