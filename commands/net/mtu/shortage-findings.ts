import { type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { networkOfBridge } from './bridges.ts';
import { isServiceTag, type Shortage } from './budget.ts';
import type { Chain } from './chain.ts';
import { chainTable, hostsIn, targetOf, targetsOf } from './finding-parts.ts';
import { isTunnel, tunnelWord } from './overhead.ts';
import { changesInWords, limitInWords, limitsToCheck, raiseOf } from './raise.ts';
import { likelySetting, type WrongSetting, wrongSettingOf } from './settings.ts';

interface Cause {
  readonly shortages: readonly [Shortage, ...Shortage[]];
  readonly setting?: WrongSetting;
}

/** Links that are short for one reason are one finding: one wrong setting often affects all VLANs of a host, or all hosts. */
export function shortageFindings(
  shortages: readonly Shortage[],
  chains: readonly Chain[],
  networks: readonly ports.CloudNetwork[],
): readonly Finding<never>[] {
  const causes = Map.groupBy(shortages, ({ reason, chain, step }) =>
    JSON.stringify([
      reason,
      chain.vlansBelow[0]?.name,
      step.link.name,
      step.mtu,
      chain.overhead?.bytes,
      reason === 'vlan-on-vlan' ? wrongSettingOf(chain) : undefined,
    ]),
  );
  return [...causes.values()].map((group) => {
    const sorted = group.toSorted((a, b) => compareTargets(a, b));
    const [first] = sorted as [Shortage, ...Shortage[]];
    const setting = first.reason === 'vlan-on-vlan' ? wrongSettingOf(first.chain) : undefined;
    return toFinding(
      { shortages: [first, ...sorted.slice(1)], ...(setting && { setting }) },
      chains,
      networks,
    );
  });
}

function compareTargets(a: Shortage, b: Shortage): number {
  const name = ({ chain }: Shortage) => targetOf(chain.table, chain.link);
  return name(a) < name(b) ? -1 : 1;
}

function toFinding(
  cause: Cause,
  chains: readonly Chain[],
  networks: readonly ports.CloudNetwork[],
): Finding<never> {
  const { shortages, setting } = cause;
  const [{ reason, chain, usage }] = shortages;
  const network = networkOfBridge(chain.link.master, networks);
  const peer = healthyPeerOf(chain, chains, reason);
  const evidence: readonly Evidence[] = [
    ...(shortages.length > 1 ? [linksTable(shortages)] : []),
    ...(setting ? [field('Cause', `\`${setting.line}\` in ${setting.place}`)] : []),
    ...optionalField('Compare', peer && peerInWords(peer)),
    ...optionalField('Network', network && networkInWords(network)),
    ...(usage === 'idle' ? [field('In use', 'no: it has no address and no bridge')] : []),
    ...(usage === 'unknown' && !chain.table.host.addresses
      ? [field('In use', "not known: its addresses couldn't be read")]
      : []),
    chainTable(chain),
    ...stepsFor(cause, peer, network),
  ];
  return {
    reason,
    severity: worstSeverity(shortages.map(({ severity }) => severity)) ?? 'warning',
    ...targetsOf(shortages.map((one) => targetOf(one.chain.table, one.chain.link))),
    summary: `${problemInWords(cause)}${actionInWords(cause, peer)}`,
    evidence: [...evidence],
  };
}

function linksTable(shortages: readonly Shortage[]): Evidence {
  return {
    kind: 'table',
    columns: ['Affected', 'MTU'],
    rows: shortages.map(({ chain: { table, link } }) => [targetOf(table, link), String(link.mtu ?? '')]),
  };
}

function networkInWords({ name, mtu }: ports.CloudNetwork): string {
  return mtu === undefined ? name : `${name} (MTU ${mtu})`;
}

/** The same VLAN or VNI on another host where it fits. */
function healthyPeerOf(chain: Chain, chains: readonly Chain[], reason: Shortage['reason']) {
  const { link, table, base } = chain;
  return chains.find(
    (other) =>
      other.table !== table &&
      other.short.length === 0 &&
      other.unknown === undefined &&
      other.link.kind === link.kind &&
      (reason === 'tunnel-mtu'
        ? other.link.tunnel?.id === link.tunnel?.id && other.mtu >= chain.mtu
        : other.link.vlan?.id === link.vlan?.id) &&
      (reason !== 'vlan-on-vlan' ||
        (other.vlansBelow.length === 0 && (base === undefined || other.base?.name === base.name))),
  );
}

function peerInWords({ link, table, steps: below, vlansBelow, base }: Chain): string {
  const [first] = below;
  const on = vlansBelow.length === 0 && base ? base : first?.link;
  return `${link.name} on ${table.host.name} is on ${on?.name ?? 'nothing'} (MTU ${on?.mtu ?? 'unknown'})`;
}

function problemInWords({ shortages }: Cause): string {
  const [{ reason, chain, step }] = shortages;
  const { link, vlansBelow, table, sentMtu, overhead } = chain;
  const isOne = shortages.length === 1;
  const hosts = hostsIn(shortages.map((one) => one.chain));
  const where = hosts === 1 ? table.host.name : wording.count(hosts, 'host');
  const subject = isOne
    ? `${targetOf(table, link)}${link.vlan ? ` (VLAN ${link.vlan.id})` : ''}`
    : `${wording.count(shortages.length, reason === 'tunnel-mtu' ? 'tunnel' : 'VLAN')} on ${where}`;
  const needs = Math.max(...shortages.map((one) => one.step.needs));
  const short = `${isOne ? 'its' : 'their'} frames need ${needs} bytes, but ${step.link.name} carries ${step.mtu}`;
  const are = isOne ? 'is' : 'are';
  const below = vlansBelow[0];
  switch (reason) {
    case 'tunnel-mtu': {
      const over = overhead?.family === undefined ? '' : ` over ${overhead.family}`;
      return `${subject} ${isOne ? 'adds' : 'add'} ${overhead?.bytes ?? 0} bytes to each packet (${tunnelWord(link.kind)}${over}): ${isOne ? 'its' : 'their'} packets need ${needs} bytes, but ${step.link.name} carries ${step.mtu}`;
    }
    case 'vlan-mtu': {
      const tunnel = chain.steps.find((one) => isTunnel(one.link.kind))?.link;
      if (tunnel && tunnel !== step.link)
        return `${subject} ${are} inside ${tunnel.name} (${tunnelWord(tunnel.kind)}): ${isOne ? 'its' : 'their'} packets need ${needs} bytes, but ${step.link.name} carries ${step.mtu}`;
      return isOne
        ? `${subject} sends packets of ${sentMtu} bytes, but ${step.link.name} below it carries ${step.mtu}`
        : `${subject} send packets of up to ${needs} bytes, but ${step.link.name} below them carries ${step.mtu}`;
    }
    case 'stacked-vlan-mtu':
    case 'vlan-on-vlan': {
      const protocol = isServiceTag(below?.vlan?.protocol) ? '802.1ad ' : '';
      const on = below ? `${below.name} (${protocol}VLAN ${below.vlan?.id ?? 'unknown'})` : 'a VLAN';
      return `${subject} ${are} stacked on ${on}: ${short}`;
    }
  }
}

function actionInWords({ shortages }: Cause, peer: Chain | undefined): string {
  const [{ reason, chain, usage, fitsNetwork }] = shortages;
  if (usage === 'idle') return '; nothing uses it';
  if (fitsNetwork) return '. They fit if guests use the MTU of the network';
  if (reason === 'vlan-on-vlan' && chain.base) {
    const where = `. Attach ${shortages.length === 1 ? 'it' : 'them'} to ${chain.base.name}`;
    return peer ? `${where}, as on ${peer.table.host.name}` : where;
  }
  if (peer && reason === 'tunnel-mtu') return `. It fits on ${peer.table.host.name}`;
  return '';
}

function stepsFor(
  cause: Cause,
  peer: Chain | undefined,
  network: ports.CloudNetwork | undefined,
): readonly Evidence[] {
  const { shortages } = cause;
  const [{ reason, chain, step }] = shortages;
  const affected = [...new Set(shortages.map((one) => one.chain.table.host.name))];
  const hosts = affected.length > 2 ? `all ${affected.length} hosts` : wording.list(affected);
  if (reason === 'vlan-on-vlan') return steps(attachSteps(cause, peer, hosts));
  const raise = raiseOf(chain);
  const missing = Math.max(...shortages.map((one) => one.step.needs)) - step.mtu;
  const raising =
    raise.blocked.length > 0
      ? `Don't raise the MTU of the links below it: ${limitInWords(raise)} on ${chain.table.host.name}`
      : `Raise ${changesInWords(raise)} on ${hosts}, and the switch ports to the same${peer ? `, as on ${peer.table.host.name}` : ''}${limitsToCheck(raise)}`;
  const lower = chain.sentMtu - missing;
  const lowering = network
    ? `lower the network on all hosts: \`openstack network set --mtu ${lower} ${network.id}\`, then renew the leases of its guests`
    : `lower ${chain.link.name} to ${lower} on all its hosts, and what is behind it`;
  return steps(
    raise.blocked.length > 0 ? [raising, wording.capitalize(lowering)] : [raising, `Or ${lowering}`],
  );
}

/** The MTU is right, the parent isn't: raising it would hide that. */
function attachSteps(
  { shortages, setting }: Cause,
  peer: Chain | undefined,
  hosts: string,
): readonly (string | undefined)[] {
  const [{ chain }] = shortages;
  const base = chain.base?.name ?? 'the link below it';
  const wrong = chain.steps[0]?.link.name ?? 'a VLAN';
  const change = setting
    ? `On ${hosts}, change it to \`${setting.corrected}\``
    : `On ${hosts}, check ${likelySetting(chain)}: it must name ${base}, not ${wrong}`;
  const restart = setting
    ? `Restart ${setting.service} on ${hosts}`
    : `Attach ${shortages.length === 1 ? chain.link.name : 'them'} to ${base}`;
  const intended =
    setting || peer
      ? undefined
      : `If two tags are intended, ${base} needs an MTU of ${Math.max(...shortages.map((one) => one.step.needs))}, and so do its switch ports`;
  return [change, restart, intended, `Run \`/net mtu\` again: ${chain.link.name} must be on ${base}`];
}
