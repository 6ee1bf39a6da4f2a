import type { ports, Story } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { managedInCredHub } from '../../shared/builders.ts';
import { certificate, factsOf, inTrustStore, inVault, live, managedFactsOf } from './builders.ts';

/** The thirteen secrets of the outage, in the order of its list, with the names that cf-deployment gives such certificates. */
const CULPRITS: readonly (readonly [path: string, name: string])[] = [
  ['api/cf_networking/policy_server_internal/server_cert', 'policy-server.service.cf.internal'],
  ['syslogger/scalablesyslog/adapter/tls/cert', 'ss-adapter'],
  ['syslogger/scalablesyslog/adapter_rlp/tls/cert', 'ss-adapter-rlp'],
  [
    'loggregator_trafficcontroller/reverse_log_proxy/loggregator/tls/reverse_log_proxy/cert',
    'reverselogproxy',
  ],
  ['bbs/silk-controller/cf_networking/silk_controller/server_cert', 'silk-controller.service.cf.internal'],
  ['bbs/silk-controller/cf_networking/silk_daemon/server_cert', 'silk-daemon'],
  ['bbs/locket/tls/cert', 'locket.service.cf.internal'],
  ['diego/scheduler/scalablesyslog/scheduler/tls/api/cert', 'ss-scheduler'],
  ['diego/scheduler/scalablesyslog/scheduler/tls/client/cert', 'ss-scheduler'],
  ['cell/rep/diego/rep/server_cert', 'cell.service.cf.internal'],
  ['cell/rep/tls/cert', 'rep client'],
  ['cell/vxlan-policy-agent/cf_networking/vxlan_policy_agent/client_cert', 'network-policy client'],
  ['cell/silk-daemon/cf_networking/silk_daemon/client_cert', 'silk-daemon client'],
];

/** July 2019: every push to a busy development environment ends in "Downloading Failed"; the cells' logs say no more than `bad tls`. */
export const downloadingFailed: Story<Facts> = {
  title: 'Downloading Failed',
  source:
    'Xiujiao Gao, "CF push: ERR Downloading Failed" (2019), the outage that led to https://github.com/doomsday-project/doomsday',
  now: new Date('2019-07-13T09:00:00Z'),
  facts: factsOf([
    ...CULPRITS.map(([path, name]) =>
      inVault(path, {
        name,
        from: '2018-07-13T22:25:49Z',
        until: '2019-07-12T22:25:49Z',
        issuer: 'cf-internal-ca',
        renewable: true,
      }),
    ),
    inVault('uaa/tls/cert', {
      name: 'uaa.service.cf.internal',
      from: '2019-01-01',
      until: '2021-01-01',
      issuer: 'cf-internal-ca',
    }),
    inVault('router/ssl/cert', {
      name: '*.dev.example.com',
      from: '2019-03-01',
      until: '2020-04-01',
      issuer: 'cf-internal-ca',
    }),
    inVault('cf/ca', { name: 'cf-internal-ca', from: '2016-07-14', until: '2026-07-12', authority: true }),
  ]),
};

/**
 * 30 May 2020: sites that still sent the cross-signed USERTrust broke for every client that followed what was sent. Their leaf certificates
 * were valid for months.
 */
export const addTrustExpired: Story<Facts> = {
  title: 'AddTrust expires under a valid leaf',
  source:
    'https://support.sectigo.com/articles/Knowledge/Sectigo-AddTrust-External-CA-Root-Expiring-May-30-2020',
  now: new Date('2020-05-30T12:00:00Z'),
  facts: factsOf(
    ['api.example.com', 'pay.example.com', 'www.example.com'].map((name) =>
      live(`${name}:443`, [
        certificate({ name, from: '2020-01-10', until: '2021-01-09T23:59:59Z', issuer: 'Sectigo RSA DV' }),
        certificate({
          name: 'Sectigo RSA DV',
          from: '2018-11-02',
          until: '2030-12-31T23:59:59Z',
          issuer: 'USERTrust RSA Certification Authority',
          authority: true,
        }),
        crossSigned(),
      ]),
    ),
  ),
};

