import { printable } from '../../wire/x509.ts';

/** What one monit reports about its machine. */
export interface MonitStatus {
  readonly processes: readonly MonitProcess[];
  /** Everything else that is monitored and matters here: disks, files, hosts, programs. */
  readonly others: readonly MonitService[];
  /** What is in the response but unreadable, or missing in it. */
  readonly unread: readonly Unread[];
}

/** https://mmonit.com/monit/documentation/monit.html, and for the numbers https://bitbucket.org/tildeslash/monit/src/master/src/event.h */
export interface MonitService {
  readonly name: string;
  /** 0 filesystem, 1 directory, 2 file, 3 process, 4 host, 5 system, 6 fifo, 7 program, 8 network. */
  readonly type: number;
  /** A bit mask of what is wrong; 0 is healthy. */
  readonly status: number;
  /** Bits: 0 not monitored, 1 monitored, 2 initializing, 4 waiting. */
  readonly monitor: number;
  /** 0 none, 2 restart, 3 stop, 6 start … */
  readonly pendingAction: number;
  /** What is wrong, as monit reports it. */
  readonly message?: string;
  /** If this fails, the machine counts as failing. */
  readonly failsInstance: boolean;
}

export interface MonitProcess extends MonitService {
  /** Absent while it does not exist, and while it is not monitored. */
  readonly pid?: number;
  readonly uptimeSeconds?: number;
}

export interface Unread {
  /** If it could be parsed. */
  readonly name?: string;
  readonly because: string;
}

const PROCESS = 3;
export const SYSTEM = 5;
/**
 * BOSH puts the services of its jobs into this group. Its agent counts every service of the group, not only processes, and nothing else:
 * https://github.com/cloudfoundry/bosh-agent/blob/main/jobsupervisor/monit/status.go
 */
const BOSH_GROUP = 'vcap';

/** The start of the response. monit writes no document type. */
const HEAD = /^\s*(?:<\?xml[^>]*\?>)?\s*<monit[\s>]/;
const IS_MONIT = /<(?:server|services|service)[\s/>]/;
/**
 * The start of a service, which has attributes: a service in an unknown format is unread, not dropped. Services in the list of groups have
 * no attributes.
 */
const STARTS = /<service(?=\s)/g;
/** In the first format, the type is an attribute and the name an element; in the second, the other way round. */
const OPENING = /^<service (?:type="(\d+)">\s*<name>([\s\S]*?)<\/name>|name="([\s\S]*?)">)/;

/**
 * Reads `/_status?format=xml` and `/_status2?format=xml`.
 *
 * They aren't valid XML: monit 5.2 escapes nothing, and later versions not every name, so one service called `x<y` would make the whole
 * document unreadable. Each service is parsed separately; unreadable ones are in `unread`.
 * @returns undefined if it is not a status of monit.
 */
export function parseStatus(text: string): MonitStatus | undefined {
  if (!HEAD.test(text) || !IS_MONIT.test(text)) return undefined;
  const { body, members, isCut } = sectionsOf(text);
  const pieces = splitServices(body);
  const read = pieces.map((piece) => readService(piece, members));
  const services = read.filter((one) => 'status' in one);
  const unread = read.filter((one) => 'because' in one);
  const named = new Set(read.map(({ name }) => name));
  const lost = [...(members ?? [])].filter((name) => !named.has(name));
  const relevant = services.filter((one) => isRelevant(one, members));
  return {
    processes: relevant.filter(({ type }) => type === PROCESS),
    others: relevant.filter(({ type }) => type !== PROCESS),
    unread: [
      ...unread,
      ...lost.map((name) => ({
        name,
        because: `it is in the group ${BOSH_GROUP} and not in the list of services`,
      })),
      ...(isCut ? [{ because: 'the response is cut off: what comes after is unknown' }] : []),
    ],
  };
}

interface Sections {
  /** With all services. */
  readonly body: string;
  /** Names in the BOSH group; absent if there is no such group, or if it is empty or unknown. */
  readonly members?: ReadonlySet<string>;
  readonly isCut: boolean;
}

/** The last end tag counts, because a message may quote one. */
function sectionsOf(text: string): Sections {
  const isComplete = text.trimEnd().endsWith('</monit>');
  const groupsAt = text.lastIndexOf('<servicegroups>');
  const servicesEndAt = text.lastIndexOf('</services>');
  const members = isComplete && groupsAt >= 0 ? membersIn(text.slice(groupsAt)) : undefined;
  const endAt = servicesEndAt >= 0 ? servicesEndAt : isComplete ? text.lastIndexOf('</monit>') : text.length;
  const isCut = !isComplete || (text.includes('<services>') && servicesEndAt < 0);
  return { body: text.slice(0, endAt), ...(members && { members }), isCut };
}

