import type { ports } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import { certificateSource, type Fixture } from '../../shared/fixture-sources.ts';

const now = new Date('2026-01-01T09:00:00Z');

/** Several sources for each port that the check reads: what one source does not return must not hide what another one does. */
function environment(until: string): Partial<ports.Readers> {
  return {
    certificates: [
      certificateSource({
        name: 'disk',
        role: 'stored',
        places: [
          { kind: 'seen', place: 'disk:/etc/ssl/a.pem', chain: [certificate('a', until)] },
          { kind: 'seen', place: 'disk:/etc/ssl/b.pem', chain: [certificate('b', '2027-01-01')] },
        ],
      }),
      certificateSource({
        name: 'vault',
        role: 'stored',
        places: [{ kind: 'seen', place: 'vault:secret/c', chain: [certificate('c', '2027-01-01')] }],
      }),
    ],
  };
}

/** Each of their responses is dropped in turn: the report must not become clear because of it. */
export const fixtures: readonly Fixture[] = [
  { title: 'every certificate is good', status: 'clear', now, read: () => environment('2027-01-01') },
  { title: 'one ends before it begins', status: 'found', now, read: () => environment('2015-01-01') },
];
