import { canHaveEnded, killWindows, type Life } from './kill-windows.ts';

/**
 * The probes that kubeadm has given to etcd since 1.10, which the API server shows but a container engine does not:
 * https://github.com/kubernetes/kubernetes/blob/v1.12.3/cmd/kubeadm/app/util/staticpod/utils.go,
 * https://github.com/kubernetes/kubernetes/blob/v1.33.5/cmd/kubeadm/app/util/staticpod/utils.go
 */
const ETCD_PROBES = [
  { initialDelaySeconds: 15, periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 8 },
  { initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 8 },
] as const;

const GRACE_SECONDS = 30;

/** Which probe of kubeadm's may have killed this instance of etcd, and how it would fail. Undefined if none. */
export function kubeadmGuess(life: Life): string | undefined {
  const windows = ETCD_PROBES.flatMap((probe) => Object.values(killWindows(probe)));
  // etcd stops at once, so only one that was killed has used its grace period.
  const grace = life.exitCode === 137 ? GRACE_SECONDS : 0;
  const near = windows.filter((window) => canHaveEnded(window, life, grace));
  // An engine's times are exact, so a window that it is in comes before one that it is only near.
  const within = near.filter(
    (one) => life.seconds >= one.fromSeconds && life.seconds <= one.toSeconds + grace,
  );
  const fitting = within.length > 0 ? within : near;
  const [first] = fitting;
  if (!first) return undefined;
  const ranges = fitting
    .toSorted((a, b) => a.fromSeconds - b.fromSeconds)
    .map(({ fromSeconds, toSeconds }) => `${fromSeconds} to ${toSeconds} s`);
  const version = ranges.length > 1 ? ", depending on kubeadm's version" : '';
  const [how, conclusion] = fitting.some((one) => one.how === 'fails')
    ? ['fails at once', 'the probe fails at once and does not time out']
    : ['times out', 'the probe times out'];
  return `the probe kills etcd ${ranges.join(' or ')} after each start if it ${how}${version}. etcd ran for ${Math.round(life.seconds)} s, so ${conclusion}. This is a guess: the manifest was not read`;
}