/** 29 September 2021: the old R3 ended a day before the root that signed it; some servers kept sending it until they were restarted. */
export const oldR3Served: Story<Facts> = {
  title: 'The R3 of DST Root CA X3 expires before the leaf',
  source:
    'https://community.certifytheweb.com/t/upcoming-expiry-of-dst-root-ca-x3-and-r3-intermediate-for-lets-encrypt/1480',
  now: new Date('2021-09-25T08:00:00Z'),
  facts: factsOf([
    live('www.example.com:443', [
      certificate({ name: 'www.example.com', from: '2021-08-20', until: '2021-11-18', issuer: 'R3' }),
      certificate({
        name: 'R3',
        from: '2020-10-07T19:21:40Z',
        until: '2021-09-29T19:21:40Z',
        issuer: 'DST Root CA X3',
        authority: true,
      }),
    ]),
  ]),
};

/**
 * From 2029 on, a public certificate is valid for 47 days. With 16 days left, its renewal is not due yet, but that of a 397-day certificate
 * is.
 */
export const shortLives: Story<Facts> = {
  title: '16 of 47 days left are fine, 16 of 397 are not',
  source:
    'https://cabforum.org/2025/04/11/ballot-sc081v3-introduce-schedule-of-reducing-validity-and-data-reuse-periods/',
  now: new Date('2029-06-01T00:00:00Z'),
  facts: factsOf([
    live('new.example.com:443', [
      certificate({ name: 'new.example.com', from: '2029-05-01', until: '2029-06-17' }),
    ]),
    live('old.example.com:443', [
      certificate({ name: 'old.example.com', from: '2028-05-16', until: '2029-06-17' }),
    ]),
  ]),
};

/** A wildcard that was copied everywhere: one certificate, one finding, and all places where to renew it. */
export const oneCertificateAtManyPlaces: Story<Facts> = {
  title: 'One wildcard at 120 places',
  source: 'Doomsday gathers by the SHA-1 of the certificate: https://github.com/doomsday-project/doomsday',
  now: new Date('2026-02-20T07:00:00Z'),
  facts: factsOf([
    ...Array.from({ length: 118 }, (_, at) =>
      live(`shop-${String(at + 1).padStart(3, '0')}.example.com:443`, [wildcard()]),
    ),
    { kind: 'seen', place: 'vault:secret/shops/wildcard:certificate', chain: [wildcard()], keyMatches: true },
    { kind: 'seen', place: 'disk:/etc/haproxy/wildcard.pem', chain: [wildcard()], keyMatches: true },
  ]),
};

/** One site for each other problem. */
export const siteProblems: Story<Facts> = {
  title: 'Sites with problems other than dates',
  source: 'https://badssl.com shows most of these in public',
  now: new Date('2026-02-20T07:00:00Z'),
  facts: factsOf([
    live('incomplete.example.com:443', [good('incomplete.example.com', 'Example Issuing CA')], {
      path: 'incomplete',
    }),
    live(
      'broken.example.com:443',
      [good('broken.example.com', 'Example CA'), good('Example CA', 'Example Root')],
      { path: 'broken' },
    ),
    live('wrong.example.com:443', [good('shop.example.com')], { nameMatches: false }),
    live('appliance.example.com:8443', [good('appliance', 'appliance')], { path: 'self-signed' }),
    live('old.example.com:443', [good('old.example.com')], { protocol: 'TLSv1', legacyOnly: true }),
    live('staple.example.com:443', [{ ...good('staple.example.com'), mustStaple: true }]),
    live('weak.example.com:443', [
      { ...good('weak.example.com'), key: { type: 'rsa', bits: 1024 }, signature: 'sha1WithRSAEncryption' },
    ]),
    {
      kind: 'seen',
      place: 'vault:secret/shop/tls:certificate',
      chain: [good('shop.example.com')],
      keyMatches: false,
    },
    live('early.example.com:443', [
      certificate({ name: 'early.example.com', from: '2026-02-21', until: '2027-02-21' }),
    ]),
    live('mtls.example.com:443', [good('mtls.example.com')], { clientCertificateRequired: true }),
  ]),
};

/**
 * The authority expires in two weeks, and one of its leaves before that. If the leaf were renewed first, it would have to be renewed twice.
 */
