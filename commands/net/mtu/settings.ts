import type { ports } from '../../kit.ts';
import type { Chain } from './chain.ts';

/** The line of a configuration that attaches networks to the wrong link. */
export interface WrongSetting {
  /** `/etc/neutron/plugins/ml2/linuxbridge_agent.ini:2` */
  readonly place: string;
  /** `physical_interface_mappings = physnet1:inet` */
  readonly line: string;
  /** The same with the right link. */
  readonly corrected: string;
  /** What must be restarted to apply it. */
  readonly service: string;
}

/** `physnet1:inet,physnet2:eno4`, or the name of a link. */
const LINK_SETTINGS: Readonly<Record<string, { readonly isMapping: boolean; readonly service: string }>> = {
  physical_interface_mappings: { isMapping: true, service: 'neutron-linuxbridge-agent' },
  bridge_mappings: { isMapping: true, service: 'neutron-openvswitch-agent' },
  vlan_interface: { isMapping: false, service: 'nova-network' },
};

/** The setting that names the link below this VLAN, which leads to another VLAN, instead of the link below that. */
export function wrongSettingOf({ table, steps, base }: Chain): WrongSetting | undefined {
  const wrong = steps[0]?.link.name;
  if (wrong === undefined || !base) return undefined;
  for (const setting of table.host.settings ?? []) {
    const known = LINK_SETTINGS[setting.key];
    const value = known && correctedValue(setting, known.isMapping, wrong, base.name);
    if (known && value !== undefined)
      return {
        place: `${setting.file}:${setting.line}`,
        line: `${setting.key} = ${setting.value}`,
        corrected: `${setting.key} = ${value}`,
        service: known.service,
      };
  }
  return undefined;
}

function correctedValue(
  { value }: ports.HostSetting,
  isMapping: boolean,
  wrong: string,
  right: string,
): string | undefined {
  if (!isMapping) return value.trim() === wrong ? right : undefined;
  const mappings = value.split(',').map((one) => one.trim());
  const isWrong = (mapping: string) => mapping.slice(mapping.indexOf(':') + 1).trim() === wrong;
  if (!mappings.some(isWrong)) return undefined;
  return mappings.map((one) => (isWrong(one) ? `${one.slice(0, one.indexOf(':'))}:${right}` : one)).join(',');
}

/** The setting that is probably wrong, if none was read that explains it. */
export function likelySetting({ table, link }: Chain): string {
  const { master = '' } = link;
  if (master.startsWith('brq'))
    return '`physical_interface_mappings` in /etc/neutron/plugins/ml2/linuxbridge_agent.ini';
  if (table.find(master)?.kind === 'openvswitch')
    return '`bridge_mappings` in /etc/neutron/plugins/ml2/openvswitch_agent.ini';
  // nova-network names the bridge of a VLAN `br` and its id, from 100 by default.
  return /^br\d{3,4}$/.test(master)
    ? '`vlan_interface` in /etc/nova/nova.conf'
    : 'the network configuration of the host';
}
