import type { Story } from '../../kit.ts';
import {
  authority,
  certificate,
  content,
  director,
  factsOf,
  inCredHub,
  inSecret,
  inVault,
  issuer,
  ofCertManager,
  servedAt,
  signedCertificate,
  trustFile,
} from './builders.ts';
import type { Facts } from './facts.ts';

const NOW = new Date('2026-11-26T12:00:00Z');

const UAA = '/bosh/cf/uaa_ca';
const UAA_OLD = {
  issuer: 'uaaCA',
  key: 'old uaa key',
  signedWith: 'old uaa key',
  notBefore: new Date('2024-12-20'),
};
const UAA_NEW = {
  issuer: 'uaaCA',
  key: 'new uaa key',
  signedWith: 'new uaa key',
  notBefore: new Date('2026-11-20'),
};
const uaaOld = signedCertificate('uaaCA', '2026-12-20', UAA_OLD);
const uaaNew = signedCertificate('uaaCA', '2031-11-19', UAA_NEW);

/** CredHub hands out both versions of an authority, and the deployment has written only one of them to an instance. */
export const trustNotDeployed: Story<Facts> = {
  title: 'The new authority is not trusted everywhere yet',
  source: 'https://github.com/cloudfoundry/bosh/issues/2207',
  now: NOW,
  facts: factsOf({
    managed: [
      authority(
        UAA,
        [
          { id: '2952819d', until: '2031-11-19', transitional: true, createdAt: new Date('2026-11-20') },
          { id: 'ad04a33a', until: '2026-12-20' },
        ],
        {
          contents: [
            { id: '2952819d', chain: [uaaNew], trusts: [uaaNew] },
            { id: 'ad04a33a', chain: [uaaOld], trusts: [uaaOld] },
          ],
        },
      ),
      inCredHub('/bosh/cf/uaa_ssl', [{ id: '33c200de', until: '2027-01-10' }], {
        signedBy: UAA,
        contents: [
          content('33c200de', 'uaa', '2027-01-10', { issuer: 'uaaCA', signedWith: 'old uaa key' }, [
            uaaOld,
            uaaNew,
          ]),
        ],
      }),
    ],
    places: [
      ...trustFile('api/7f1c', '/var/vcap/jobs/cloud_controller_ng/config/certs/uaa_ca.crt', [uaaOld]),
      ...trustFile('router/02aa', '/var/vcap/jobs/gorouter/config/certs/uaa_ca.crt', [uaaOld, uaaNew]),
    ],
  }),
};

/** Whatever looks only at the newest version sees an authority that is good for five years. */
export const hiddenByTransitional: Story<Facts> = {
  title: 'The version in use ends behind a newer transitional one',
  source: 'https://github.com/cloudfoundry/credhub/issues/181',
  now: NOW,
  facts: factsOf({
    managed: [
      authority('/bosh/cf/service_cf_internal_ca', [
        { id: 'b476cc7d', until: '2031-11-20', transitional: true },
        { id: 'd33e5670', until: '2026-12-05T12:00:00Z' },
      ]),
      ...['/bosh/cf/diego_bbs_server', '/bosh/cf/diego_rep_client'].map((name) =>
        inCredHub(name, [{ id: name.slice(-6), until: '2027-05-02' }], {
          signedBy: '/bosh/cf/service_cf_internal_ca',
        }),
      ),
    ],
  }),
};

const APPLICATION = '/bosh/cf/application_ca';
const IDENTITY = '/bosh/cf/diego_instance_identity_ca';