export const authorityBeforeLeaf: Story<Facts> = {
  title: 'A CA that is due before its leaves are worth renewing',
  source: 'https://docs.cloudfoundry.org/credhub/rotate-cas.html',
  now: new Date('2026-02-20T07:00:00Z'),
  facts: factsOf([
    inVault('etcd/server/cert', {
      name: 'etcd.service.cf.internal',
      from: '2025-02-21',
      until: '2026-02-21',
      issuer: 'etcdCA',
    }),
    inVault('etcd/ca', { name: 'etcdCA', from: '2016-03-08', until: '2026-03-06', authority: true }),
    inVault('nats/tls/cert', {
      name: 'nats.service.cf.internal',
      from: '2025-02-24',
      until: '2026-02-24',
      issuer: 'natsCA',
    }),
  ]),
};

const API = certificate({
  name: 'api.example.com',
  from: '2020-01-10',
  until: '2021-01-09T23:59:59Z',
  issuer: 'Sectigo RSA DV',
});
const SECTIGO = certificate({
  name: 'Sectigo RSA DV',
  from: '2018-11-02',
  until: '2030-12-31T23:59:59Z',
  issuer: 'USERTrust RSA Certification Authority',
  authority: true,
});
const MODERN_ROOT = certificate({
  name: 'USERTrust RSA Certification Authority',
  from: '2010-02-01',
  until: '2038-01-18T23:59:59Z',
  issuer: 'USERTrust RSA Certification Authority',
  authority: true,
});

/** A month later sites still served the expired cross-signed USERTrust, which clients with the modern root of that name do not need. */
export const crossSignedBallast: Story<Facts> = {
  title: 'An expired cross-certificate next to a valid path',
  source: 'https://ohdear.app/blog/resolving-the-addtrust-external-ca-root-certificate-expiration',
  now: new Date('2020-07-01T12:00:00Z'),
  facts: factsOf([
    {
      ...live('api.example.com:443', [API, SECTIGO, crossSigned(), addTrust()]),
      path: [API, SECTIGO, MODERN_ROOT],
    },
  ]),
};

/** Systems that are not updated keep expired roots. Clients ignore them. */
export const expiredTrustedRoot: Story<Facts> = {
  title: 'An expired root in /etc/ssl/certs',
  source:
    'https://support.sectigo.com/articles/Knowledge/Sectigo-AddTrust-External-CA-Root-Expiring-May-30-2020',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf([
    inTrustStore('AddTrust_External_Root.pem', {
      name: 'AddTrust External CA Root',
      from: '2000-05-30T10:48:38Z',
      until: '2020-05-30T10:48:38Z',
    }),
    inTrustStore('ISRG_Root_X1.pem', { name: 'ISRG Root X1', from: '2015-06-04', until: '2035-06-04' }),
    inTrustStore('USERTrust_RSA.pem', {
      name: 'USERTrust RSA Certification Authority',
      from: '2010-02-01',
      until: '2038-01-18T23:59:59Z',
    }),
    live('www.example.com:443', [
      certificate({ name: 'www.example.com', from: '2026-10-01', until: '2027-04-01' }),
    ]),
  ]),
};

/** A renewed certificate was copied to the server without its new key. The server keeps running until it is restarted. */
export const keyMismatch: Story<Facts> = {
  title: 'The private key of the old certificate next to the new one',
  source: 'https://trstringer.com/nginx-key-values-mismatch/',
  now: new Date('2026-02-20T07:00:00Z'),
  facts: factsOf([
    {
      kind: 'seen',
      place: 'disk:/etc/nginx/ssl/www.pem',
      chain: [good('www.example.com')],
      keyMatches: false,
    },
    {
      kind: 'seen',
      place: 'disk:/etc/nginx/ssl/api.pem',
      chain: [good('api.example.com')],
      keyMatches: true,
    },
    live('www.example.com:443', [good('www.example.com', 'Former Public CA')]),
  ]),
};

/** With `leaf_not_after_behavior=truncate`, Vault keeps issuing under an expired authority: each certificate ends before it begins. */
export const truncatedByVault: Story<Facts> = {
  title: 'Vault issues certificates that end before they begin',
  source: 'https://github.com/hashicorp/vault/issues/30621',
  now: new Date('2025-05-14T09:00:00Z'),
  facts: factsOf([
    live('ingress.example.com:443', [
      certificate({
        name: 'ingress.example.com',
        from: '2025-05-14T08:00:00Z',
        until: '2025-05-01T00:00:00Z',
        issuer: 'Example Issuing CA',
      }),
    ]),
    inVault('pki/next', {
      name: 'next.example.com',
      from: '2026-01-01',
      until: '2025-12-01',
      issuer: 'Example Issuing CA',
    }),
  ]),
};

