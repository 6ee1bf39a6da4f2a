import { expect, test } from 'vitest';
import { likelyImpact } from './impact.ts';

test.each([
  ['vault:secret/api/cf_networking/policy_server_internal/server_cert', '', 'network policies'],
  ['vault:secret/cell/silk-daemon/cf_networking/silk_daemon/client_cert', '', 'container network'],
  ['vault:secret/bbs/locket/tls/cert', '', 'presence'],
  ['vault:secret/cell/rep/tls/cert', '', 'Downloading Failed'],
  ['vault:secret/diego/bbs/server', '', 'cannot reach the BBS'],
  ['vault:secret/diego/scheduler/scalablesyslog/scheduler/tls/api/cert', '', 'syslog drains'],
  ['disk:/etc/kubernetes/pki/etcd/peer.crt', '', 'etcd members'],
  ['disk:/etc/kubernetes/pki/apiserver.crt', '', 'Kubernetes API'],
  ['edge:10.0.0.5:8443', 'cell.service.cf.internal', 'Downloading Failed'],
])('%s %s: likely impact: %s', (place, name, words) => {
  expect(likelyImpact(place, name)).toContain(words);
});

test.each([
  ['edge:www.example.com:443', 'www.example.com'],
  ['vault:secret/reports/cert', 'reports'],
  ['nats:secret/shop/cert', 'shop'],
])('for %s no impact is guessed', (place, name) => {
  expect(likelyImpact(place, name)).toBeUndefined();
});
