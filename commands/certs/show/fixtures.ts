import type { ports } from '../../kit.ts';
import { certificate, managedInCredHub } from '../../shared/builders.ts';
import { certificateSource, type Fixture, liveSite } from '../../shared/fixture-sources.ts';

const now = new Date('2026-02-20T07:00:00Z');
const wanted = certificate('www.example.com', '2026-02-19T00:00:00Z');

function read(): Partial<ports.Readers> {
  return {
    certificates: [
      certificateSource({
        name: 'edge',
        role: 'served',
        places: [liveSite('edge:www.example.com:443', wanted)],
      }),
      certificateSource({
        name: 'disk',
        role: 'stored',
        storedIn: 'files',
        places: [
          { kind: 'seen', place: 'disk:/etc/ssl/www.pem', chain: [wanted] },
          {
            kind: 'seen',
            place: 'disk:/etc/ssl/rep.pem',
            chain: [certificate('rep', '2030-01-01T00:00:00Z')],
          },
        ],
        empty: 1,
      }),
    ],
  };
}

/** The same, and a CredHub. */
function readWithNames(): Partial<ports.Readers> {
  return {
    certificates: [
      ...(read().certificates ?? []),
      certificateSource({
        name: 'credhub',
        role: 'stored',
        places: [],
        managed: [
          managedInCredHub('/bosh/www_ca', [{ id: 'a', until: '2031-01-01T00:00:00Z', authority: true }], {
            signedBy: '/bosh/www_ca',
          }),
        ],
      }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  {
    title: 'a site by its name',
    status: 'found',
    now,
    args: { certificate: 'www.example.com:443' },
    read,
    answeredOtherwise: [
      { answer: /inspectSite/, because: 'the scan of the source has read the same site' },
      {
        answer: /scan\(\): edge:\S+ is unseen/,
        because: 'the site was inspected by its name at the same time',
      },
    ],
  },
  { title: 'a part of a name', status: 'found', now, args: { certificate: 'www' }, read },
  { title: 'a fingerprint', status: 'found', now, args: { certificate: wanted.fingerprint }, read },
  {
    title: 'a name in CredHub',
    status: 'found',
    now,
    args: { certificate: 'credhub:/bosh/www_ca' },
    read: readWithNames,
  },
];