/** Everything is valid. */
export const allGood: Story<Facts> = {
  title: 'The morning after: everything is renewed',
  source: 'The end of "Downloading Failed": the certificates were renewed and deployed',
  now: new Date('2019-07-20T09:00:00Z'),
  facts: factsOf(
    CULPRITS.map(([path, name]) =>
      inVault(path, {
        name,
        from: '2019-07-13T12:00:00Z',
        until: '2020-07-12T12:00:00Z',
        issuer: 'cf-internal-ca',
      }),
    ),
  ),
};

/** USERTrust as signed by AddTrust, for the clients of 2000. */
function crossSigned(): ports.Certificate {
  return certificate({
    name: 'USERTrust RSA Certification Authority',
    from: '2000-05-30T10:48:38Z',
    until: '2020-05-30T10:48:38Z',
    issuer: 'AddTrust External CA Root',
    authority: true,
  });
}

function addTrust(): ports.Certificate {
  return certificate({
    name: 'AddTrust External CA Root',
    from: '2000-05-30T10:48:38Z',
    until: '2020-05-30T10:48:38Z',
    issuer: 'AddTrust External CA Root',
    authority: true,
  });
}

function good(name: string, issuer = 'Example Public CA'): ports.Certificate {
  return certificate({ name, issuer, from: '2025-12-01', until: '2026-12-01' });
}

function wildcard(): ports.Certificate {
  return certificate({ name: '*.example.com', from: '2025-02-01', until: '2026-03-05' });
}

const IN_CREDHUB = '/bosh/cf';
const INTERNAL_CA = `${IN_CREDHUB}/service_cf_internal_ca`;

/** Searching for certificates that expire within 30 days finds nothing: it looks at the newest version, which is only trusted so far. */
export const hiddenByTransitional: Story<Facts> = {
  title: 'The newest version is only trusted',
  source: 'https://github.com/cloudfoundry/credhub/issues/181',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: managedFactsOf(
    [
      managedInCredHub(
        INTERNAL_CA,
        [
          {
            id: 'b476cc7d',
            until: '2031-11-20T10:00:00Z',
            transitional: true,
            authority: true,
            selfSigned: true,
          },
          { id: 'd33e5670', until: '2026-12-05T12:00:00Z', authority: true, selfSigned: true },
        ],
        { signedBy: INTERNAL_CA, renewable: true },
      ),
      ...['diego_bbs_server', 'diego_rep_client'].map((name) =>
        managedInCredHub(
          `${IN_CREDHUB}/${name}`,
          [{ id: `version of ${name}`, until: '2027-05-02T07:00:00Z', authority: false }],
          { signedBy: INTERNAL_CA, renewable: true },
        ),
      ),
    ],
    { now: new Date('2026-11-26T12:00:00Z') },
  ),
};

/** cert-manager says that a certificate is ready and has not expired. It expired two days ago, and issuing has stopped a month ago. */
export const readyButExpired: Story<Facts> = {
  title: 'Ready, but expired',
  source: 'https://github.com/cert-manager/cert-manager/issues/7895',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: managedFactsOf(
    [
      managedInCredHub(
        'shop/shop',
        [{ id: '4', notBefore: new Date('2026-08-26T13:37:21Z'), until: '2026-11-24T13:37:21Z' }],
        {
          place: 'prod:certificates/shop/shop',
          renewedBy: 'automatic',
          renewable: true,
          automation: {
            dnsNames: ['shop.example.org'],
            isAuthority: false,
            writesTo: 'prod:shop/shop-tls',
            issuer: { name: 'ClusterIssuer vault' },
            ready: { status: 'True', since: new Date('2026-08-26T14:02:10Z') },
            issuing: { status: 'True', since: new Date('2026-10-25T13:37:21Z') },
            request: { name: 'shop-5', failedAt: new Date('2026-10-25T13:52:00Z') },
          },
        },
      ),
    ],
    { now: new Date('2026-11-26T12:00:00Z') },
  ),
};
