/**
 * What stops working when the certificate of a component has expired, for components that can be recognized by name. The first row that
 * matches the place or the name is used, so components that run on another component's VM come first (`cell/silk-daemon`).
 */
const LIKELY_IMPACT: readonly (readonly [RegExp, string])[] = [
  // Container networking: https://docs.cloudfoundry.org/concepts/understand-cf-networking.html
  [
    words('policy server(?: internal)?|vxlan policy agent'),
    'cells no longer receive container-to-container network policies',
  ],
  [
    words('silk (?:controller|daemon)'),
    'cells lose their container network lease: new app instances do not start on them',
  ],
  // Logging: https://docs.cloudfoundry.org/loggregator/architecture.html
  [
    words('scalablesyslog|syslog(?:ger)?|ss (?:adapter|scheduler)|syslog (?:agent|drain)'),
    'syslog drains receive no app logs',
  ],
  [
    words('loggregator|reverse ?log ?proxy|rlp|traffic ?controller|doppler|metron'),
    '`cf logs` and metrics of apps and the platform',
  ],
  // Diego: https://docs.cloudfoundry.org/concepts/diego/diego-architecture.html
  [
    words('locket'),
    'cells cannot register their presence, and the BBS and the auctioneer lose their locks: apps cannot be placed',
  ],
  [words('auctioneer'), 'no app instance is placed: pushes, scaling and restarts hang'],
  [words('rep|cell service'), 'the BBS and the cells cannot connect: pushes end in "Downloading Failed"'],
  [words('bbs'), 'cells and Cloud Controller cannot reach the BBS: apps do not start, stop or scale'],
  [
    words('cc uploader|blobstore'),
    'droplets cannot be uploaded or downloaded: pushes end in "Downloading Failed"',
  ],
  [
    words('cloud controller(?: ng)?|cc bridge|tps(?: watcher)?'),
    '`cf push` and the rest of the Cloud Controller API',
  ],
  [words('uaa'), 'neither users nor components can log in'],
  [words('go ?router|ha ?proxy'), 'traffic to every app behind it'],
  // https://bosh.io/docs/nats-ca-rotation/#expired
  [words('nats'), 'components exchange no messages; on a BOSH director every agent becomes "unresponsive"'],
  [words('credhub'), 'deployments and apps cannot fetch their secrets'],
  // https://kubernetes.io/docs/setup/best-practices/certificates/
  [words('etcd'), 'etcd members and everything that stores its state in etcd'],
  [words('(?:kube )?apiserver'), 'the Kubernetes API and all its clients'],
  [words('kubelet'), 'the node becomes NotReady'],
];

/** Whether an impact is that logs or metrics are missing: everything else keeps working. */
export function isAboutLogs(impact: string): boolean {
  return /\blogs\b/.test(impact);
}

/** Matches whole words, whatever separates them: `policy_server_internal`, `policy-server.service`. */
function words(pattern: string): RegExp {
  return new RegExp(`(?:^| )(?:${pattern})(?= |$)`);
}

/** A short phrase. It is a guess; undefined if the names say nothing. */
export function likelyImpact(place: string, name: string): string | undefined {
  const path = place.slice(place.indexOf(':') + 1);
  for (const text of [path, name]) {
    const plain = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ');
    const known = LIKELY_IMPACT.find(([pattern]) => pattern.test(plain));
    if (known) return known[1];
  }
  return undefined;
}
