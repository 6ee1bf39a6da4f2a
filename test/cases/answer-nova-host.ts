import { NOVA_SETTING_KEYS } from '../../src/wire/nova-commands.ts';
import type { HostOutput } from '../world/hosts/serve-hosts.ts';
import type { SpokenAnswer } from './case-file.ts';
import { instanceDisks } from './host-disks.ts';
import { fileLine, filesIn, type KnownFile, stateOf } from './host-files.ts';
import { settingLines, textOf } from './host-formats.ts';
import { mountsAsJson } from './host-mounts.ts';
import { isOfNovaLog, NOT_ASKED, novaLogLines } from './host-nova-logs.ts';
import { OPEN_FILES, openFileRecords } from './host-open-files.ts';
import { isLater } from './spoken-kind.ts';

const INSTANCES = '/var/lib/nova/instances';

/** What one command is answered from. */
interface HostCase {
  readonly host: string;
  readonly answers: readonly SpokenAnswer[];
  readonly now: Date;
  /** How often the sizes of files were asked before. */
  readonly timesMeasured: number;
}

/** undefined if the file doesn't answer the command. */
type Answer = (hostCase: HostCase, line: string) => HostOutput | undefined;

/** By the beginning of the command, without the environment, `sudo` and quotes. */
const COMMANDS: readonly (readonly [RegExp, Answer])[] = [
  [/^find .*qemu-img info/, answerDisks],
  [/^find (-H )?\/var\/lib\/nova\/instances .*%s,%b,%T@,%p/, answerFileSizes],
  [/^find \/proc /, answerOpenFiles],
  [/^readlink -f \/var\/lib\/nova\/instances$/, () => ({ exitCode: 0, stdout: `${INSTANCES}\n` })],
  [/^stat -L -c %s,%b,%Y,%n -- /, answerFileStates],
  [/^grep .*manager_interval/, answerSettings],
  [/^grep .*block\.I\/O\.error/, answerDiskErrors],
  [/^grep .*\/proc\/loadavg/, answerLoad],
  [/^cat .*\/compute_nodes$/, answerComputeNodes],
  [/^findmnt\b/, ({ answers }) => whole(mountsAsJson(answers.filter(({ ask }) => MOUNTS.test(ask))))],
];

const MOUNTS = /\b(findmnt|df|stat -f)\b|^mount\b|\| *mount\b/;

/**
 * Answers Wrench's commands about instances and Nova. `not-nova` if it is another one; undefined if the file says nothing about what it asks.
 */
export function answerNovaHost(hostCase: HostCase, line: string): HostOutput | 'not-nova' | undefined {
  const log = novaLogLines(hostCase.host, hostCase.answers, hostCase.now, line);
  if (log !== NOT_ASKED) return whole(log);
  const found = COMMANDS.find(([pattern]) => pattern.test(line));
  return found ? found[1](hostCase, line) : 'not-nova';
}

function whole(stdout: string | undefined): HostOutput | undefined {
  return stdout === undefined ? undefined : { exitCode: 0, stdout };
}

function isGood({ rc }: SpokenAnswer): boolean {
  return (rc ?? 0) === 0;
}

function answerDisks({ answers }: HostCase): HostOutput | undefined {
  const isOfFolder = /^(?:sudo )?ls\b(?!.*_base).*\/var\/lib\/nova\/instances\/?\S*$/;
  const output = instanceDisks(answers.filter(({ ask }) => /qemu-img/.test(ask) || isOfFolder.test(ask)));
  return output && { exitCode: 0, ...output };
}

const isOfConsole = ({ path }: KnownFile): boolean =>
  /^\/var\/lib\/nova\/instances\/[^/]+\/console\.log[^/]*$/.test(path);

/** The answers to "the same, 60 s later" with the question that they repeat. */
function measured(answers: readonly SpokenAnswer[], isSecond: boolean): readonly SpokenAnswer[] {
  let last = '';
  const asked = answers.map((one) => {
    if (!isLater(one)) last = one.ask;
    return { ...one, ask: /^the same/i.test(one.ask) ? last : one.ask, isLater: isLater(one) };
  });
  const repeated = new Set(asked.filter((one) => one.isLater).map(({ ask }) => ask));
  return asked.filter((one) => one.isLater === (isSecond && repeated.has(one.ask)));
}

function consoleLogs({ answers, now, timesMeasured }: HostCase): readonly KnownFile[] | undefined {
  const given = measured(answers, timesMeasured > 0).filter(({ ask }) => /console\.log/.test(ask));
  const asked = given.filter(
    (one) => /^(sudo )?(find|ls|stat|du)\b/.test(one.ask) && (isGood(one) || textOf(one) !== ''),
  );
  const logs = filesIn(asked, now).files.filter(isOfConsole);
  // What was printed in an unknown form is not an empty answer.
  const isUnderstood = logs.length > 0 || asked.every((one) => !isGood(one) || textOf(one).trim() === '');
  return asked.length > 0 && isUnderstood ? logs : undefined;
}

function answerFileSizes(hostCase: HostCase, line: string): HostOutput | undefined {
  const { answers, now } = hostCase;
  if (line.includes('console.log')) {
    const logs = consoleLogs(hostCase);
    const output = whole(logs?.map((file) => `${fileLine(file, now)}\0`).join(''));
    const failed = answers
      .filter(({ ask }) => /console\.log/.test(ask))
      .flatMap((one) => textOf(one).split('\n'))
      .filter((text) => /^(find|ls|stat|du): .*(permission denied|no such file)/i.test(text))
      .map((text) => text.replace(/^\w+: (cannot (access|open directory|read directory) )?/, 'find: '));
    return output && failed.length > 0 ? { ...output, exitCode: 1, stderr: failed.join('\n') } : output;
  }
  const { files, listed } = filesIn(answers, now);
  const isBase = (path: string): boolean => /^\/var\/lib\/nova\/instances\/_base[^/]*(\/|$)/.test(path);
  if (!listed.some(isBase)) return undefined;
  return whole(
    files
      .filter(({ path }) => isBase(path) && path.split('/').length === 7)
      .map((file) => `${fileLine(file, now)}\0`)
      .join(''),
  );
}

