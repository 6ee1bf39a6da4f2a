import { expandHostPatterns, MAX_HOSTS } from '../../text/host-patterns.ts';

/** A host of an inventory. What is absent is as in the configuration of the source. */
export interface InventoryHost {
  readonly name: string;
  readonly address?: string;
  readonly port?: number;
  readonly user?: string;
}

/** The hosts of an inventory, or what is wrong with it. */
export type Inventory = { readonly hosts: readonly InventoryHost[] } | { readonly problem: string };

type Variables = ReadonlyMap<string, string>;

interface Group {
  readonly hosts: Map<string, Variables>;
  readonly children: string[];
  readonly variables: Map<string, string>;
}

const ALL = 'all';
/** `cmp-1:2222` or `[fd00::1]:2222`. Ranges in brackets have colons too, and so do IPv6 addresses. */
const WITH_PORT = /^((?:[^:[\]]|\[[^\]]*\])+):(\d{1,5})$/;
/** Hosts before the first section. */
const UNGROUPED = 'ungrouped';

/**
 * Reads a list of hosts: one per line, followed by its address if that differs, with a port or without; or an Ansible inventory in INI format
 * (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ini_inventory.html). Variables other than `ansible_host`, `ansible_port` and
 * `ansible_user` are ignored, and hosts with `ansible_connection=local` are not read.
 * @param groups only the hosts of these groups and of their children
 */
export function parseInventory(text: string, groups?: readonly string[]): Inventory {
  const found = new Map<string, Group>();
  const groupOf = (name: string): Group => {
    const known = found.get(name);
    if (known) return known;
    const group: Group = { hosts: new Map(), children: [], variables: new Map() };
    found.set(name, group);
    return group;
  };
  let section: readonly [name: string, part: string] = [UNGROUPED, 'hosts'];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    const wrong = (words: string): Inventory => ({ problem: `line ${index + 1} ${words}` });
    if (line === '' || /^[#;]/.test(line)) continue;
    if (line === '---' || /^[\w-]+:$/.test(line))
      return wrong('looks like YAML: only a list of hosts and Ansible inventories in INI format can be read');
    const header = /^\[([^\]:]+)(?::(\w+))?\](?:\s*[#;].*)?$/.exec(line);
    if (header) {
      section = [header[1]!.trim(), header[2] ?? 'hosts'];
      groupOf(section[0]);
      continue;
    }
    const [name, part] = section;
    const words = splitWords(line);
    if (part === 'vars') {
      const [, key, value] = /^([\w-]+)\s*=\s*(.*)$/.exec(line) ?? [];
      if (key === undefined) return wrong('is no variable such as ansible_user=wrench');
      groupOf(name).variables.set(key, unquote(value ?? ''));
    } else if (part === 'children') groupOf(name).children.push(words[0] ?? '');
    else if (part === 'hosts') {
      const problem = addHosts(groupOf(name).hosts, words);
      if (problem !== undefined) return wrong(problem);
    } else return wrong(`is in [${name}:${part}], which is no section of an Ansible inventory`);
  }
  return collect(found, groups);
}

/** @returns what is wrong with the line */
function addHosts(
  hosts: Map<string, Variables>,
  [pattern = '', ...rest]: readonly string[],
): string | undefined {
  const [, names = pattern, port] = WITH_PORT.exec(pattern) ?? [];
  const expanded = expandHostPatterns([names]);
  if ('problem' in expanded) return `has no host: ${expanded.problem}`;
  const [target] = rest.filter((word) => !word.includes('='));
  if (target !== undefined && expanded.names.length > 1) return 'has one address for several hosts';
  const variables = new Map(
    rest.flatMap((word) => {
      const at = word.indexOf('=');
      return at < 0 ? [] : [[word.slice(0, at), unquote(word.slice(at + 1))] as const];
    }),
  );
  const [, address = target, addressPort = port] = WITH_PORT.exec(target ?? '') ?? [];
  if (address !== undefined) variables.set('ansible_host', address.replace(/^\[(.*)\]$/, '$1'));
  if (addressPort !== undefined) variables.set('ansible_port', addressPort);
  for (const name of expanded.names) hosts.set(name, new Map([...(hosts.get(name) ?? []), ...variables]));
  return undefined;
}

function collect(found: ReadonlyMap<string, Group>, wanted?: readonly string[]): Inventory {
  const missing = wanted?.find((name) => name !== ALL && !found.has(name));
  if (missing !== undefined) return { problem: `has no group ${missing}` };
  const names = new Set<string>();
  for (const group of wanted ?? [ALL])
    for (const member of membersOf(found, group))
      for (const host of found.get(member)?.hosts.keys() ?? []) names.add(host);
  if (names.size > MAX_HOSTS) return { problem: `has more than ${MAX_HOSTS.toLocaleString('en')} hosts` };
  const variablesOf = variablesIn(found);
  const hosts: InventoryHost[] = [];
  for (const name of names) {
    const variables = variablesOf(name);
    if (variables.get('ansible_connection') === 'local') continue;
    const address = variables.get('ansible_host') ?? variables.get('ansible_ssh_host');
    const port = variables.get('ansible_port') ?? variables.get('ansible_ssh_port');
    const user = variables.get('ansible_user') ?? variables.get('ansible_ssh_user');
    if (port !== undefined && !(Number.isInteger(Number(port)) && Number(port) > 0 && Number(port) < 65_536))
      return { problem: `has the invalid port ${port} for ${name}` };
    if (address !== undefined && !/^[\w.:-]+$/.test(address))
      return { problem: `has the invalid address ${address} for ${name}` };
    hosts.push({
      name,
      ...(address !== undefined && { address }),
      ...(port !== undefined && { port: Number(port) }),
      ...(user !== undefined && { user }),
    });
  }
  return hosts.length > 0 ? { hosts } : { problem: 'has no hosts' };
}

/** A group and its children, each once: they may be circular. */
function membersOf(found: ReadonlyMap<string, Group>, name: string): ReadonlySet<string> {
  if (name === ALL) return new Set(found.keys());
  const members = new Set([name]);
  for (const member of members) for (const child of found.get(member)?.children ?? []) members.add(child);
  return members;
}

/** The variables of a host win over those of a group, and those of a group over those of the groups that contain it. */
function variablesIn(found: ReadonlyMap<string, Group>): (host: string) => Variables {
  const groups = [...found]
    .filter(([name]) => name !== ALL)
    .map(([name, { variables }]) => {
      const members = membersOf(found, name);
      return {
        variables,
        size: members.size,
        hosts: new Set([...members].flatMap((member) => [...(found.get(member)?.hosts.keys() ?? [])])),
      };
    })
    .toSorted((a, b) => b.size - a.size);
  return (host) =>
    new Map([
      ...(found.get(ALL)?.variables ?? []),
      ...groups.flatMap(({ variables, hosts }) => (hosts.has(host) ? [...variables] : [])),
      ...[...found.values()].flatMap(({ hosts }) => [...(hosts.get(host) ?? [])]),
    ]);
}

/** Words, of which a value may be quoted, up to a comment. */
function splitWords(line: string): readonly string[] {
  const words = line.match(/(?:[^\s"'#]|"[^"]*"|'[^']*'|(?<=\S)#)+|#.*/g) ?? [];
  return words.filter((word) => !word.startsWith('#'));
}

function unquote(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}
