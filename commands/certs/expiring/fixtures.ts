import type { ports } from '../../kit.ts';
import { certificate, managedInCredHub, signedCertificate } from '../../shared/builders.ts';
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

const ROOT_ENDS = '2031-01-01T00:00:00Z';
const FORMER_ENDS = '2026-03-01T00:00:00Z';
const LEAF_ENDS = '2027-01-01T00:00:00Z';

/** Two stores that manage certificates, and a PKI. The former version of an authority ends soon; `signedWith` is the key that signed the leaf. */
function managers(signedWith: 'old' | 'new'): Partial<ports.Readers> {
  const former = signedCertificate('ca', FORMER_ENDS, { issuer: 'ca', key: 'old', signedWith: 'old' });
  const newest = signedCertificate('ca', ROOT_ENDS, { issuer: 'ca', key: 'new', signedWith: 'new' });
  const leaf = signedCertificate('bbs', LEAF_ENDS, { issuer: 'ca', signedWith });
  return {
    certificates: [
      certificateSource({
        name: 'credhub',
        role: 'stored',
        places: [],
        managed: [
          managedInCredHub(
            '/bosh/cf/ca',
            [
              { id: 'new', until: ROOT_ENDS, authority: true, selfSigned: true },
              { id: 'old', until: FORMER_ENDS, authority: true, selfSigned: true },
            ],
            { signedBy: '/bosh/cf/ca' },
          ),
          managedInCredHub('/bosh/cf/bbs', [{ id: 'leaf', until: LEAF_ENDS }], {
            signedBy: '/bosh/cf/ca',
            renewable: true,
          }),
        ],
        contents: {
          'credhub:/bosh/cf/ca': [
            { id: 'new', chain: [newest], trusts: [] },
            { id: 'old', chain: [former], trusts: [] },
          ],
          'credhub:/bosh/cf/bbs': [
            { id: 'leaf', chain: [leaf], trusts: [signedWith === 'old' ? former : newest] },
          ],
        },
      }),
      certificateSource({
        name: 'prod',
        role: 'stored',
        storedIn: 'secrets',
        places: [{ kind: 'seen', place: 'prod:shop/shop-tls:tls.crt', chain: [certificate('shop', LATER)] }],
        managed: [
          managedInCredHub('shop/shop', [{ id: '4', until: LATER }], {
            place: 'prod:certificates/shop/shop',
            renewedBy: 'automatic',
            automation: {
              dnsNames: ['shop.example.org'],
              isAuthority: false,
              writesTo: 'prod:shop/shop-tls',
              issuer: { name: 'ClusterIssuer vault' },
            },
          }),
        ],
      }),
      certificateSource({
        name: 'vault',
        role: 'stored',
        storedIn: 'secrets',
        places: [{ kind: 'seen', place: 'vault:kv/edge/gw:certificate', chain: [certificate('gw', LATER)] }],
        issuers: [
          {
            kind: 'issuer',
            place: 'vault:pki/issuer/int',
            name: 'int',
            chain: [certificate('int', LATER, { authority: true })],
            isDefault: true,
            issues: true,
            beyondEnd: 'err',
            roles: [{ name: 'edge', ttlSeconds: 86_400, maxTtlSeconds: 172_800 }],
          },
        ],
      }),
    ],
  };
}

const ANSWERED_OTHERWISE = [
  {
    answer: /credhub\.contents\(credhub:\/bosh\/cf\/ca/,
    because: 'the leaf has the certificate of the version that signed it',
  },
  {
    answer: /credhub:\/bosh\/cf\/\w+ has no expiry date in|credhub\.managed\(\) hangs/,
    because:
      'what has no expiry date in the list is read; which contents decide something is known at the end of the list',
  },
  { answer: /shop\/shop has no expiry date in/, because: 'the Secret that it writes was read' },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'the newest version of an authority signed what it signs',
    status: 'clear',
    now,
    read: () => managers('new'),
    answeredOtherwise: ANSWERED_OTHERWISE,
  },
  {
    title: 'the former version of an authority signed a certificate',
    status: 'found',
    now,
    read: () => managers('old'),
    answeredOtherwise: ANSWERED_OTHERWISE,
  },
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