function answerOpenFiles(hostCase: HostCase, line: string): HostOutput | undefined {
  const isAsked = (path: string): boolean =>
    path.includes(line.includes('_base') ? '/_base' : '/console.log');
  return whole(
    openFileRecords(
      hostCase.answers.filter(({ ask }) => OPEN_FILES.test(ask)),
      {
        isAsked,
        // The position of a descriptor was read after the last measurement.
        logs: consoleLogs({ ...hostCase, timesMeasured: 1 }) ?? [],
      },
    ),
  );
}

/** Paths that the file says nothing about are left out, as if the host were slow. */
function answerFileStates({ answers, now }: HostCase, line: string): HostOutput | undefined {
  const known = filesIn(answers, now);
  const states = line
    .slice(line.indexOf(' -- ') + 4)
    .split(' ')
    .map((path) => ({ path, state: stateOf(known, path) }));
  if (states.every(({ state }) => state === undefined)) return undefined;
  const found = states.flatMap(({ state }) => (typeof state === 'object' ? [state] : []));
  const failed = states.flatMap(({ path, state }) => (typeof state === 'string' ? [{ path, state }] : []));
  return {
    exitCode: failed.length > 0 ? 1 : 0,
    stdout: found.map((file) => `${fileLine(file, now)}\n`).join(''),
    stderr: failed.map(({ path, state }) => `stat: cannot statx '${path}': ${state}\n`).join(''),
  };
}

/** `grep` ends with 1 if no line matches. */
function answerSettings({ answers }: HostCase): HostOutput | undefined {
  const given = answers.filter(({ ask }) => /\bnova(-compute)?\.conf\b/.test(ask));
  const read = given.filter((one) => isGood(one) || (one.rc === 1 && textOf(one).trim() === ''));
  const [failed] = given;
  if (read.length === 0) return failed && { exitCode: failed.rc ?? 1, stderr: textOf(failed) };
  // A file without these options has sections.
  const lines = settingLines(read.map(asFile), NOVA_SETTING_KEYS) || '/etc/nova/nova.conf:1:[DEFAULT]\n';
  return {
    exitCode: 2,
    stdout: lines,
    stderr: 'grep: /etc/nova/nova-compute.conf: No such file or directory\n',
  };
}

/** `crudini --get /etc/nova/nova.conf image_cache remove_unused_base_images` prints a value. */
function asFile(answer: SpokenAnswer): SpokenAnswer {
  const [, section, key] = /(?:crudini|openstack-config) --get \S+ (\S+) (\S+)/.exec(answer.ask) ?? [];
  if (key !== undefined) return { ...answer, text: `[${section}]\n${key} = ${textOf(answer).trim()}\n` };
  // `grep` of single settings, without their sections.
  return answer;
}

function answerComputeNodes({ answers }: HostCase): HostOutput | undefined {
  const [given] = answers.filter(
    ({ ask }) => /\/compute_nodes\b/.test(ask) && !/^(sudo )?(stat|ls)\b/.test(ask),
  );
  if (!given) return undefined;
  return isGood(given)
    ? { exitCode: 0, stdout: textOf(given) }
    : { exitCode: given.rc!, stderr: textOf(given) };
}

function answerDiskErrors({ answers }: HostCase): HostOutput | undefined {
  const given = answers.filter(({ ask }) => /libvirt\/qemu\b/.test(ask));
  if (given.length === 0) return undefined;
  const lines = given.filter(isGood).flatMap((one) => {
    const [path = '/var/log/libvirt/qemu/unknown.log'] = /\/var\/log\/[\w./-]*\.log\b/.exec(one.ask) ?? [];
    return textOf(one)
      .split('\n')
      .filter((text) => /block I\/O error/.test(text))
      .map((text) => (/^\/var\/log\/[^:]+:/.test(text) ? text : `${path}:${text}`));
  });
  return { exitCode: lines.length > 0 ? 0 : 1, stdout: lines.map((text) => `${text}\n`).join('') };
}

function answerLoad({ answers }: HostCase): HostOutput | undefined {
  const all = answers.filter(isGood);
  const textAbout = (pattern: RegExp): string =>
    all
      .filter(({ ask }) => pattern.test(ask))
      .map(textOf)
      .join('\n');
  const uptime = textAbout(/\buptime\b|loadavg|\bw\b|\btop\b/);
  const load = /load average:\s*([\d.]+)/.exec(uptime)?.[1] ?? /^([\d.]+) [\d.]+ [\d.]+/m.exec(uptime)?.[1];
  const cpus = /(?:^CPU\(s\):\s*)?(\d+)/m.exec(textAbout(/\bnproc\b|\blscpu\b|cpu\/online/))?.[1];
  if (load === undefined || cpus === undefined) return undefined;
  const average = Number(load).toFixed(2);
  return {
    exitCode: 0,
    stdout: `/proc/loadavg:${average} ${average} ${average} 1/80 11206\n/sys/devices/system/cpu/online:0-${Number(cpus) - 1}\n`,
  };
}

/** Whether a question is one of these, so that no other command is answered from it. */
export function isOfNova(answer: SpokenAnswer): boolean {
  return (
    isOfNovaLog(answer) ||
    OPEN_FILES.test(answer.ask) ||
    /qemu-img|compute_nodes|libvirt\/qemu/.test(answer.ask)
  );
}
