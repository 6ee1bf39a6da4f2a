import type { ports } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import { certificateSource, type Fixture, liveSite } from '../../shared/fixture-sources.ts';

const now = new Date('2026-02-20T07:00:00Z');
const LATER = '2030-01-01T00:00:00Z';

/** Live sites, files and a Vault. The certificate of one secret expires at `until`. */
function environment(until: string): Partial<ports.Readers> {
  return {
    certificates: [
      certificateSource({
        name: 'edge',
        role: 'served',
        places: ['www.example.com', 'api.example.com'].map((host) =>
          liveSite(`edge:${host}:443`, certificate(host, LATER)),
        ),
      }),
      certificateSource({
        name: 'disk',
        role: 'stored',
        storedIn: 'files',
        places: [
          { kind: 'seen', place: 'disk:/etc/ssl/rep.pem', chain: [certificate('rep', LATER)] },
          { kind: 'seen', place: 'disk:/etc/ssl/bbs.pem', chain: [certificate('bbs', LATER)] },
        ],
        empty: 2,
      }),
      certificateSource({
        name: 'vault',
        role: 'stored',
        storedIn: 'secrets',
        places: [
          {
            kind: 'seen',
            place: 'vault:secret/cf/locket/tls:certificate',
            chain: [certificate('locket', until)],
            keyMatches: true,
          },
          {
            kind: 'seen',
            place: 'vault:secret/cf/uaa/tls:certificate',
            chain: [certificate('uaa', LATER)],
            keyMatches: true,
          },
        ],
      }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  { title: 'no certificate expires soon', status: 'clear', now, read: () => environment(LATER) },
  {
    title: 'one secret has expired',
    status: 'found',
    now,
    read: () => environment('2026-02-19T00:00:00Z'),
  },
  {
    title: 'one of the requested secrets has expired',
    status: 'found',
    now,
    args: { match: '*secret*' },
    read: () => environment('2026-02-19T00:00:00Z'),
  },
];