function membersIn(groups: string): ReadonlySet<string> | undefined {
  const [, members] =
    [...groups.matchAll(/<servicegroup name="([\s\S]*?)">([\s\S]*?)<\/servicegroup>/g)]
      .map(([, name, of = '']) => [name, of] as const)
      .find(([name]) => name === BOSH_GROUP) ?? [];
  if (members === undefined) return undefined;
  const names = [...members.matchAll(/<service>([\s\S]*?)<\/service>/g)].map(([, name = '']) =>
    printable(name),
  );
  // With an empty group, no failure would count.
  return names.length > 0 ? new Set(names) : undefined;
}

/** Each from its start to the start of the next one. */
function splitServices(body: string): readonly string[] {
  const starts = [...body.matchAll(STARTS)].map(({ index }) => index);
  return starts.map((start, at) => body.slice(start, starts[at + 1]).trimEnd());
}

function readService(piece: string, members: ReadonlySet<string> | undefined): MonitProcess | Unread {
  const opening = OPENING.exec(piece);
  const name = printable(opening?.[2] ?? opening?.[3] ?? guessName(piece)) || undefined;
  const unread = (because: string): Unread => ({ ...(name !== undefined && { name }), because });
  if (!piece.endsWith('</service>')) return unread('its entry in the response is cut off');
  if (!opening || name === undefined) return unread('its name cannot be read');
  const inner = piece.slice(opening[0].length, -'</service>'.length);
  const message = textOf(inner, 'status_message');
  const children = childrenOf(withoutText(withoutText(inner, 'status_message'), 'output'));
  if (!children) return unread('its entry in the response is malformed');
  const number = (field: string): number | undefined => integer(children.get(field));
  const type = integer(opening[1]) ?? number('type');
  const [status, monitor, pendingAction] = [number('status'), number('monitor'), number('pendingaction')];
  if (type === undefined || status === undefined || monitor === undefined || pendingAction === undefined)
    return unread('its type or its state is missing or not a number');
  const [pid, uptime] = [number('pid'), number('uptime')];
  return {
    name,
    type,
    status,
    monitor,
    pendingAction,
    ...(message !== '' && { message }),
    failsInstance: members ? members.has(name) : type !== SYSTEM && monitor !== 0,
    ...(type === PROCESS && pid !== undefined && pid > 0 && { pid }),
    ...(type === PROCESS && uptime !== undefined && uptime >= 0 && { uptimeSeconds: uptime }),
  };
}

/** On a BOSH machine, the services of its jobs and the machine itself; on any other machine, everything. */
function isRelevant({ name, type }: MonitService, members: ReadonlySet<string> | undefined): boolean {
  return !members || members.has(name) || type === SYSTEM;
}

function guessName(piece: string): string {
  return /(?:name="|<name>)([^"<\n]{1,80})/.exec(piece)?.[1] ?? '';
}

/** The content of an element with free text, up to its last end tag, because the text may quote one. */
function textOf(inner: string, element: string): string {
  const text = new RegExp(`<${element}>([\\s\\S]*)</${element}>`).exec(inner)?.[1] ?? '';
  return printable(
    text
      .replace(/^<!\[CDATA\[([\s\S]*)\]\]>$/, '$1')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
}

function withoutText(inner: string, element: string): string {
  return inner.replace(new RegExp(`<${element}>[\\s\\S]*</${element}>`), '');
}

const TOKEN = /<!\[CDATA\[[\s\S]*?\]\]>|<(?<end>\/?)(?<tag>[A-Za-z_][\w.-]*)(?<rest>[^<>]*)>|(?<text>[^<]+)/y;

/**
 * The texts of the direct child elements of a service, by name. A duplicate element has no text.
 * @returns undefined if the elements don't nest.
 */
function childrenOf(inner: string): ReadonlyMap<string, string | undefined> | undefined {
  const children = new Map<string, string | undefined>();
  const open: string[] = [];
  let text = '';
  for (let at = 0; at < inner.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(inner)?.groups;
    if (!groups) return undefined;
    const { end, tag, rest, text: words = '' } = groups;
    if (tag === undefined) {
      if (open.length === 0 && words.trim() !== '') return undefined;
      text += words;
    } else if (end === '/') {
      if (open.pop() !== tag) return undefined;
      if (open.length === 0) children.set(tag, children.has(tag) ? undefined : text);
    } else if (!rest?.endsWith('/')) {
      open.push(tag);
      text = '';
    }
  }
  return open.length === 0 ? children : undefined;
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}