/** The parent was rotated, and the authority below it stayed with the former version of its parent. */
export const leftWithFormerParent: Story<Facts> = {
  title: 'An authority that the former version of its parent signed',
  source: 'https://github.com/cloudfoundry/credhub/issues/377',
  now: NOW,
  facts: factsOf({
    managed: [
      authority(
        APPLICATION,
        [
          { id: '4d59d8dd', until: '2031-05-31' },
          { id: 'f2d68f96', until: '2026-12-08T06:00:00Z' },
        ],
        {
          contents: [
            content('4d59d8dd', 'appCA', '2031-05-31', {
              issuer: 'appCA',
              key: 'new app key',
              signedWith: 'new app key',
            }),
            content('f2d68f96', 'appCA', '2026-12-08T06:00:00Z', {
              issuer: 'appCA',
              key: 'old app key',
              signedWith: 'old app key',
              notBefore: new Date('2024-12-08T06:00:00Z'),
            }),
          ],
        },
      ),
      inCredHub(IDENTITY, [{ id: '4bb94b23', until: '2027-09-01', authority: true, selfSigned: false }], {
        signedBy: APPLICATION,
        contents: [
          content('4bb94b23', 'identity', '2027-09-01', {
            issuer: 'appCA',
            key: 'identity key',
            signedWith: 'old app key',
          }),
        ],
      }),
    ],
  }),
};

const PLATFORM = { issuer: 'platform-ca', notBefore: new Date('2026-11-20') };
const platformNew = signedCertificate('platform-ca', '2028-01-19', {
  ...PLATFORM,
  key: 'second key',
  signedWith: 'second key',
  publicKey: 'second',
});
const platformOld = signedCertificate('platform-ca', '2026-12-31', {
  issuer: 'platform-ca',
  key: 'first key',
  signedWith: 'first key',
  publicKey: 'first',
});
const ledger = signedCertificate('ledger.fin.svc', '2027-01-30', {
  issuer: 'platform-ca',
  signedWith: 'first key',
});

/** Both objects are ready and their dates are good; clients with the new authority reject the leaf. */
export const newKeyOfAuthority: Story<Facts> = {
  title: 'cert-manager renewed a CA with a new key, and not what it signed',
  source: 'https://github.com/cert-manager/cert-manager/issues/2478',
  now: NOW,
  facts: factsOf({
    managed: [
      ofCertManager('fin/platform-ca', 'platform-ca', {
        from: '2026-11-20',
        until: '2028-01-19',
        due: '2027-08-30',
        isAuthority: true,
        issuer: { name: 'ClusterIssuer selfsigned' },
      }),
      ofCertManager('fin/ledger', 'ledger-tls', {
        from: '2026-11-01',
        until: '2027-01-30',
        due: '2026-12-31',
        issuer: { name: 'Issuer platform', storedAt: 'prod:fin/platform-ca' },
      }),
    ],
    places: [
      inSecret('fin/platform-ca', platformNew, [platformNew]),
      inSecret('fin/ledger-tls', ledger, [platformOld]),
      {
        kind: 'seen',
        store: 'prod',
        role: 'stored',
        place: 'prod:fin/configmaps/trust:ca-bundle.crt',
        chain: [platformNew],
      },
      servedAt('ledger.fin.svc:443', ledger),
    ],
  }),
};

/** By its own date, the issuer needs no one before January; its roles have failed for weeks. */
export const issuerEndsFirst: Story<Facts> = {
  title: 'An issuer that ends before what its roles issue',
  source: 'https://github.com/hashicorp/vault/issues/13193',
  now: NOW,
  facts: factsOf({
    issuers: [issuer('int-2022', '2027-01-15')],
    places: [
      inVault(
        'kv/edge/gw',
        signedCertificate('gw.edge.example', '2026-12-20', {
          issuer: 'int-2022',
          signedWith: 'int-2022',
          notBefore: new Date('2026-09-21'),
        }),
      ),
    ],
  }),
};

const LOGGREGATOR = '/bosh/cf/loggregator_ca';
const DOPPLER = '/bosh/cf/loggregator_tls_doppler';

