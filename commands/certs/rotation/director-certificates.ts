import { wording } from '../../kit.ts';
import type { PlanContext } from './plan-context.ts';
import { earliest, endsIn, endTogether, type Rotation, severityAt } from './rotation.ts';
import { checklist, type Step } from './steps.ts';

/** The certificates of a director itself, which no deployment renews. */
export function directorRotations({ facts, nowMs, horizonMs }: PlanContext): readonly Rotation[] {
  return facts.directors.flatMap(({ source, own }) => {
    const due = own
      .flatMap(({ path, notAfter }) =>
        notAfter && notAfter.getTime() <= horizonMs ? [{ path, endMs: notAfter.getTime() }] : [],
      )
      .toSorted((a, b) => a.endMs - b.endMs);
    if (due.length === 0) return [];
    const endMs = earliest(due.map((one) => one.endMs));
    const paths = due.map(({ path }) => path);
    const isNats = paths.some((path) => path.startsWith('nats.'));
    const steps: readonly Step[] = [
      {
        id: 'renew',
        state: 'open',
        by: 'person',
        what: `renew ${wording.list(paths, 5)} in the variables of the director, authorities first`,
      },
      {
        id: 'deploy',
        state: 'open',
        by: 'pipeline',
        what: 'update the director: `bosh create-env`',
        note: isNats
          ? 'All VMs need certificates of the new NATS CA: https://bosh.io/docs/nats-ca-rotation/'
          : undefined,
      },
    ];
    return [
      {
        reason: 'renewal-due',
        place: `${source}:director`,
        target: `director ${source}`,
        severity: severityAt(endMs, nowMs),
        endMs,
        summary: `${paths.length === 1 ? `${paths[0]} of the director ${source} ${endsIn(endMs, nowMs)}` : endTogether(`certificates of the director ${source}`, due, nowMs)}; renew, then update the director`,
        steps,
        members: [],
        evidence: checklist(steps),
        offers: [],
        names: [source, ...paths],
      } satisfies Rotation,
    ];
  });
}
