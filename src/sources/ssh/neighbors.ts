import type { SwitchNeighbor } from '../../ports/hosts.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { linesOf } from './ask-host.ts';
import { known, toWord } from './values.ts';

/** Parses `lldpctl -f json`. undefined if it isn't understood. One interface can be an object, several are a list, and so for ports. */
export function parseNeighbors(text: string): readonly SwitchNeighbor[] | undefined {
  const lldp: unknown = asObject(parseJson(text))['lldp'];
  if (typeof lldp !== 'object' || lldp === null) return undefined;
  const interfaces: unknown = asObject(Array.isArray(lldp) ? lldp[0] : lldp)['interface'];
  if (interfaces === undefined) return [];
  const seen = asList(interfaces).flatMap((one) =>
    Object.entries(one).flatMap(([link, value]) =>
      asList(value).map((neighbor) => toNeighbor(link, neighbor)),
    ),
  );
  const neighbors = seen.filter((neighbor) => neighbor !== undefined);
  return seen.length > 0 && neighbors.length === 0 ? undefined : neighbors;
}

function asList(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(asObject) : [asObject(value)];
}

/** A switch without a name is `{"chassis": {"id": {…}}}`, otherwise `{"chassis": {"leaf-a": {"id": {…}}}}`. */
function toNeighbor(link: string, neighbor: JsonObject): SwitchNeighbor | undefined {
  const chassis = asObject(asList(neighbor['chassis'])[0]);
  const isNameless = 'id' in chassis && 'value' in asObject(chassis['id']);
  const [name] = Object.keys(chassis);
  const chassisId = toWord(asObject(chassis['id'])['value']);
  const port = asObject(asList(neighbor['port'])[0]);
  const id = asObject(asList(port['id'])[0]);
  return fromFacts(link, {
    switch: isNameless ? (toWord(chassis['name']) ?? chassisId) : toWord(name),
    portId: toWord(id['value']),
    isMac: id['type'] === 'mac',
    description: toWord(port['descr']),
  });
}

interface NeighborFacts {
  readonly switch: string | undefined;
  readonly portId: string | undefined;
  readonly isMac: boolean;
  readonly description: string | undefined;
}

/** A MAC address doesn't name a port: then its description does. */
function fromFacts(link: string, facts: NeighborFacts): SwitchNeighbor | undefined {
  const { switch: name, portId, isMac, description } = facts;
  const port = isMac ? (description ?? portId) : (portId ?? description);
  if (name === undefined || port === undefined) return undefined;
  return {
    link,
    switch: name,
    port,
    ...known({ portDescription: description === port ? undefined : description }),
  };
}

/** `lldp.eth0.port.ifname=Ethernet1/43`; `via` is the first line of a neighbor. */
const KEY_VALUE =
  /^lldp\.(?<link>.+?)\.(?<key>via|chassis\.name|chassis\.mac|port\.ifname|port\.local|port\.mac|port\.descr)=(?<value>.*)$/;

/** Parses `lldpctl -f keyvalue`, for versions without JSON. undefined if it isn't understood. */
export function parseNeighborsText(text: string): readonly SwitchNeighbor[] | undefined {
  const lines = linesOf(text);
  if (lines.some((line) => !/^lldp\.[^=]+=|^configuration\./.test(line) && !/^\s/.test(line)))
    return undefined;
  const neighbors: { readonly link: string; readonly facts: Map<string, string> }[] = [];
  for (const line of lines) {
    const { link, key, value } = KEY_VALUE.exec(line)?.groups ?? {};
    if (link === undefined || key === undefined || value === undefined) continue;
    const last = neighbors.at(-1);
    const current = last?.link === link && key !== 'via' ? last : { link, facts: new Map<string, string>() };
    if (current !== last) neighbors.push(current);
    current.facts.set(key, value);
  }
  return neighbors
    .map(({ link, facts }) =>
      fromFacts(link, {
        switch: toWord(facts.get('chassis.name')) ?? toWord(facts.get('chassis.mac')),
        portId:
          toWord(facts.get('port.ifname')) ??
          toWord(facts.get('port.local')) ??
          toWord(facts.get('port.mac')),
        isMac: !facts.has('port.ifname') && !facts.has('port.local'),
        description: toWord(facts.get('port.descr')),
      }),
    )
    .filter((one) => one !== undefined);
}