/** Everything is signed by the new version and deployed; the old one ends soon, and nothing depends on it. */
export const lastStep: Story<Facts> = {
  title: 'A rotation before its last step',
  source: 'https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md',
  now: NOW,
  facts: factsOf({
    managed: [
      authority(LOGGREGATOR, [
        { id: '134893b6', until: '2031-11-10' },
        { id: 'e67ddfeb', until: '2026-12-16', transitional: true },
      ]),
      inCredHub(DOPPLER, [{ id: 'e0b49aee', until: '2027-11-15' }], {
        signedBy: LOGGREGATOR,
        contents: [
          content('e0b49aee', 'doppler', '2027-11-15', { issuer: 'loggregatorCA', signedWith: 'new key' }, [
            signedCertificate('loggregatorCA', '2031-11-10', {
              issuer: 'loggregatorCA',
              key: 'new key',
              signedWith: 'new key',
            }),
          ]),
        ],
      }),
    ],
    directors: [director('cf', { [LOGGREGATOR]: '134893b6', [DOPPLER]: 'e0b49aee' })],
    earlier: [
      {
        at: new Date('2026-11-24T08:00:00Z'),
        rotation: `credhub:${LOGGREGATOR}`,
        version: '134893b6',
        done: [
          { step: 'trust', since: '2026-11-12T08:00:00.000Z' },
          { step: 'move-flag', since: '2026-11-13T08:00:00.000Z' },
          { step: 'renew', since: '2026-11-15T10:00:00.000Z' },
        ],
      },
    ],
  }),
};

const INTERNAL = signedCertificate('cf-internal-ca', '2026-07-12', {
  issuer: 'cf-internal-ca',
  key: 'internal key',
  signedWith: 'internal key',
});

/** Of the thirteen that expired together in July 2019, as they were three weeks before. Old and new certificates are valid under the same authority. */
export const threeWeeksBefore: Story<Facts> = {
  title: 'Thirteen certificates of one authority, three weeks before they expire',
  source:
    'Xiujiao Gao, "CF push: ERR Downloading Failed" (2019), the outage that led to https://github.com/doomsday-project/doomsday',
  now: new Date('2019-06-22T09:00:00Z'),
  facts: factsOf({
    places: [
      inVault('secret/cf/ca', INTERNAL),
      ...[
        'api/cf_networking/policy_server_internal/server_cert',
        'syslogger/scalablesyslog/adapter/tls/cert',
        'syslogger/scalablesyslog/adapter_rlp/tls/cert',
        'loggregator_trafficcontroller/reverse_log_proxy/loggregator/tls/reverse_log_proxy/cert',
        'bbs/silk-controller/cf_networking/silk_controller/server_cert',
        'bbs/silk-controller/cf_networking/silk_daemon/server_cert',
        'bbs/locket/tls/cert',
        'diego/scheduler/scalablesyslog/scheduler/tls/api/cert',
        'diego/scheduler/scalablesyslog/scheduler/tls/client/cert',
        'cell/rep/diego/rep/server_cert',
        'cell/rep/tls/cert',
        'cell/vxlan-policy-agent/cf_networking/vxlan_policy_agent/client_cert',
        'cell/silk-daemon/cf_networking/silk_daemon/client_cert',
      ].map((path, at) =>
        inVault(
          `secret/${path}`,
          signedCertificate(path, '2019-07-12T22:25:49Z', {
            issuer: 'cf-internal-ca',
            signedWith: 'internal key',
            notBefore: new Date('2018-07-13T22:25:49Z'),
            fingerprint: String(at).padStart(64, '0'),
          }),
        ),
      ),
    ],
  }),
};

export const nothingDue: Story<Facts> = {
  title: 'Everything is valid for long enough',
  source: 'The day after a rotation: the flag is cleared and everything is deployed',
  now: NOW,
  facts: factsOf({
    managed: [authority(UAA, [{ id: '2952819d', until: '2031-11-19' }])],
    places: [servedAt('www.example.com:443', certificate('www.example.com', '2027-11-01'))],
  }),
};
