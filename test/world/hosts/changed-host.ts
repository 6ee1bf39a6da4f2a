import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type SshConfig, sshConfig } from '../../../src/sources/ssh/config.ts';
import { openHosts } from '../../../src/sources/ssh/open.ts';
import type { Source } from '../../../src/ports/source.ts';
import { type HostOutput, serveHosts } from './serve-hosts.ts';
import { openShell, sessionScript } from './shell-session.ts';

const CHANGE = new URL('../../../deploy/hosts/wrench-change', import.meta.url);
export const RESCUE_FOLDER = '/srv/rescue';
export const DUMP_FOLDER = '/var/lib/dumps';

/** A host behind a real sshd, with its own `/var/lib`, `/srv` and process ids. Its processes and files are real; only `nova-manage` and `sudo` are scripts. */
export interface ChangedHost {
  readonly source: Source;
  readonly config: SshConfig;
  /** Runs a step there that must succeed, and returns what it printed. */
  readonly shell: (line: string) => Promise<string>;
  /** The changes that reached it, without the common beginning. */
  readonly commands: () => readonly string[];
  /** Called before each command that reaches it. */
  before: (command: string) => Promise<void>;
  /** Replaces what a command printed. */
  after: (command: string, output: HostOutput) => HostOutput;
}

export interface ChangedHostOptions {
  /** What runs the lines. `both`: one key is for `wrench-collect`, and the other one for `wrench-change`, as in production. */
  readonly through?: 'wrench-change' | 'shell' | 'both';
  /** The program that takes the place of `nova-manage`. */
  readonly novaManage?: string;
  readonly allow?: object;
  /** The shell that runs `wrench-change`. */
  readonly interpreter?: string;
}

const COLLECT = new URL('../../../deploy/hosts/wrench-collect', import.meta.url);

/** tmpfs, which is what the tests run on, counts as a local disk. */
const asLocalDisk = (command: string, output: HostOutput): HostOutput =>
  command.includes(' -f -c %T') && output.stdout !== undefined
    ? { ...output, stdout: output.stdout.toString().replace(/^\w+/, 'ext2/ext3') }
    : output;

const PREFIX = 'env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin ';

export async function startChangedHost({
  through = 'wrench-change',
  novaManage = 'exit 0',
  allow = {
    rescue: { folder: RESCUE_FOLDER },
    truncate: {},
    archive: { host: 'cmp-1', dumpFolder: DUMP_FOLDER },
  },
  interpreter = 'dash',
}: ChangedHostOptions = {}): Promise<ChangedHost> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-changed-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const script = (await readFile(CHANGE, 'utf8'))
    .replace("rescue_folder=''", `rescue_folder='${RESCUE_FOLDER}'`)
    .replace("truncate=''", "truncate='yes'")
    .replace("dump_folder=''", `dump_folder='${DUMP_FOLDER}'`)
    .replace(/^PATH=.*$/m, `PATH='${folder}:/usr/sbin:/usr/bin:/sbin:/bin'`);
  await writeFile(join(folder, 'wrench-change'), script);
  await copyFile(COLLECT, join(folder, 'wrench-collect'));
  await writeFile(join(folder, 'nova-manage'), `#!/bin/sh\n${novaManage}\n`, { mode: 0o755 });
  // sudo -n -u nova PROGRAM
  await writeFile(join(folder, 'sudo'), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });

  const inNamespace = [
    ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const start = `mount -t tmpfs -o size=12g,mode=755 none /var/lib && mount -t tmpfs -o size=12g,mode=755 none /srv && mkdir -p /var/lib/nova/instances/_base ${RESCUE_FOLDER} ${DUMP_FOLDER}`;
  const session = await openShell('unshare', [
    ...inNamespace,
    'sh',
    '-c',
    `${start}\n${sessionScript(folder)}`,
  ]);
  onTestFinished(session.close);

  let last: Promise<unknown> = Promise.resolve();
  /** One line at a time: the session answers them in order. */
  const run = (line: string): Promise<HostOutput> => {
    const answer = last.then(() => session.run(line));
    last = answer.catch(() => undefined);
    return answer;
  };
  const commands: string[] = [];
  const host: Pick<ChangedHost, 'before' | 'after'> = {
    before: async () => undefined,
    after: asLocalDisk,
  };
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const served = await serveHosts(
    new Map([
      [
        'cmp-1',
        async (line, key) => {
          const command = line.replace(PREFIX, '').replace(/^sudo -n (?!-u)/, '');
          const isReading = through === 'both' && key === 'reading';
          if (!isReading) commands.push(command);
          await host.before(command);
          const output = await run(
            through === 'shell'
              ? `${PREFIX}${command}`
              : `SSH_ORIGINAL_COMMAND=${quote(line)} ${interpreter} ${folder}/${isReading ? 'wrench-collect' : 'wrench-change'}`,
          );
          return host.after(command, output);
        },
      ],
    ]),
  );
  onTestFinished(served.close);
  const config = sshConfig.parse({
    ...served.source('compute'),
    timeoutMs: 60_000,
    allow: through === 'both' ? withKey(allow, served.changeKey) : allow,
  });
  const source = openHosts(config);
  onTestFinished(source.close);
  return Object.assign(host, {
    source,
    config,
    commands: () => commands,
    shell: async (line: string) => {
      const { exitCode, stdout = '', stderr = '' } = await run(line);
      if (exitCode !== 0) throw new Error(`${line}: exit code ${exitCode}: ${stderr}`);
      return stdout.toString();
    },
  });
}

function withKey(allow: object, key: string): object {
  return Object.fromEntries(Object.entries(allow).map(([change, rules]) => [change, { ...rules, key }]));
}

/** Lets a process have a file open as descriptor 3. `how` is a redirection: `>>`, `>`, `<`. */
export async function openIn(
  { shell }: Pick<ChangedHost, 'shell'>,
  how: string,
  path: string,
): Promise<number> {
  return Number(await shell(`exec 3${how}${path}; sleep 1000 >/dev/null 2>&1 & echo $!`));
}
