import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import { printable } from '../../wire/x509.ts';

/** What one monit says of its machine. */
export interface MonitStatus {
  readonly processes: readonly MonitProcess[];
}

/** The numbers as in reference: cf-and-certificates.md section 3. */
export interface MonitProcess {
  readonly name: string;
  /** A bit mask of what is wrong; 0 is well. */
  readonly status: number;
  /** Bits: 0 not monitored, 1 monitored, 2 initializing, 4 waiting. */
  readonly monitor: number;
  /** 0 none, 2 restart, 3 stop, 6 start … */
  readonly pendingAction: number;
  /** Absent while it does not exist, and while nobody watches it. */
  readonly pid?: number;
  readonly uptimeSeconds?: number;
}

const PROCESS_TYPE = '3';
/** BOSH puts its jobs' processes in this group; what else a machine runs is not the agent's business. */
const BOSH_GROUP = 'vcap';

/** monit escapes nothing, so nothing is unescaped; and all values stay text, for a process may be called 0012. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  processEntities: false,
  parseTagValue: false,
  isArray: (name) => name === 'service' || name === 'servicegroup',
});

const integer = z
  .string()
  .regex(/^-?\d{1,15}$/)
  .transform(Number);

const service = z.object({
  // In the first dialect the type is an attribute and the name an element; in the second it is the other way round.
  '@type': z.string().optional(),
  '@name': z.string().optional(),
  type: z.string().optional(),
  name: z.string().optional(),
});

const watched = z.object({
  status: integer,
  monitor: integer,
  pendingaction: integer,
  pid: integer.optional(),
  uptime: integer.optional(),
});

const group = z.object({ '@name': z.string(), service: z.array(z.string()).default([]) });
/** An element with nothing in it is read as empty text. */
const listOf = <T extends z.ZodType>(item: string, of: T) =>
  z
    .union([
      z.literal('').transform(() => []),
      z.object({ [item]: z.array(of) }).transform((all) => all[item]),
    ])
    .optional();

const answer = z.object({
  monit: z.object({
    service: z.array(z.unknown()).optional(),
    services: listOf('service', z.unknown()),
    servicegroups: listOf('servicegroup', group),
  }),
});

/**
 * Reads `/_status?format=xml` and `/_status2?format=xml`.
 * @returns undefined where it is neither, or not all of it: a list that was cut off would pass for a machine without processes.
 */
export function parseStatus(text: string): MonitStatus | undefined {
  if (!text.trimEnd().endsWith('</monit>') || /<!(DOCTYPE|ENTITY)/i.test(text)) return undefined;
  const read = answer.safeParse(parsed(text));
  if (!read.success) return undefined;
  const { monit } = read.data;
  const all = processesIn([...(monit.service ?? []), ...(monit.services ?? [])]);
  const bosh = monit.servicegroups?.find((one) => one['@name'] === BOSH_GROUP);
  const inGroup = new Set(bosh?.service.map(printable));
  return all && { processes: bosh ? all.filter(({ name }) => inGroup.has(name)) : all };
}

function parsed(text: string): unknown {
  try {
    return parser.parse(text);
  } catch {
    // Its message quotes the text.
    return undefined;
  }
}

/** @returns undefined where one of them cannot be read: the others would look complete. */
function processesIn(services: readonly unknown[]): readonly MonitProcess[] | undefined {
  const processes: MonitProcess[] = [];
  for (const one of services) {
    const { data: named } = service.safeParse(one);
    const type = named?.['@type'] ?? named?.type;
    if (type !== undefined && type !== PROCESS_TYPE) continue;
    const name = named?.['@name'] ?? named?.name;
    const { data: facts } = watched.safeParse(one);
    if (type === undefined || !name || !facts) return undefined;
    processes.push({
      name: printable(name),
      status: facts.status,
      monitor: facts.monitor,
      pendingAction: facts.pendingaction,
      ...(facts.pid !== undefined && facts.pid > 0 && { pid: facts.pid }),
      ...(facts.uptime !== undefined && facts.uptime >= 0 && { uptimeSeconds: facts.uptime }),
    });
  }
  return processes;
}
