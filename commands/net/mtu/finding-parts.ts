import type { Evidence, Finding } from '../../kit.ts';
import type { Chain } from './chain.ts';
import type { LinkTable } from './link-table.ts';

/** `cmp-12:tenant-881` */
export function targetOf({ host }: LinkTable, link: { readonly name: string }): string {
  return `${host.name}:${link.name}`;
}

/** The first target stands for all of them: what they have in common has no name of its own. */
export function targetsOf(targets: readonly string[]): Pick<Finding, 'target' | 'targets'> {
  const sorted = [...new Set(targets)].toSorted();
  return { target: sorted[0] ?? '', ...(sorted.length > 1 && { targets: sorted }) };
}

/** The links from the top to the NICs. */
export function chainTable({ link, mtu, steps: below }: Chain): Evidence {
  const vlan = (one: typeof link) =>
    one.vlan ? String(one.vlan.id) : one.tunnel?.id === undefined ? '' : String(one.tunnel.id);
  return {
    kind: 'table',
    columns: ['Link', 'Kind', 'VLAN or VNI', 'MTU', 'Needs'],
    rows: [
      [link.name, kindOf(link), vlan(link), String(mtu), ''],
      ...below.map((step) => [
        step.link.name,
        kindOf(step.link),
        vlan(step.link),
        String(step.mtu),
        step.isLimit ? String(step.needs) : '',
      ]),
    ],
  };
}

function kindOf({ kind = 'NIC', vlan }: Chain['link']): string {
  return vlan?.protocol === '802.1ad' ? '802.1ad vlan' : kind;
}

/** `1 of 2 hosts` counts each host once. */
export function hostsIn(chains: readonly { readonly table: LinkTable }[]): number {
  return new Set(chains.map(({ table }) => table.host)).size;
}
