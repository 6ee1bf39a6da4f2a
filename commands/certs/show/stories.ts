import type { Story } from '../../kit.ts';
import type { Facts, Shown } from './collect.ts';
import { certificate } from './builders.ts';

const LOCKET = certificate(
  'locket.service.cf.internal',
  'cf-internal-ca',
  '2018-07-13T22:25:49Z',
  '2019-07-12T22:25:49Z',
);
const CA = certificate('cf-internal-ca', 'cf-internal-ca', '2016-07-14T00:00:00Z', '2026-07-12T00:00:00Z');

/** July 2019: the cells say `bad tls`; somebody suspects locket and asks for it. */
export const suspectedLocket: Story<Facts> = {
  title: 'Is it locket?',
  source:
    'Xiujiao Gao, "CF push: ERR Downloading Failed" (2019): certificates were printed one by one with openssl x509',
  now: new Date('2019-07-13T09:00:00Z'),
  args: { certificate: 'bbs/locket' },
  facts: found('bbs/locket', [
    {
      certificate: LOCKET,
      seen: {
        kind: 'seen',
        place: 'vault:secret/bbs/locket/tls/cert:certificate',
        chain: [LOCKET],
        keyMatches: true,
      },
      places: ['edge:10.0.4.12:8891', 'vault:secret/bbs/locket/tls/cert:certificate'],
      placeCount: 2,
    },
  ]),
};

const R3 = {
  ...certificate('R3', 'DST Root CA X3', '2020-10-07T19:21:40Z', '2021-09-29T19:21:40Z'),
  authority: true,
};
const WWW = certificate('www.example.com', 'R3', '2021-08-20T00:00:00Z', '2021-11-18T00:00:00Z');

/** September 2021: the leaf is fine, and what it hangs on is not. */
export const siteWithItsChain: Story<Facts> = {
  title: 'A site, chain included',
  source:
    'https://community.certifytheweb.com/t/upcoming-expiry-of-dst-root-ca-x3-and-r3-intermediate-for-lets-encrypt/1480',
  now: new Date('2021-09-25T08:00:00Z'),
  args: { certificate: 'www.example.com:443' },
  facts: found('www.example.com:443', [
    {
      certificate: WWW,
      seen: {
        kind: 'seen',
        place: 'edge:www.example.com:443',
        chain: [WWW, R3],
        served: {
          address: '203.0.113.7:443',
          servername: 'www.example.com',
          protocol: 'TLSv1.3',
          nameMatches: true,
          path: 'complete',
          clientCertificateRequired: false,
          legacyOnly: false,
          stapled: true,
        },
      },
      places: ['edge:www.example.com:443'],
      placeCount: 1,
    },
  ]),
};

/** Half a name is enough to be given the choice. */
export const severalMatch: Story<Facts> = {
  title: 'Several certificates match',
  source: 'Two certificates of the thirteen behind "Downloading Failed" are called ss-scheduler',
  now: new Date('2019-07-13T09:00:00Z'),
  args: { certificate: 'cf-internal' },
  facts: {
    ...found(
      'cf-internal',
      [LOCKET, CA].map((one) => ({
        certificate: one,
        seen: { kind: 'seen', place: `vault:secret/${one.name}:certificate`, chain: [one] },
        places: [`vault:secret/${one.name}:certificate`],
        placeCount: 1,
      })),
    ),
    exact: false,
  },
};

function found(what: string, shown: readonly Shown[]): Facts {
  return { what, exact: true, shown, matching: shown.length, unchecked: 0 };
}
