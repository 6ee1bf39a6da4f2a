import { readFile, stat } from 'node:fs/promises';
import type { SwitchPort } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import { explainFileError } from '../../wire/explain-file-error.ts';

const MAX_BYTES = 10 * 1024 * 1024;
const MAX_NAMED_LINES = 5;
/** The heading of a CSV file. */
const HEADING = /^"?(?:switch|device|hostname)"?\s*[,;]/i;

/**
 * The list of what is connected to which switch port: `leaf-a Ethernet1/41 cmp-41` on each line, or CSV.
 * @throws {SourceError} also if a line can't be read: a join with half a list names the wrong hosts.
 */
export async function readSwitchPorts(source: string, path: string): Promise<readonly SwitchPort[]> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw new SourceError(source, 'malformed', `${path} is larger than 10 MB`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const [kind, because] = await explainFileError(error as NodeJS.ErrnoException, path);
    throw new SourceError(
      source,
      kind,
      kind === 'missing' ? `${path} does not exist` : `${path}: ${because}`,
    );
  }
  return parseSwitchPorts(source, path, text);
}

function parseSwitchPorts(source: string, path: string, text: string): readonly SwitchPort[] {
  const wrong: number[] = [];
  const ports = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index): SwitchPort[] => {
      const content = line.replace(/(?:^|\s)#.*$/, '').trim();
      if (
        content === '' ||
        (HEADING.test(content) && /port|interface/i.test(content) && /host|server|description/i.test(content))
      )
        return [];
      const port = readPort(content);
      if (!port) wrong.push(index + 1);
      return port ? [port] : [];
    });
  if (wrong.length === 0) return ports;
  const shown = wrong.slice(0, MAX_NAMED_LINES).join(', ') + (wrong.length > MAX_NAMED_LINES ? ' ...' : '');
  throw new SourceError(
    source,
    'malformed',
    `${path}: ${wrong.length === 1 ? `line ${shown} is` : `lines ${shown} are`} not \`switch port host\``,
  );
}

function readPort(content: string): SwitchPort | undefined {
  const [separator] = /[,;]/.exec(content) ?? [];
  if (separator !== undefined) {
    const [name, port, host] = content.split(separator).map(unquoted);
    return name && port && host ? { switch: name, port, host } : undefined;
  }
  // `Port-channel 12` has a blank.
  const { name, port, host } = /^(?<name>\S+)\s+(?<port>\S.*?)\s+(?<host>\S+)$/.exec(content)?.groups ?? {};
  return name && port && host ? { switch: name, port, host } : undefined;
}

function unquoted(value: string): string {
  return value
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim();
}
