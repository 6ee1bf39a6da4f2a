import type { Finding, ports } from '../../kit.ts';
import { steps } from '../../shared/evidence.ts';

const NEARLY_USED = 0.9;

/** Limits above which a node stops working for someone, whatever its memory. */
export function limitFindings(node: ports.BrokerNode, target: string): readonly Finding[] {
  const { name, filesUsed, filesMost, socketsUsed, socketsMost, processesUsed, processesMost } = node;
  const files = limitFinding(target, {
    reason: 'files-nearly-used',
    used: filesUsed,
    most: filesMost,
    summary: `${name} has ${filesUsed} of ${filesMost} files open: without free ones, it refuses connections`,
    todo: CONNECTION_STEPS,
  });
  const sockets = limitFinding(target, {
    reason: 'sockets-nearly-used',
    used: socketsUsed,
    most: socketsMost,
    summary: `${name} has ${socketsUsed} of ${socketsMost} sockets in use: without free ones, it refuses connections`,
    todo: CONNECTION_STEPS,
  });
  const processes = limitFinding(target, {
    reason: 'processes-nearly-used',
    used: processesUsed,
    most: processesMost,
    summary: `${name} runs ${processesUsed} of ${processesMost} Erlang processes: without free ones, it stops`,
    todo: [
      'Find clients that open channels or declare queues again and again without closing or deleting them',
    ],
  });
  // Each socket is a file too.
  return [...(files.length > 0 ? files : sockets), ...processes];
}

const CONNECTION_STEPS = [
  'Find clients that open connections again and again without closing them',
  'Raise the limit of open files of the service, and restart it in working hours',
];

function limitFinding(
  target: string,
  {
    reason,
    used,
    most,
    summary,
    todo,
  }: {
    readonly reason: string;
    readonly used: number | undefined;
    readonly most: number | undefined;
    readonly summary: string;
    readonly todo: readonly string[];
  },
): readonly Finding[] {
  if (used === undefined || !most || used < most * NEARLY_USED) return [];
  return [
    {
      reason,
      severity: used >= most ? 'critical' : 'warning',
      target,
      summary,
      evidence: steps(todo),
      level: { value: Math.floor((used / most) * 100), unit: '% used' },
    },
  ];
}
