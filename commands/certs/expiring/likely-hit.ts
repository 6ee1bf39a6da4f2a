/**
 * Who feels it when a component's certificate has expired, for the components whose names say enough.
 * The first row that matches the place or the name counts: parts that live on another's VM stand before it (`cell/silk-daemon`).
 */
const LIKELY_HIT: readonly (readonly [RegExp, string])[] = [
  // Container networking: https://docs.cloudfoundry.org/concepts/understand-cf-networking.html
  [
    words('policy server(?: internal)?|vxlan policy agent'),
    'container-to-container network policies no longer reach the cells',
  ],
  [
    words('silk (?:controller|daemon)'),
    'cells lose their lease of the container network: new app instances do not start there',
  ],
  // Logging: https://docs.cloudfoundry.org/loggregator/architecture.html
  [
    words('scalablesyslog|syslog(?:ger)?|ss (?:adapter|scheduler)|syslog (?:agent|drain)'),
    'app logs stop arriving at syslog drains',
  ],
  [
    words('loggregator|reverse ?log ?proxy|rlp|traffic ?controller|doppler|metron'),
    '`cf logs` and the metrics of apps and platform',
  ],
  // Diego: https://docs.cloudfoundry.org/concepts/diego/diego-architecture.html
  [
    words('locket'),
    'cells cannot register their presence, and BBS and auctioneer lose their locks: apps cannot be placed',
  ],
  [words('auctioneer'), 'no app instance is placed: pushes, scaling and restarts wait'],
  [
    words('rep|cell service'),
    'BBS and the cells cannot speak with each other: pushes end in "Downloading Failed"',
  ],
  [words('bbs'), 'the cells and Cloud Controller cannot reach BBS: apps do not start, stop or scale'],
  [
    words('cc uploader|blobstore'),
    'droplets cannot be stored or fetched: pushes end in "Downloading Failed"',
  ],
  [words('cloud controller(?: ng)?|cc bridge|tps(?: watcher)?'), '`cf push` and the rest of the `cf` API'],
  [words('uaa'), 'nobody can log in, people and components alike'],
  [words('go ?router|ha ?proxy'), 'traffic to every app behind it'],
  // https://bosh.io/docs/nats-ca-rotation/#expired
  [words('nats'), 'messages between components; on a BOSH director every agent is "unresponsive"'],
  [words('credhub'), 'deploys and apps that fetch their secrets'],
  // https://kubernetes.io/docs/setup/best-practices/certificates/
  [words('etcd'), 'etcd members and all that keeps its state there'],
  [words('(?:kube )?apiserver'), 'the Kubernetes API and everything that asks it'],
  [words('kubelet'), 'the node turns NotReady'],
];

/** Matches whole words, whatever stands between them: `policy_server_internal`, `policy-server.service`. */
function words(pattern: string): RegExp {
  return new RegExp(`(?:^| )(?:${pattern})(?= |$)`);
}

/** A short phrase on who is likely hit, or undefined where the names do not tell. */
export function likelyHit(place: string, name: string): string | undefined {
  const path = place.slice(place.indexOf(':') + 1);
  for (const text of [path, name]) {
    const plain = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ');
    const known = LIKELY_HIT.find(([pattern]) => pattern.test(plain));
    if (known) return known[1];
  }
  return undefined;
}
