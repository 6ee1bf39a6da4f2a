import type { ports } from '../../kit.ts';
import { certificateSource, type Fixture, processSource } from '../../shared/fixture-sources.ts';
import type { SurveyedCertificate } from '../../shared/certificate-survey.ts';
import { authority, certificate, content, inCredHub, signedCertificate } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const LATER = '2031-11-10T10:00:00Z';
const CA = '/bosh/cf/ca';
const LEAF = '/bosh/cf/leaf';

function managedOf({ store, contents, ...managed }: SurveyedCertificate): ports.ManagedCertificate {
  if (store !== 'credhub' || contents.length > 0) throw new TypeError('contents are read separately');
  return managed;
}

/** A CredHub, files, a Vault and two directors. Its authority ends at `until`. */
function environment(until: string, isRotating = false): Partial<ports.Readers> {
  const newer = signedCertificate('ca', LATER, { issuer: 'ca', key: 'new key', signedWith: 'new key' });
  const older = signedCertificate('ca', until, { issuer: 'ca', key: 'old key', signedWith: 'old key' });
  const versions = isRotating
    ? [
        { id: 'new', until: LATER, transitional: true },
        { id: 'old', until },
      ]
    : [{ id: 'old', until }];
  return {
    certificates: [
      certificateSource({
        name: 'credhub',
        role: 'stored',
        storedIn: 'secrets',
        places: [],
        managed: [
          managedOf(authority(CA, versions)),
          managedOf(inCredHub(LEAF, [{ id: 'leaf', until: '2027-11-15T10:00:00Z' }], { signedBy: CA })),
        ],
        contents: {
          [`credhub:${CA}`]: [
            { id: 'new', chain: [newer], trusts: [newer] },
            { id: 'old', chain: [older], trusts: [older] },
          ],
          [`credhub:${LEAF}`]: [
            content('leaf', 'leaf', '2027-11-15T10:00:00Z', { issuer: 'ca', signedWith: 'old key' }, [older]),
          ],
        },
      }),
      certificateSource({
        name: 'hosts',
        role: 'stored',
        storedIn: 'files',
        places: isRotating
          ? [
              { kind: 'seen', place: 'hosts:api/0:/trust/ca.crt', host: 'api/0', chain: [older] },
              { kind: 'seen', place: 'hosts:router/0:/trust/ca.crt', host: 'router/0', chain: [older] },
              { kind: 'seen', place: 'hosts:router/0:/trust/ca.crt#2', host: 'router/0', chain: [newer] },
            ]
          : [{ kind: 'seen', place: 'hosts:api/0:/tls/www.pem', chain: [certificate('www', LATER)] }],
      }),
      certificateSource({
        name: 'vault',
        role: 'stored',
        storedIn: 'secrets',
        places: [
          {
            kind: 'seen',
            place: 'vault:kv/gw:certificate',
            chain: [certificate('gw', LATER)],
            keyMatches: true,
          },
        ],
        issuers: [
          {
            kind: 'issuer',
            place: 'vault:pki/issuer/int',
            name: 'int',
            chain: [signedCertificate('int', LATER, { issuer: 'int', key: 'int', signedWith: 'int' })],
            isDefault: true,
            issues: true,
            beyondEnd: 'err',
            roles: [{ name: 'edge', ttlSeconds: 90 * 86_400, maxTtlSeconds: 90 * 86_400 }],
          },
        ],
      }),
    ],
    processes: ['bosh', 'bosh-lite'].map((name) => ({
      ...processSource(name, 'director', []),
      deployedCertificates: async () => [
        {
          deployment: name === 'bosh' ? 'cf' : 'lite',
          certificates: name === 'bosh' ? [{ name: LEAF, version: 'leaf' }] : [],
        },
      ],
      directorCertificates: async () => [{ path: 'director.ssl.cert', notAfter: new Date(LATER) }],
      tasks: async () => [],
    })),
  };
}

/** What a report can do without. */
const OLD_DIRECTOR = {
  answer: /\.(?:directorCertificates|tasks)\(\) is missing/,
  because: "an old director doesn't have it, which is a note",
};
const END_IN_CONTENT = { answer: / has no expiry date in /, because: 'the content of the version shows it' };

export const fixtures: readonly Fixture[] = [
  {
    title: 'nothing ends soon',
    status: 'clear',
    now,
    read: () => environment(LATER),
    answeredOtherwise: [OLD_DIRECTOR, END_IN_CONTENT],
  },
  {
    title: 'an authority ends, and its new version is not trusted everywhere',
    status: 'found',
    now,
    read: () => environment('2026-12-20T00:00:00Z', true),
    answeredOtherwise: [OLD_DIRECTOR, END_IN_CONTENT],
  },
  {
    title: 'one of the requested authorities ends',
    status: 'found',
    now,
    args: { match: '*/ca' },
    read: () => environment('2026-12-20T00:00:00Z'),
    answeredOtherwise: [OLD_DIRECTOR, END_IN_CONTENT],
  },
];
