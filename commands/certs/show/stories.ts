import type { Story } from '../../kit.ts';
import { handshake } from '../../shared/fixture-sources.ts';
import type { Facts } from './collect.ts';
import { certificate, factsOf, shownAt, stored } from './builders.ts';

const LOCKET = certificate(
  'locket.service.cf.internal',
  'cf-internal-ca',
  '2018-07-13T22:25:49Z',
  '2019-07-12T22:25:49Z',
);
const CA = certificate('cf-internal-ca', 'cf-internal-ca', '2016-07-14T00:00:00Z', '2026-07-12T00:00:00Z');

const MORNING_AFTER = new Date('2019-07-13T09:00:00Z');

/** July 2019: the cells log `bad tls`, and someone suspects the certificate of locket. */
export const suspectedLocket: Story<Facts> = {
  title: 'Is it locket?',
  source:
    'Xiujiao Gao, "CF push: ERR Downloading Failed" (2019): certificates were printed one by one with openssl x509',
  now: MORNING_AFTER,
  args: { certificate: 'bbs/locket' },
  facts: {
    what: 'bbs/locket',
    exact: true,
    shown: [
      shownAt(
        { ...stored('vault:secret/bbs/locket/tls/cert:certificate', [LOCKET]), keyMatches: true },
        MORNING_AFTER,
        { elsewhere: [stored('edge:10.0.4.12:8891', [LOCKET])] },
      ),
    ],
    matching: 1,
    managed: [],
    unchecked: 0,
  },
};

const R3 = {
  ...certificate('R3', 'DST Root CA X3', '2020-10-07T19:21:40Z', '2021-09-29T19:21:40Z'),
  authority: true,
};
const WWW = certificate('www.example.com', 'R3', '2021-08-20T00:00:00Z', '2021-11-18T00:00:00Z');

const FOUR_DAYS_BEFORE = new Date('2021-09-25T08:00:00Z');

/** September 2021: the leaf is valid, but its issuer expires first. */
export const siteWithItsChain: Story<Facts> = {
  title: 'A site, chain included',
  source:
    'https://community.certifytheweb.com/t/upcoming-expiry-of-dst-root-ca-x3-and-r3-intermediate-for-lets-encrypt/1480',
  now: FOUR_DAYS_BEFORE,
  args: { certificate: 'www.example.com:443' },
  facts: factsOf(
    'www.example.com:443',
    [
      {
        ...stored('edge:www.example.com:443', [WWW, R3]),
        served: handshake('www.example.com', { stapled: true }),
      },
    ],
    FOUR_DAYS_BEFORE,
  ),
};

/** A part of a name lists all matches. */
export const severalMatch: Story<Facts> = {
  title: 'Several certificates match',
  source: 'Two certificates of the thirteen behind "Downloading Failed" are called ss-scheduler',
  now: MORNING_AFTER,
  args: { certificate: 'cf-internal' },
  facts: {
    ...factsOf(
      'cf-internal',
      [LOCKET, CA].map((one) => stored(`vault:secret/${one.name}:certificate`, [one])),
      MORNING_AFTER,
    ),
    exact: false,
  },
};
