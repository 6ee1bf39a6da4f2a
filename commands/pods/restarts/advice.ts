import type { Finding } from '../../kit.ts';
import type { KilledByProbe } from './causes.ts';
import type { NodeFacts, RestartedContainer } from './facts.ts';
import { execFaultOf } from './probe-failures.ts';
import type { Restarting } from './restarting.ts';

/** What to do about a cause: imperatives, without a full stop at the end. */

/**
 * docker-1.13.1-84 of RHEL 7 and CentOS 7 can't run commands in containers, and 1.13.1-88 can: https://access.redhat.com/errata/RHBA-2018:3796,
 * https://github.com/kubernetes/kubeadm/issues/1299
 */
function mayHaveBrokenDocker({ containerRuntime = '', osImage = '' }: Partial<NodeFacts> = {}): boolean {
  return containerRuntime === 'docker://1.13.1' && /^(?:CentOS|Red Hat).* 7\b/.test(osImage);
}

/** Whether that may be the cause, as far as is known: no text of a failure shows that the command ran. */
export function suspectsDocker({ container, cause }: Pick<Restarting, 'container' | 'cause'>): boolean {
  if (cause.kind !== 'killed-by-probe' || !mayHaveBrokenDocker(container.node)) return false;
  if (cause.isExecBroken) return true;
  const texts = container.events.failures.filter(({ probe }) => probe === cause.probe);
  return (
    container[cause.probe]?.action === 'exec' &&
    cause.how === 'fails' &&
    texts.every(({ message }) => message === '')
  );
}

const UPGRADE_DOCKER = 'upgrade Docker to docker-1.13.1-88 or later (RHBA-2018:3796)';

export function adviceFor({ container, cause }: Restarting): string {
  const who = container.container;
  switch (cause.kind) {
    case 'killed-by-probe':
      return adviceForProbe(container, cause);
    case 'out-of-memory':
      return container.memoryLimit === undefined
        ? `Find what uses the memory of ${container.node?.name ?? 'its node'}, and set memory requests and limits`
        : `Find out what uses the memory of ${who}, and raise the limit if it needs more`;
    case 'leader-lease-lost':
      return 'Check the latency of the API server and of etcd';
    case 'exits-with-success':
      return `Either run ${who} as a Job or CronJob, or keep its process running`;
    case 'crash-loop':
      return container.log
        ? `Fix what the last log lines of ${who} show`
        : `Read its log: ${logCommand(container)}`;
    case 'cannot-start':
      return `Correct the image, command or configuration of ${who}`;
    case 'stopped-from-outside':
      if (cause.isSandboxLost)
        return `Check the container runtime${container.node ? ` of ${container.node.name}` : ''}: whether it uses the same cgroup driver as the kubelet, and whether its network plugin works`;
      return `Find out who stops ${who}${container.node ? `, in the log of the kubelet and of the kernel of ${container.node.name}` : ''}`;
    case 'restart-loop':
      return `Read its log: ${logCommand(container)}`;
  }
}

function logCommand({ namespace, pod, container }: RestartedContainer): string {
  return `\`kubectl logs -n ${namespace} ${pod} -c ${container} --previous\``;
}

function adviceForProbe(container: RestartedContainer, cause: KilledByProbe): string {
  const { probe: name, how, isExecBroken } = cause;
  const { node, container: who } = container;
  if (isExecBroken) return adviceForRuntime(container);
  const probe = container[name];
  if (suspectsDocker({ container, cause }))
    return `Suspect the probe's command, not ${who}: docker-1.13.1-84 can't run commands in containers. Run \`rpm -q docker\` on ${node?.name ?? 'the node'}, and ${UPGRADE_DOCKER} if it is that build; keep the probe`;
  if (hasFault(container, 'command')) return "The image has no such command: correct the probe's command";
  if (how === 'times-out')
    return `Find out why the probe of ${who} is slow, or raise \`timeoutSeconds\` or \`failureThreshold\``;
  if (name === 'startup')
    return `Raise \`failureThreshold\` if ${who} needs longer to start, or fix what the probe checks`;
  // One that worked for a while had started.
  const hasStarted = container.startup !== undefined || cause.windows.length === 0;
  const needsTime = hasStarted ? '' : `, or add a \`startupProbe\` if ${who} only needs longer to start`;
  if (how === 'either') return `Run the probe of ${who} by hand to see which${needsTime}`;
  return probe?.action === 'exec'
    ? `The failing part is the command of the probe: run it in ${who} to see why${needsTime}`
    : `Fix what the probe of ${who} checks${needsTime}`;
}

function adviceForRuntime(container: RestartedContainer): string {
  const { node, container: who } = container;
  const says = `The container runtime couldn't run the probe's command, so the probe says nothing about ${who}`;
  if (mayHaveBrokenDocker(node))
    return `${says}. docker-1.13.1-84 is known for this: ${UPGRADE_DOCKER}; keep the probe`;
  if (hasFault(container, 'shortage'))
    return `${says}. Find out what ${node?.name ?? 'the node'} has run out of`;
  const runtime = node?.containerRuntime === undefined ? 'the container runtime' : node.containerRuntime;
  return `${says}. Check ${runtime}${node ? ` on ${node.name}` : ''}, and upgrade it if this is a known bug`;
}

function hasFault({ events }: RestartedContainer, fault: ReturnType<typeof execFaultOf>): boolean {
  return events.failures.some(({ message }) => execFaultOf(message) === fault);
}

/** Checks that can say more about the cause. */
export function nextFor({ container, cause }: Restarting): Pick<Finding, 'next'> {
  const isEtcd =
    cause.kind === 'killed-by-probe' &&
    !cause.isExecBroken &&
    container.container === 'etcd' &&
    isStatic(container);
  if (cause.kind !== 'leader-lease-lost' && !isEtcd) return {};
  return { next: [{ check: 'etcd/health', args: {} }] };
}

export function isStatic({ owner }: RestartedContainer): boolean {
  return owner.kind === 'Static';
}
