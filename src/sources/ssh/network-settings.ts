import type { HostSetting } from '../../ports/hosts.ts';
import { SETTING_KEYS } from '../../wire/host-commands.ts';
import { linesOf } from './ask-host.ts';

/** `/etc/neutron/dhcp_agent.ini:12:dhcp_lease_duration = 120`. */
const FILE_LINE = /^(?<file>\/[^:]+):(?<line>\d+):(?<text>.*)$/;
const SECTION = /^\s*\[(?<section>[^\]]*)\]/;
const SETTING = /^\s*(?<key>[a-z_]+)\s*[=:]\s*(?<value>.*)$/;

/**
 * Parses lines of INI files that `grep -Hn` found. undefined if it isn't understood. A value goes on in the next line if that is indented:
 * https://docs.openstack.org/oslo.config/latest/configuration/format.html
 */
export function parseSettings(
  text: string,
  keys: readonly string[] = SETTING_KEYS,
): readonly HostSetting[] | undefined {
  const settings: HostSetting[] = [];
  let lastLine = 0;
  let section: { readonly file: string; readonly name: string } | undefined;
  for (const found of linesOf(text)) {
    const { file, line, text: content } = FILE_LINE.exec(found)?.groups ?? {};
    if (file === undefined || content === undefined) return undefined;
    const number = Number(line);
    const name = SECTION.exec(content)?.groups?.['section'];
    const { key, value } = SETTING.exec(content)?.groups ?? {};
    const last = settings.at(-1);
    if (name !== undefined) section = { file, name: name.trim() };
    else if (key !== undefined && value !== undefined && keys.includes(key)) {
      settings.push({
        file,
        line: number,
        ...(section?.file === file && { section: section.name }),
        key,
        value: value.trim(),
      });
      lastLine = number;
    } else if (last?.file === file && lastLine === number - 1 && /^\s/.test(content)) {
      settings[settings.length - 1] = { ...last, value: `${last.value}${content.trim()}` };
      lastLine = number;
    }
  }
  return settings;
}
