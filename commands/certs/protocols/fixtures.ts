import type { ports } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import { certificateSource, type Fixture, liveSite } from '../../shared/fixture-sources.ts';

const now = new Date('2026-02-20T07:00:00Z');

function site(source: string, host: string, protocol: string): ports.SeenPlace {
  return liveSite(`${source}:${host}:443`, certificate(host, '2027-01-01'), { protocol });
}

/** Two sources of live sites; one of the sites negotiates `protocol`. */
function environment(protocol: string): Partial<ports.Readers> {
  const edge = [site('edge', 'www.example.com', 'TLSv1.3'), site('edge', 'api.example.com', protocol)];
  const inner = [site('inner', 'uaa.internal', 'TLSv1.3')];
  return {
    certificates: [
      certificateSource({ name: 'edge', role: 'served', places: edge }),
      certificateSource({ name: 'inner', role: 'served', places: inner }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  { title: 'every site negotiates TLS 1.3', status: 'clear', now, read: () => environment('TLSv1.3') },
  { title: 'one site negotiates TLS 1.2', status: 'found', now, read: () => environment('TLSv1.2') },
];
